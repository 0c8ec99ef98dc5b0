//! What restoring costs per event of a stream, in nanoseconds.
//!
//! ```text
//! cargo run --release -p attach-redact --example stream_cost
//! ```
//!
//! Columns: how many values the request had. Rows: the dialect, and whether the model's words are plain, all begin like
//! a placeholder, or quote one in every fourth event.

use std::time::{Duration, Instant};

use attach_core::usage::Wire;
use attach_redact::Redactor;
use attach_redact::fuzzing::Asked;

const EVENTS: usize = 2_000;
const VALUES: [usize; 4] = [0, 1, 10, 1_000];

/// An event with `WORD` for the model's words, and `COUNT` for a running number.
const DIALECTS: [(&str, Wire, &str); 4] = [
    (
        "OpenAI chat",
        Wire::Sse,
        "data: {\"id\":\"chatcmpl-A1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"gpt-4o\",\
         \"service_tier\":\"default\",\"system_fingerprint\":\"fp_1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\
         \"WORD\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null,\"obfuscation\":\"aXCOUNT\"}\n\n",
    ),
    (
        "OpenAI responses",
        Wire::Sse,
        "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":COUNT,\
         \"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\"WORD\",\"logprobs\":[],\
         \"obfuscation\":\"aXCOUNT\"}\n\n",
    ),
    (
        "Anthropic",
        Wire::Sse,
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\
         \"text_delta\",\"text\":\"WORD\"}}\n\n",
    ),
    (
        "Ollama",
        Wire::Ndjson,
        "{\"model\":\"llama3\",\"created_at\":\"2026-01-02T03:04:05.COUNTZ\",\"message\":{\"role\":\"assistant\",\
         \"content\":\"WORD\"},\"done\":false}\n",
    ),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let redactor = Redactor::builder().build()?;
    print!("{:<34}", "ns per event, values:");
    VALUES.iter().for_each(|values| print!("{values:>8}"));
    println!();
    for (dialect, wire, event) in DIALECTS {
        for kind in ["plain", "pending", "quoting"] {
            print!("{:<34}", format!("{dialect}, {kind}"));
            for values in VALUES {
                print!("{:>8.0}", measure(&redactor, wire, event, kind, values));
            }
            println!();
        }
    }
    Ok(())
}

fn measure(redactor: &Redactor, wire: Wire, event: &str, kind: &str, values: usize) -> f64 {
    let values: Vec<String> = (0..values).map(|number| format!("user{number}@example.org")).collect();
    let values: Vec<(&str, &str)> = values.iter().map(|value| ("EMAIL", value.as_str())).collect();
    let placeholder =
        values.last().and_then(|(label, value)| Asked::about(redactor, &values).placeholder(label, value));
    let placeholder = placeholder.unwrap_or_else(|| "PII_EMAIL_k7f3q2ab".into());
    let word = |number: usize| match (kind, number % 4) {
        ("pending", 0 | 2) => " P",
        ("pending", _) => "II_E ",
        ("quoting", 0) => &*placeholder,
        (_, 0) => " and",
        (_, 1) => " the",
        (_, 2) => " committee",
        (_, _) => " met,",
    };
    let events: Vec<String> = (0..EVENTS)
        .map(|number| event.replace("WORD", word(number)).replace("COUNT", &(100_000 + number).to_string()))
        .collect();
    let mut best = Duration::MAX;
    for _ in 0..20 {
        let asked = Asked::about(redactor, &values);
        let start = Instant::now();
        let out = asked.stream(wire, events.iter().map(String::as_bytes));
        best = best.min(start.elapsed());
        std::hint::black_box(out);
    }
    best.as_nanos() as f64 / EVENTS as f64
}
