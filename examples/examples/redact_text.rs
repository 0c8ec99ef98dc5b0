//! What may leave: the `Redactor` on text. Finds, replaces, and restores an answer.
//!
//! ```sh
//! cargo run -p attach-examples --example redact_text
//! cargo run -p attach-examples --example redact_text -- 'Call Jane Doe on +44 20 7946 0958'
//! ```
//!
//! `RedactLayer` does the same to every string of a call and to its answer, streamed or not: see `all_four`.

use std::error::Error;

use attach_redact::{Action, Entity, Redactor, Scope};

const TEXT: &str =
    "My name is Jane Doe, employee E123456, mail jane.doe@example.com, card 4111 1111 1111 1111.";

fn main() -> Result<(), Box<dyn Error>> {
    let redactor = Redactor::builder()
        // The same on every node and after every start, so that a conversation's placeholders stay what they are.
        .key(b"at least sixteen bytes, kept secret")
        .entity(Entity::CreditCard, Action::Mask)
        .pattern(Entity::custom("EMPLOYEE_ID")?, r"\bE[0-9]{6}\b")?
        .build()?;
    let text = std::env::args().nth(1).unwrap_or_else(|| TEXT.to_owned());

    for finding in redactor.find(&text) {
        let what = text.get(finding.range.clone()).unwrap_or_default();
        println!("{:<16} {:<28} {}", finding.entity.name(), what, redactor.action(&finding.entity));
    }

    // Whose placeholders these are: another caller gets others for the same values.
    let alice = Scope::new("acme", "alice");
    let redacted = redactor.redact_text(&alice, &text)?;
    println!("\nleaves:   {}", redacted.text());

    let answer = format!("I understood: {}", redacted.text());
    println!("restored: {}", redacted.restore(&answer));
    Ok(())
}
