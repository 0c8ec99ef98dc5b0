//! What was decided, in the answer.

use std::fmt::Write as _;

use attach_core::Exchange;
use http::header::{HeaderMap, HeaderName, HeaderValue};

const NAME: HeaderName = HeaderName::from_static("x-attach-policy");

/// Adds the header, in the place of one that the inner service may have sent.
pub(super) fn add(headers: &mut HeaderMap, exchange: &Exchange) {
    let text = exchange.facts(|facts| {
        let decision = facts.decision.as_ref()?;
        let mut text = decision.reason.to_owned();
        if let Some(rule) = &decision.rule {
            let _ = write!(text, "; rule={}", shown(rule));
        }
        Some(text)
    });
    headers.remove(NAME);
    if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
        headers.insert(NAME, value);
    }
}

/// An id is free text in the configuration; what no header can hold, or would end the parameter, is replaced.
fn shown(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_graphic() && !matches!(c, ';' | '"' | ',') { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_within_its_parameter() {
        assert_eq!(shown("power-users"), "power-users");
        assert_eq!(shown("a; rule=b\r\nü"), "a__rule=b___");
    }
}
