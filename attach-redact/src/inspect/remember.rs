use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use super::{Inspect, Inspection};
use crate::scope::Key;
use crate::{ConfigError, Fault, Finding};

/// A text with more findings is asked about each time: what is remembered has a bound.
const MOST: usize = 64;

/// An inspector that is not asked twice about a text: a conversation's earlier turns come again with every turn.
///
/// What is remembered are places and entities by a digest of the text, under a key that is made at start and kept
/// nowhere; never a text. A request that is refused is not remembered. What is not needed any longer makes way for what
/// is; there is no other end to it, so an inspector that changes its mind needs a new start.
pub struct Remembering<I> {
    inner: I,
    key: Key,
    known: Mutex<Generations>,
}

type Digest = [u8; 32];

/// What was used since the last turn of generations, and what was used in the one before.
struct Generations {
    size: usize,
    young: HashMap<Digest, Arc<[Finding]>>,
    old: HashMap<Digest, Arc<[Finding]>>,
}

impl<I: Inspect> Remembering<I> {
    /// Remembers what `inner` said of some `texts`.
    ///
    /// # Errors
    ///
    /// When the system gives no random bytes for a key.
    pub fn new(inner: I, texts: usize) -> Result<Self, ConfigError> {
        let mut random = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *random).map_err(|_| ConfigError::NoRandomness)?;
        let known =
            Generations { size: texts.div_ceil(2).max(1), young: HashMap::new(), old: HashMap::new() };
        Ok(Self { inner, key: Key::new(&*random), known: Mutex::new(known) })
    }

    fn known<T>(&self, look: impl FnOnce(&mut Generations) -> T) -> T {
        look(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Generations {
    fn find(&mut self, digest: &Digest) -> Option<Arc<[Finding]>> {
        if let Some(findings) = self.young.get(digest) {
            return Some(Arc::clone(findings));
        }
        let findings = self.old.remove(digest)?;
        self.keep(*digest, Arc::clone(&findings));
        Some(findings)
    }

    fn keep(&mut self, digest: Digest, findings: Arc<[Finding]>) {
        if self.young.len() >= self.size {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest, findings);
    }
}

impl<I: Inspect> Inspect for Remembering<I> {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    async fn inspect(&self, texts: &[&str]) -> Result<Inspection, Fault> {
        let digests: Vec<Digest> = texts.iter().map(|text| self.key.mac(&[text.as_bytes()])).collect();
        let found: Vec<Option<Arc<[Finding]>>> =
            self.known(|known| digests.iter().map(|digest| known.find(digest)).collect());
        let mut seen = Inspection::new();
        let mut new: Vec<(usize, &str)> = Vec::new();
        for (index, (text, findings)) in texts.iter().zip(found).enumerate() {
            match findings {
                Some(findings) => findings.iter().for_each(|finding| seen.found(index, finding.clone())),
                None => new.push((index, text)),
            }
        }
        if new.is_empty() {
            return Ok(seen);
        }
        let (indices, texts): (Vec<usize>, Vec<&str>) = new.into_iter().unzip();
        let asked = self.inner.inspect(&texts).await?;
        let mut fresh: Vec<Vec<Finding>> = texts.iter().map(|_| Vec::new()).collect();
        for (index, finding) in asked.findings {
            let of =
                fresh.get_mut(index).ok_or_else(|| Fault::new("an inspector gave an impossible range"))?;
            of.push(finding);
        }
        let remember = asked.refusals.is_empty();
        seen.refusals = asked.refusals;
        for (index, findings) in indices.into_iter().zip(fresh) {
            if let Some(digest) = digests.get(index).filter(|_| remember && findings.len() <= MOST) {
                self.known(|known| known.keep(*digest, findings.as_slice().into()));
            }
            findings.into_iter().for_each(|finding| seen.found(index, finding));
        }
        Ok(seen)
    }
}

/// Shows nothing of what is remembered.
impl<I: fmt::Debug> fmt::Debug for Remembering<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remembering").field("inner", &self.inner).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Entity;

    /// Finds `x`, refuses `!`, fails at `?`; remembers what it was asked.
    #[derive(Clone, Default)]
    struct Spy(Arc<Mutex<Vec<String>>>);

    impl Inspect for Spy {
        async fn inspect(&self, texts: &[&str]) -> Result<Inspection, Fault> {
            let mut seen = Inspection::new();
            for (index, text) in texts.iter().enumerate() {
                self.0.lock().unwrap().push((*text).to_owned());
                text.match_indices('x')
                    .for_each(|(at, _)| seen.found(index, Finding::new(at..at + 1, Entity::Person, 1.0)));
                text.find('!').into_iter().for_each(|_| seen.refuse("loud"));
                if text.contains('?') {
                    return Err(Fault::new("asked back"));
                }
            }
            Ok(seen)
        }
    }

    async fn ask(spy: &Remembering<Spy>, texts: &[&str]) -> (Vec<(usize, usize)>, Vec<String>) {
        let seen = spy.inspect(texts).await.unwrap();
        let mut found: Vec<_> =
            seen.findings().iter().map(|(index, finding)| (*index, finding.range.start)).collect();
        found.sort_unstable();
        (found, std::mem::take(&mut spy.inner.0.lock().unwrap()))
    }

    #[tokio::test]
    async fn only_what_is_new_is_asked_about_and_the_answer_is_the_same() {
        let spy = Remembering::new(Spy::default(), 100).unwrap();
        assert_eq!(ask(&spy, &["x1", "2x"]).await, (vec![(0, 0), (1, 1)], vec!["x1".into(), "2x".into()]));
        assert_eq!(ask(&spy, &["2x", "3x", "x1"]).await, (vec![(0, 1), (1, 1), (2, 0)], vec!["3x".into()]));
        assert_eq!(ask(&spy, &["2x", "x1"]).await, (vec![(0, 1), (1, 0)], Vec::new()));
    }

    #[tokio::test]
    async fn refusals_and_faults_are_not_remembered() {
        let spy = Remembering::new(Spy::default(), 100).unwrap();
        for _ in 0..2 {
            assert_eq!(spy.inspect(&["a", "b!"]).await.unwrap().refusals(), [Box::<str>::from("loud")]);
            assert!(spy.inspect(&["c?"]).await.is_err());
        }
        let asked = spy.inner.0.lock().unwrap().concat();
        assert_eq!(asked, "ab!c?ab!c?");
    }

    #[tokio::test]
    async fn what_is_used_stays_and_what_is_not_makes_way() {
        let spy = Remembering::new(Spy::default(), 8).unwrap();
        ask(&spy, &["used", "unused"]).await;
        for n in 0..50 {
            ask(&spy, &[&format!("other {n}")]).await;
            assert!(ask(&spy, &["used"]).await.1.is_empty(), "{n}");
        }
        assert_eq!(ask(&spy, &["unused"]).await.1, ["unused"]);
        let count = spy.known(|known| known.young.len() + known.old.len());
        assert!(count <= 8, "{count}");
        assert!(ask(&spy, &[&"x".repeat(65)]).await.1 == ask(&spy, &[&"x".repeat(65)]).await.1);
    }
}
