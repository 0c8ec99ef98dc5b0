use attach_core::{Destination, Payload, Rejection};

use super::{Clamped, field};

/// The payload with its output cap lowered to `clamped`. It is parsed again, because a translation reads the cap.
///
/// # Errors
///
/// When the body cannot be changed so.
pub(crate) fn lower(
    payload: &Payload,
    clamped: &Clamped,
    destination: Option<&Destination>,
) -> Result<Payload, Rejection> {
    let call = payload.call();
    let mut places = destination.iter().flat_map(|all| all.candidates());
    let newer = field::is_newer(call.model.as_str()) || places.any(|place| field::is_newer(&place.model));
    let spliced = payload.splice(&field::edits(payload, clamped.each, newer))?;
    Payload::parse(call.api, spliced.bytes().clone())
}
