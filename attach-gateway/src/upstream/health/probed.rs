use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::config::Probe;

/// What probes have said of an upstream. Until enough of them have said otherwise, it is taken to be well.
#[derive(Debug, Default)]
pub(crate) struct Probed {
    down: AtomicBool,
    /// How many in a row have said otherwise.
    against: AtomicU32,
    well: AtomicU64,
    failed: AtomicU64,
}

impl Probed {
    /// Whether it is to be left alone while there are others.
    pub(crate) fn is_down(&self) -> bool {
        self.down.load(Relaxed)
    }

    /// How many probes went well, and how many failed.
    pub(crate) fn counts(&self) -> [u64; 2] {
        [self.well.load(Relaxed), self.failed.load(Relaxed)]
    }

    /// Notes how a probe went. Whether the upstream is down from now on, if that has changed. Only one task calls it.
    pub(crate) fn note(&self, well: bool, settings: &Probe) -> Option<bool> {
        if well { &self.well } else { &self.failed }.fetch_add(1, Relaxed);
        let down = self.is_down();
        if well != down {
            self.against.store(0, Relaxed);
            return None;
        }
        let against = self.against.fetch_add(1, Relaxed).saturating_add(1);
        if against < if down { settings.healthy_after } else { settings.unhealthy_after } {
            return None;
        }
        self.against.store(0, Relaxed);
        self.down.store(!down, Relaxed);
        Some(!down)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::Config;

    fn settings() -> Probe {
        let text = "[[issuer]]\nissuer = \"https://login.example\"\naudience = [\"a\"]\n[[upstream]]\nname = \"u\"\n\
                    kind = \"openai\"\nurl = \"http://127.0.0.1:1\"\n[upstream.probe]\nunhealthy_after = 3\n\
                    healthy_after = 2\n[access]\ndefault = \"allow\"";
        let config = Config::parse(text, |_| None).expect("a valid configuration");
        config.upstreams[0].probe.clone().expect("a probe")
    }

    #[test]
    fn it_goes_down_and_comes_back_after_as_many_in_a_row_as_is_written() {
        let (settings, probed) = (settings(), Probed::default());
        assert_eq!(settings.every, Duration::from_secs(5));
        let note = |well: bool| probed.note(well, &settings);
        for well in [false, false, true, false, false] {
            assert_eq!(note(well), None, "not three in a row");
        }
        assert!(!probed.is_down());
        assert_eq!(note(false), Some(true));
        for well in [false, true, false, true] {
            assert_eq!(note(well), None, "not two in a row");
        }
        assert!(probed.is_down());
        assert_eq!(note(true), Some(false));
        assert!(!probed.is_down());
        assert_eq!(note(true), None);
        assert_eq!(probed.counts(), [5, 7]);
    }
}
