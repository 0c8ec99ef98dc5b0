use attach_quota::{Allowance, Window};
use serde_json::{Map, Value, json};

use super::amount;
use crate::moment;

/// A limit as the one it is for is told: what, how much, for what, and what is left of it.
pub(crate) fn limit(one: &Allowance) -> Value {
    let limit = one.limit();
    let unit = limit.unit().as_str();
    let some = |amount: Option<u64>| amount.map(|amount| amount::shown(unit, amount));
    let mut shown = json!({
        "id": limit.id(),
        "unit": unit,
        "amount": some(one.window().map(Window::amount)),
        "period": limit.window().period_name(),
        "each": limit.scope().as_str(),
        "action": limit.on_exceed().as_str(),
        "overridden": one.is_overridden(),
        "used": some(one.used()),
        "left": some(one.left()),
        "resets_in": one.resets_in().map(|wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
        "resets_at": one.resets_at().map(moment::shown),
        "degraded": one.is_degraded(),
    });
    match one.window() {
        Some(Window::Rate { burst, .. }) => shown["burst"] = amount::shown(unit, *burst),
        Some(Window::Budget(budget)) => shown["time_zone"] = json!(budget.time_zone()),
        _ => {}
    }
    if let Some(whose) = one.shared_by() {
        shown["shared_by"] = json!(whose);
    }
    let subject = subject(one);
    if !subject.is_empty() {
        shown["for"] = subject.into();
    }
    shown
}

/// What a limit is for, if not for everything.
fn subject(one: &Allowance) -> Map<String, Value> {
    let lists: [(&str, Vec<&str>); 3] = [
        ("models", one.models().collect()),
        ("apis", one.apis().collect()),
        ("upstreams", one.upstreams().collect()),
    ];
    let said = lists.into_iter().filter(|(_, list)| !list.is_empty());
    said.map(|(name, list)| (name.to_owned(), json!(list))).collect()
}
