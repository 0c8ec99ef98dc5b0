use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::{HeaderMap, RETRY_AFTER};
use tokio::time::Instant;

/// The longest an upstream's word is taken for.
const LONGEST: Duration = Duration::from_secs(60);

/// So many models are remembered; callers may make up names.
const MOST: usize = 256;

/// Which models an upstream has asked to be left alone with, and until when (`Retry-After`, RFC 9110 §10.2.3).
#[derive(Debug, Default)]
pub(crate) struct Pauses(Mutex<Vec<(Arc<str>, Instant)>>);

impl Pauses {
    /// Notes what the answer about `model` says.
    pub(crate) fn note(&self, model: &Arc<str>, headers: &HeaderMap, now: Instant) {
        let Some(pause) = retry_after(headers) else { return };
        let mut known = self.lock();
        known.retain(|(name, until)| *until > now && name != model);
        if known.len() < MOST {
            known.push((Arc::clone(model), now + pause.min(LONGEST)));
        }
    }

    /// Whether `model` is to be left alone now.
    pub(crate) fn paused(&self, model: &str, now: Instant) -> bool {
        self.lock().iter().any(|(name, until)| **name == *model && *until > now)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Arc<str>, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Its seconds; a date is as good as nothing, because the clocks may differ.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_left_alone_as_long_as_was_asked_but_not_for_ever() {
        let (pauses, now) = (Pauses::default(), Instant::now());
        let model: Arc<str> = "m".into();
        let headers = |text: &str| [(RETRY_AFTER, text.parse().expect("a value"))].into_iter().collect();
        pauses.note(&model, &headers("30"), now);
        assert!(pauses.paused("m", now + Duration::from_secs(29)));
        assert!(!pauses.paused("m", now + Duration::from_secs(30)));
        assert!(!pauses.paused("other", now));
        pauses.note(&model, &headers("86400"), now);
        assert!(!pauses.paused("m", now + LONGEST));
        for odd in ["Wed, 21 Oct 2026 07:28:00 GMT", "-1", "soon", "1.5", "99999999999999999999999"] {
            let pauses = Pauses::default();
            pauses.note(&model, &headers(odd), now);
            assert!(!pauses.paused("m", now), "{odd}");
        }
    }
}
