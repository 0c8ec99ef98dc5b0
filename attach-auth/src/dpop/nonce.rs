use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// How long a nonce is handed out, in seconds; it is good for as long again.
const PERIOD: u64 = 150;

/// Nonces that nobody has to remember (RFC 9449 §8): a period of time, and our word for it.
#[derive(Clone)]
pub(super) struct Nonces(hmac::Key);

impl Nonces {
    pub(super) fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The one to use at `now`, in seconds since the epoch.
    pub(super) fn at(&self, now: u64) -> String {
        self.of(now / PERIOD)
    }

    /// Whether `nonce` is that of now or of the period before.
    pub(super) fn is_good(&self, nonce: &str, now: u64) -> bool {
        let period = now / PERIOD;
        let same = |known: String| {
            aws_lc_rs::constant_time::verify_slices_are_equal(known.as_bytes(), nonce.as_bytes()).is_ok()
        };
        same(self.of(period)) || same(self.of(period.saturating_sub(1)))
    }

    fn of(&self, period: u64) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, &period.to_be_bytes()))
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonces")
    }
}
