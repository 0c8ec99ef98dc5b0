//! All inspectors at once.

use super::together::together;
use super::{Answer, DynInspect, Inspection, WhenDown};
use crate::{Fault, Finding};

/// An inspector, and what happens without it.
pub(crate) struct Inspector {
    pub(super) engine: Box<dyn DynInspect>,
    pub(super) when_down: WhenDown,
}

/// What all inspectors together found.
#[derive(Default)]
pub(crate) struct Seen {
    /// For each text.
    pub(crate) findings: Vec<Vec<Finding>>,
    pub(crate) refusals: Vec<Box<str>>,
    /// The inspectors they are of.
    pub(crate) refused_by: Vec<&'static str>,
    /// An inspector did not answer, and that is permitted.
    pub(crate) partial: bool,
}

impl Inspector {
    pub(crate) fn new(engine: impl super::Inspect, when_down: WhenDown) -> Self {
        Self { engine: Box::new(engine), when_down }
    }

    /// What it found; `None` if it is down and may be.
    async fn ask(&self, texts: &[&str]) -> Result<Option<Inspection>, Fault> {
        let answer = self.engine.inspect(texts).await.and_then(|seen| checked(seen, texts));
        match (answer, self.when_down) {
            (Ok(seen), _) => Ok(Some(seen)),
            (Err(fault), WhenDown::Closed) => Err(fault),
            (Err(fault), WhenDown::Open) => {
                tracing::warn!(%fault, "an inspector is down: a call goes on without its findings");
                Ok(None)
            }
        }
    }
}

/// Asks all `inspectors` about `texts`.
pub(crate) async fn ask(inspectors: &[Inspector], texts: &[impl AsRef<str>]) -> Result<Seen, Fault> {
    let mut seen = Seen { findings: texts.iter().map(|_| Vec::new()).collect(), ..Seen::default() };
    let worth = |text: &str| text.chars().any(char::is_alphanumeric);
    let (indices, asked): (Vec<usize>, Vec<&str>) =
        texts.iter().map(AsRef::as_ref).enumerate().filter(|(_, text)| worth(text)).unzip();
    if asked.is_empty() {
        return Ok(seen);
    }
    let answers = inspectors.iter().map(|inspector| -> Answer<'_, _> { Box::pin(inspector.ask(&asked)) });
    for (inspector, answer) in inspectors.iter().zip(together(answers.collect()).await?) {
        let Some(inspection) = answer else {
            seen.partial = true;
            continue;
        };
        for (index, finding) in inspection.findings {
            let findings = indices.get(index).and_then(|index| seen.findings.get_mut(*index));
            findings.ok_or_else(impossible)?.push(finding);
        }
        if !inspection.refusals.is_empty() {
            seen.refused_by.push(inspector.engine.name());
        }
        seen.refusals.extend(inspection.refusals);
    }
    Ok(seen)
}

fn checked(seen: Inspection, texts: &[&str]) -> Result<Inspection, Fault> {
    let possible = |(index, finding): &(usize, Finding)| {
        texts.get(*index).is_some_and(|text| text.get(finding.range.clone()).is_some())
    };
    if seen.findings.iter().all(possible) { Ok(seen) } else { Err(impossible()) }
}

fn impossible() -> Fault {
    Fault::new("an inspector gave an impossible range")
}
