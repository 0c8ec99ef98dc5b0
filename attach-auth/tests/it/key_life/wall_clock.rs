//! The machine's clock is set forth and back: tokens go by it, keys do not.

use std::sync::Mutex;
use std::time::SystemTime;

use attach_auth::Clock;

use super::*;

/// The other clock, and how far the wall clock is ahead of it.
#[derive(Debug, Clone, Default)]
struct SetClock(TestClock, Arc<Mutex<Duration>>);

impl SetClock {
    fn set_ahead(&self, by: Duration) {
        *self.1.lock().expect("no panic") = by;
    }
}

impl Clock for SetClock {
    fn now(&self) -> SystemTime {
        self.0.now() + *self.1.lock().expect("no panic")
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

#[tokio::test]
async fn a_clock_that_is_set_changes_which_tokens_are_good_and_no_key() {
    const HOUR: Duration = Duration::from_secs(3600);
    let (signer, fetch, clock) = (Signer::es256("k"), TestFetch::default(), SetClock::default());
    fetch.set(KEYS, Reply::Json(Signer::set(&[&signer])));
    let config = config().jwks_uri(KEYS).expect("a URL");
    let clocks: Arc<dyn Clock> = Arc::new(clock.clone());
    let verifier =
        OidcVerifier::with_clock(vec![config], Arc::new(fetch.clone()), clocks).expect("a verifier");
    // Issued by a provider whose clock is right.
    let at = |hours: u64, sub: &str| {
        let now = NOW + hours * 3600;
        signer.token(&claims_with(json!({"sub": sub, "iat": now, "nbf": now, "exp": now + 600})))
    };
    let outcome = async |token: &str| match verifier.verify(token).await {
        Ok(_) => good(),
        Err(denial) => (denial.status().as_u16(), denial.reason().to_owned()),
    };
    clock.set_ahead(HOUR);
    assert_eq!(outcome(&at(1, "alice")).await, good());
    assert_eq!(outcome(&at(0, "alice")).await, (401, "expired".to_owned()));
    clock.set_ahead(HOUR * 2);
    assert_eq!(outcome(&at(1, "alice")).await, (401, "expired".to_owned()), "also where it was good before");
    clock.set_ahead(Duration::ZERO);
    assert_eq!(outcome(&at(1, "bob")).await, (401, "nbf".to_owned()));
    assert_eq!(outcome(&at(0, "alice")).await, good());
    clock.set_ahead(HOUR * 48);
    verifier.refresh().await;
    assert!(verifier.status()[0].ready);
    assert_eq!(fetch.count("/v1/keys"), 1, "keys are as old as they were");
}
