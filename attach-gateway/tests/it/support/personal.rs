//! Personal data of nobody, and how its way out and back is checked.

use serde_json::Value;

use super::{Response, World, answer_text};

/// Personal data of nobody, one of each kind that is always recognized.
pub(crate) const PERSONAL: [(&str, &str); 6] = [
    ("EMAIL_ADDRESS", "jane.doe@example.com"),
    ("CREDIT_CARD", "4111 1111 1111 1111"),
    ("IBAN_CODE", "DE89 3704 0044 0532 0130 00"),
    ("US_SSN", "536-90-4399"),
    ("PHONE_NUMBER", "+49 30 901820"),
    ("IP_ADDRESS", "93.184.216.34"),
];

pub(crate) fn sentence() -> String {
    let [mail, card, iban, ssn, phone, ip] = PERSONAL.map(|(_, value)| value);
    format!(
        "Write to {mail}, charge credit card {card}, pay to IBAN {iban}, my social security number is {ssn}, \
         phone {phone}, server ip address {ip}. Grüße 👋"
    )
}

pub(crate) fn assert_nothing_personal(text: &str) {
    for (kind, value) in PERSONAL {
        assert!(!text.contains(value), "{kind} in {text}");
    }
}

/// The three sides of one redacted and restored answer.
pub(crate) fn assert_restored(world: &World, answer: &Response) {
    let seen = world.upstream.last();
    assert_nothing_personal(&seen.text());
    assert!(
        seen.text().contains("Write to ") && seen.text().contains("charge credit card"),
        "{}",
        seen.text()
    );
    assert_eq!(answer_text(&answer.text()), format!("You said: {}", sentence()));
    let trail = world.gateway.trail(&answer.id());
    for record in [trail.intent(), trail.outcome()] {
        let counts =
            record["redaction"]["counts"].as_object().unwrap_or_else(|| panic!("no counts: {record}"));
        for (kind, _) in PERSONAL {
            assert!(counts.get(kind).and_then(Value::as_u64).unwrap_or_default() >= 1, "{kind}: {record}");
        }
        assert_eq!(record["decision"]["result"], "modify");
    }
    assert!(trail.outcome()["redaction"]["restored"].as_u64().unwrap() >= 6, "{trail:?}");
    assert_nothing_personal(&format!("{:?}", world.gateway.records()));
}
