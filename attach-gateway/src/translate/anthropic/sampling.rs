use std::borrow::Cow;

use attach_core::Rejection;
use serde_json::value::RawValue;

use super::claude::{Claude, Sampling};
use crate::translate::canonical::{Chat, Losses};

/// `temperature`, `top_p` and `top_k`, as far as this model takes them.
pub(super) fn sampling<'a>(
    chat: &Chat<'a>,
    claude: Claude,
    thinks: bool,
    losses: &mut Losses,
) -> Result<[Option<Cow<'a, RawValue>>; 3], Rejection> {
    let from = &chat.sampling;
    let all = [("temperature", from.temperature), ("top_p", from.top_p), ("top_k", from.top_k)];
    let mut taken = all.map(|(_, value)| value.map(Cow::Borrowed));
    let none = claude.sampling == Sampling::None || (thinks && claude.is_claude);
    for (slot, (name, _)) in taken.iter_mut().zip(all) {
        let one_too_many = claude.sampling == Sampling::One && name == "top_p" && from.temperature.is_some();
        if slot.is_some() && (none || one_too_many) {
            losses.setting(name)?;
            *slot = None;
        }
    }
    // It ends at 1 here, and at 2 elsewhere.
    let hot = taken[0].as_ref().is_some_and(|given| given.get().parse().is_ok_and(|given: f64| given > 1.0));
    if hot {
        losses.setting("temperature")?;
        taken[0] = RawValue::from_string("1".to_owned()).ok().map(Cow::Owned);
    }
    for (name, value) in [
        ("seed", from.seed),
        ("presence_penalty", from.presence_penalty),
        ("frequency_penalty", from.frequency_penalty),
    ] {
        if value.is_some() {
            losses.setting(name)?;
        }
    }
    Ok(taken)
}
