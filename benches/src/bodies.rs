//! What is sent and what is answered.

use bytes::Bytes;

/// The bytes of the plain chat body, which is what speed is promised for.
pub const PLAIN_BYTES: usize = 518;
/// Events in a streamed answer, before usage and `[DONE]`.
pub const EVENTS: usize = 20;

/// What the plain chat is about, as text: an e-mail address and a phone number in a few sentences.
pub const MAIL: &str = concat!(
    "Our customer Jane wrote from jane.roe@example.com that her router\n",
    "keeps rebooting; she can be called at (212) 555-0175 after five. Draft a reply.",
);

/// A chat of three messages in 518 bytes, the second of which is [`MAIL`].
#[must_use]
pub fn chat(stream: bool) -> String {
    // The same length streamed or not.
    let stream = if stream { "true " } else { "false" };
    let mail = MAIL.replace('\n', "\\n");
    let body = [
        r#"{"model":"gpt-4o-mini","temperature":0.2,"max_tokens":256,"stream":"#,
        stream,
        r#","messages":[{"role":"system","content":"You are a helpful assistant of the support team. Answer briefly."},"#,
        r#"{"role":"user","content":""#,
        &mail,
        r#""},{"role":"user","content":"Keep it to one paragraph, say we will call today, and stay polite"}]}"#,
    ];
    padded(&body.concat(), PLAIN_BYTES)
}

/// Fills the last message up to `length` bytes.
fn padded(body: &str, length: usize) -> String {
    let (front, back) = body.split_at(body.len() - r#""}]}"#.len());
    let mut out = front.to_owned();
    let filler = ", as we always are with people who have been waiting for us".chars().cycle();
    out.extend(filler.take(length.saturating_sub(body.len())));
    out + back
}

/// A chat of about 4 KB as agents send them: several turns, escapes, a tool definition.
#[must_use]
pub fn long_chat() -> Bytes {
    let turn = concat!(
        r#"{"role":"user","content":"Please look at this function:\n\n```rust\nfn add(a: i32, b: i32) -> i32 {\n"#,
        r#"    a + b\n}\n```\nIt says \"overflow\" in debug builds \u2014 why, and what would you change?"},"#,
        r#"{"role":"assistant","content":"Because `a + b` is checked in debug builds. Use `a.checked_add(b)` where the "#,
        r#"sum may leave the range, or `wrapping_add` where that is meant.\nA test for each is below."},"#,
    );
    let tool = concat!(
        r#"{"type":"function","function":{"name":"run_tests","description":"Runs the tests of a crate and returns "#,
        r#"what failed.","parameters":{"type":"object","properties":{"crate":{"type":"string"},"filter":"#,
        r#"{"type":"string"},"jobs":{"type":"integer","minimum":1,"maximum":64}},"required":["crate"]}}}"#,
    );
    let body = format!(
        r#"{{"model":"gpt-4o","temperature":0.1,"stream":true,"stream_options":{{"include_usage":true}},"tools":[{tool}],"messages":[{turns}{last}]}}"#,
        turns = turn.repeat(9),
        last = r#"{"role":"user","content":"Now do the same for subtraction."}"#,
    );
    body.into()
}

/// The answer to a plain call.
#[must_use]
pub fn answer() -> Bytes {
    Bytes::from_static(
        concat!(
            r#"{"id":"chatcmpl-9x2kQ","object":"chat.completion","created":1763766000,"model":"gpt-4o-mini-2024-07-18","#,
            r#""choices":[{"index":0,"message":{"role":"assistant","content":"Thank you for getting in touch. We are "#,
            r#"sorry that your router keeps rebooting. One of our engineers will call you today after five and stay "#,
            r#"with you until it works.","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":"#,
            r#"{"prompt_tokens":104,"completion_tokens":41,"total_tokens":145,"prompt_tokens_details":"#,
            r#"{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"system_fingerprint":"fp_0"}"#,
        )
        .as_bytes(),
    )
}

/// The events of a streamed answer: words, a finish reason, usage, `[DONE]`.
#[must_use]
pub fn events() -> Vec<Bytes> {
    let words = ["Thank", " you", " for", " getting", " in", " touch", ".", " We", " will", " call"];
    let word = |word: &str| chunk(&format!(r#"{{"content":"{word}"}}"#), "null", "null");
    let mut events: Vec<Bytes> = words.iter().cycle().take(EVENTS).map(|text| word(text)).collect();
    events.push(chunk("{}", r#""stop""#, "null"));
    events.push(
        format!(
            "data: {}{}\n\n",
            r#"{"id":"chatcmpl-9x2kQ","object":"chat.completion.chunk","created":1763766000,"model":"gpt-4o-mini","#,
            r#""choices":[],"usage":{"prompt_tokens":104,"completion_tokens":41,"total_tokens":145}}"#
        )
        .into(),
    );
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    events
}

fn chunk(delta: &str, finish: &str, usage: &str) -> Bytes {
    let head = r#"{"id":"chatcmpl-9x2kQ","object":"chat.completion.chunk","created":1763766000,"model":"gpt-4o-mini""#;
    format!(
        "data: {head},\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}],\"usage\":{usage}}}\n\n"
    )
    .into()
}

/// About 2 KB of plain English without anything to find in it.
#[must_use]
pub fn clean_text() -> String {
    let paragraph = concat!(
        "The committee met in the afternoon and went through the list, point by point, until the light in the room had ",
        "gone. Nobody disagreed about the bridge; what was left open was the road that leads to it, which floods every ",
        "spring and has been repaired, after a fashion, for as long as anybody can remember. It was agreed to ask for ",
        "three offers, to compare them in version 2 of the report, and to meet again at ten on the first Monday. ",
    );
    paragraph.repeat(5)
}

/// About 2 KB in which every line has something to find.
#[must_use]
pub fn dense_text() -> String {
    let lines = concat!(
        "Jane Roe, jane.roe@example.com, phone (212) 555-0175, card 4111 1111 1111 1111;\n",
        "transfer to GB29 NWBK 6016 1331 9268 19 from 203.0.113.77 or 2001:db8:85a3::8a2e:370:7334;\n",
        "SSN 536-90-4399, backup mail j.roe+home@mail.example.org, office +44 20 7946 0958;\n",
        "laptop 3c:22:fb:7a:10:9e reached 198.51.100.23 with key AKIAQ3EGRIZXJ2TCB5MN at noon.\n",
    );
    lines.repeat(6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_body_is_json_of_the_promised_length() {
        for stream in [false, true] {
            let body = chat(stream);
            let value: serde_json::Value = serde_json::from_str(&body).expect("is JSON");
            assert_eq!((body.len(), value["stream"].as_bool()), (PLAIN_BYTES, Some(stream)));
        }
    }

    #[test]
    fn everything_else_is_json_of_about_the_promised_length() {
        serde_json::from_slice::<serde_json::Value>(&answer()).expect("is JSON");
        serde_json::from_slice::<serde_json::Value>(&long_chat()).expect("is JSON");
        assert!((3_900..4_400).contains(&long_chat().len()), "{}", long_chat().len());
        for text in [clean_text(), dense_text()] {
            assert!((1_900..2_300).contains(&text.len()), "{}", text.len());
        }
        for event in events() {
            let data = event
                .strip_prefix(b"data: ")
                .and_then(|rest| rest.strip_suffix(b"\n\n"))
                .expect("is an event");
            assert!(data == b"[DONE]" || serde_json::from_slice::<serde_json::Value>(data).is_ok());
        }
    }
}
