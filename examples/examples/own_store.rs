//! A `Store` of one's own: limits whose counts are wherever you keep them. Here that is a map, and what was used of it
//! never comes back.
//!
//! ```sh
//! cargo run -p attach-examples --example own_store
//! ```
//!
//! It prints 200, 200 and 429: two requests are allowed. The limit on tokens only watches, so it refuses nobody.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use attach_core::Body;
use attach_quota::store::{Charge, Denied, Reserving, Settling, Standing, Store};
use attach_quota::{Action, Budget, Limit, Period, QuotaLayer};
use http::{Request, Response};
use tower::{Layer, ServiceExt, service_fn};

const NEVER: Duration = Duration::MAX;

#[derive(Default)]
struct Ledger(Mutex<HashMap<u128, u64>>);

impl Store for Ledger {
    fn reserve<'a>(&'a self, charges: &'a mut [Charge]) -> Reserving<'a> {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (index, charge) in charges.iter_mut().enumerate() {
            let used = used.get(&charge.key().fingerprint()).copied().unwrap_or(0);
            charge.stands(Standing::new(charge.window().capacity().saturating_sub(used), NEVER));
            if charge.standing().left < charge.reserved() {
                if !charge.is_shadow() {
                    return Reserving::ready(Err(Denied::Limit { index, retry_after: NEVER }));
                }
                charge.pass_over();
            }
        }
        // Nothing was booked until it was clear that everything can be.
        for charge in charges {
            charge.stands(Standing::new(charge.standing().left - charge.reserved(), NEVER));
            *used.entry(charge.key().fingerprint()).or_default() += charge.reserved();
        }
        Reserving::ready(Ok(()))
    }

    fn settle(&self, charges: &[Charge], _: Settling) {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for charge in charges {
            let used = used.entry(charge.key().fingerprint()).or_default();
            *used = used.saturating_add(charge.spent()).saturating_sub(charge.reserved());
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let limits = vec![
        Limit::requests("requests", Budget::new(2, Period::Day)),
        Limit::tokens("trial", Budget::new(1, Period::Day)).action(Action::Shadow),
    ];
    let layer = QuotaLayer::by(limits, |_| Some("somebody")).store(Ledger::default());
    let model =
        |_: Request<Body>| async { Ok::<_, std::convert::Infallible>(Response::new(Body::default())) };
    let service = layer.layer(service_fn(model));
    for _ in 0..3 {
        let call = r#"{"model":"llama3","messages":[{"role":"user","content":"hello"}]}"#;
        let call = Request::post("/v1/chat/completions").body(Body::from(bytes::Bytes::from(call)))?;
        println!("{}", service.clone().oneshot(call).await?.status());
    }
    Ok(())
}
