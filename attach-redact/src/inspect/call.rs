//! The texts of a call, inspected.

use attach_core::exchange::Coverage;
use attach_core::{Exchange, Rejection};

use super::{Seen, ask_readers};
use crate::Redactor;
use crate::request::{Prepared, fault};

/// Asks the redactor's inspectors about `call`, and puts down what they found beside its texts.
pub(crate) async fn inspect(
    redactor: &Redactor,
    call: &mut Prepared,
    exchange: &Exchange,
) -> Result<(), Rejection> {
    let seen = {
        let texts: Vec<_> = call.texts().iter().map(|text| (text.in_context(), text.reads())).collect();
        ask_readers(redactor.inspectors(), &texts).await.map_err(fault)?
    };
    let Seen { findings, refusals, refused_by, partial } = seen;
    if partial {
        call.coverage = Coverage::Partial;
    }
    if !refusals.is_empty() {
        let mut facts = redactor.facts();
        facts.coverage = call.coverage;
        exchange.facts(|all| all.redaction = Some(facts));
        return Err(refused(&refusals, &refused_by));
    }
    call.texts_mut().iter_mut().zip(findings).for_each(|(text, findings)| text.note(findings));
    Ok(())
}

/// 400 `content_blocked`, naming the rules.
fn refused(refusals: &[Box<str>], by: &[&'static str]) -> Rejection {
    let message = format!("the request contains what must not leave, by {}", refusals.join(", "));
    Rejection::content_blocked(message).with_reason(format!("by {}", by.join(", ")))
}
