//! Golden fixtures of the providers' wire formats, read by the meter in every possible split.

use std::path::PathBuf;

use attach_core::Api::{self, *};
use attach_core::usage::{Ending, Meter, Source, Usage, Wire};
use proptest::prelude::*;

/// A fixture, how to read it, and what must come out: tokens, source, ending, finish reasons, model.
type Golden = (&'static str, Api, &'static str);

const GOLDEN: &[Golden] = &[
    (
        "openai-chat-json.json",
        OpenAiChat,
        "2006 (1920r 0w) -> 300 (192) Reported Complete [stop,tool_calls] gpt-4.1-2025-04-14",
    ),
    ("openai-error-json.json", OpenAiChat, "0 (0r 0w) -> 0 (0) Estimated Failed [] -"),
    ("openai-chat-sse.txt", OpenAiChat, "0 (0r 0w) -> 5 (0) Estimated Complete [stop] gpt-4o-mini"),
    (
        "openai-chat-sse-include-usage.txt",
        OpenAiChat,
        "19 (16r 0w) -> 10 (4) Reported Complete [stop] gpt-4o-mini",
    ),
    (
        "openai-chat-sse-tool-calls.txt",
        OpenAiChat,
        "0 (0r 0w) -> 10 (0) Estimated Complete [tool_calls] gpt-4o-mini",
    ),
    ("openai-chat-sse-error.txt", OpenAiChat, "0 (0r 0w) -> 2 (0) Estimated Failed [] gpt-4o-mini"),
    (
        "azure-openai-chat-sse-crlf.txt",
        OpenAiChat,
        "8 (0r 0w) -> 2 (0) Reported Complete [length] gpt-4o-2024-08-06",
    ),
    (
        "openrouter-chat-sse-no-done.txt",
        OpenAiChat,
        "0 (0r 0w) -> 4 (0) Estimated None [stop] deepseek/deepseek-r1",
    ),
    (
        "vllm-chat-sse-continuous-usage.txt",
        OpenAiChat,
        "31 (0r 0w) -> 5 (0) Reported Complete [stop] meta-llama/Llama-3.1-8B-Instruct",
    ),
    (
        "vllm-chat-sse-continuous-usage-cut-off.txt",
        OpenAiChat,
        "31 (0r 0w) -> 4 (0) Reported None [] meta-llama/Llama-3.1-8B-Instruct",
    ),
    (
        // The one token reported before the second choice showed up, and six deltas' worth of text.
        "vllm-chat-sse-two-choices-cut-off.txt",
        OpenAiChat,
        "31 (0r 0w) -> 7 (0) Estimated None [] meta-llama/Llama-3.1-8B-Instruct",
    ),
    (
        "xai-chat-json-reasoning-apart.json",
        OpenAiChat,
        "32 (6r 0w) -> 103 (94) Reported Complete [stop] grok-3-mini",
    ),
    (
        "openai-completions-sse.txt",
        OpenAiCompletions,
        "0 (0r 0w) -> 4 (0) Estimated Complete [length] gpt-3.5-turbo-instruct",
    ),
    (
        "openai-completions-json.json",
        OpenAiCompletions,
        "5 (0r 0w) -> 7 (0) Reported Complete [length] gpt-3.5-turbo-instruct",
    ),
    (
        "openai-embeddings-json.json",
        OpenAiEmbeddings,
        "8 (0r 0w) -> 0 (0) Reported Complete [] text-embedding-ada-002",
    ),
    (
        "openai-responses-sse.txt",
        OpenAiResponses,
        "37 (12r 0w) -> 11 (3) Reported Complete [completed] gpt-4.1-2025-04-14",
    ),
    (
        "openai-responses-sse-incomplete.txt",
        OpenAiResponses,
        "37 (12r 0w) -> 11 (3) Reported Incomplete [max_output_tokens] gpt-4.1-2025-04-14",
    ),
    (
        "openai-responses-sse-failed.txt",
        OpenAiResponses,
        "0 (0r 0w) -> 3 (0) Estimated Failed [failed] gpt-4.1-2025-04-14",
    ),
    (
        "openai-responses-sse-error.txt",
        OpenAiResponses,
        "0 (0r 0w) -> 0 (0) Estimated Failed [] gpt-4.1-2025-04-14",
    ),
    (
        "openai-responses-json.json",
        OpenAiResponses,
        "36 (0r 0w) -> 87 (64) Reported Complete [completed] gpt-4.1-2025-04-14",
    ),
    (
        "openai-responses-json-incomplete.json",
        OpenAiResponses,
        "37 (12r 0w) -> 11 (3) Reported Incomplete [content_filter] gpt-4.1-2025-04-14",
    ),
    (
        "anthropic-messages-sse.txt",
        AnthropicMessages,
        "25 (0r 0w) -> 15 (0) Reported Complete [end_turn] claude-sonnet-4-5-20250929",
    ),
    (
        "anthropic-messages-sse-cache-cumulative.txt",
        AnthropicMessages,
        "100298 (100000r 248w) -> 89 (0) Reported Complete [tool_use] claude-sonnet-4-5-20250929",
    ),
    (
        "anthropic-messages-sse-error.txt",
        AnthropicMessages,
        "25 (0r 0w) -> 4 (0) Estimated Failed [] claude-sonnet-4-5-20250929",
    ),
    (
        "anthropic-messages-sse-cut-off.txt",
        AnthropicMessages,
        "100298 (100000r 248w) -> 6 (0) Estimated None [] claude-sonnet-4-5-20250929",
    ),
    (
        "anthropic-messages-json.json",
        AnthropicMessages,
        "5170 (1024r 2051w) -> 503 (0) Reported Complete [end_turn] claude-sonnet-4-5-20250929",
    ),
    ("anthropic-error-json.json", AnthropicMessages, "0 (0r 0w) -> 0 (0) Estimated Failed [] -"),
    ("anthropic-count-tokens-json.json", AnthropicCountTokens, "0 (0r 0w) -> 0 (0) Estimated Complete [] -"),
    ("ollama-chat-ndjson.txt", OllamaChat, "26 (0r 0w) -> 282 (0) Reported Complete [stop] llama3.2"),
    ("ollama-chat-ndjson-cut-off.txt", OllamaChat, "0 (0r 0w) -> 6 (0) Estimated None [] llama3.2"),
    (
        "ollama-chat-ndjson-tools-cached-prompt.txt",
        OllamaChat,
        "0 (0r 0w) -> 19 (0) Reported Complete [stop] llama3.2",
    ),
    ("ollama-chat-ndjson-error.txt", OllamaChat, "0 (0r 0w) -> 1 (0) Estimated Failed [] llama3.2"),
    (
        "ollama-generate-ndjson.txt",
        OllamaGenerate,
        "26 (0r 0w) -> 290 (0) Reported Complete [length] llama3.2",
    ),
    ("ollama-chat-json.json", OllamaChat, "26 (0r 0w) -> 298 (0) Reported Complete [stop] llama3.2"),
    ("ollama-embed-json.json", OllamaEmbed, "8 (0r 0w) -> 0 (0) Reported Complete [] all-minilm"),
    ("ollama-show-json.json", OllamaShow, "0 (0r 0w) -> 0 (0) Estimated Complete [] -"),
    ("garbage-chat-sse.txt", OpenAiChat, "0 (0r 0w) -> 2 (0) Estimated None [] gpt-4o-mini"),
    ("garbage-anthropic-json.json", AnthropicMessages, "5 (0r 0w) -> 2 (0) Reported Complete [] m"),
    (
        "garbage-openai-json-cached-exceeds-prompt.json",
        OpenAiChat,
        "10 (10r 0w) -> 4 (4) Reported Complete [] m",
    ),
    ("garbage-ollama-ndjson.txt", OllamaGenerate, "0 (0r 0w) -> 2 (0) Estimated Complete [] m"),
];

fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/usage").join(name);
    std::fs::read(path).unwrap()
}

fn wire(name: &str) -> Wire {
    match name {
        _ if name.contains("-sse") => Wire::Sse,
        _ if name.contains("-ndjson") => Wire::Ndjson,
        _ => Wire::Json,
    }
}

fn meter<'a>(api: Api, wire: Wire, pieces: impl IntoIterator<Item = &'a [u8]>) -> Meter {
    let mut meter = Meter::new(api, wire);
    pieces.into_iter().for_each(|piece| meter.push(piece));
    meter.end();
    meter
}

fn summary(meter: &Meter) -> String {
    let Usage { input, output, cache_read, cache_write, reasoning, source, .. } = meter.usage();
    let ending = meter.ending().map_or("None".to_owned(), |ending| format!("{ending:?}"));
    let answer = meter.answer();
    let reasons = answer.finish_reasons.join(",");
    let model = answer.model.as_deref().unwrap_or("-");
    format!(
        "{input} ({cache_read}r {cache_write}w) -> {output} ({reasoning}) {source:?} {ending} [{reasons}] {model}"
    )
}

#[test]
fn every_wire_format_gives_its_figures() {
    for (name, api, expected) in GOLDEN {
        let bytes = fixture(name);
        let meter = meter(*api, wire(name), [&bytes[..]]);
        assert_eq!(&summary(&meter), expected, "{name}");
        assert!(!meter.skipped());
        assert!(meter.saw_finish() || meter.answer().finish_reasons.is_empty(), "{name}");
    }
}

#[test]
fn ollama_is_finished_when_it_is_done_whatever_the_reason() {
    let unfinished = meter(OllamaGenerate, Wire::Ndjson, [&b"{\"response\":\"a\",\"done\":false}\n"[..]]);
    assert!(!unfinished.saw_finish());
    assert!(meter(OllamaGenerate, Wire::Ndjson, [&b"{\"done\":true}"[..]]).saw_finish());
}

#[test]
fn every_fixture_is_in_the_table() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/usage");
    for file in std::fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let hidden = name.starts_with('.');
        assert!(hidden || GOLDEN.iter().any(|(known, ..)| *known == name), "{name}");
    }
}

#[test]
fn the_split_of_a_body_makes_no_difference() {
    for (name, api, _) in GOLDEN {
        let bytes = fixture(name);
        let wire = wire(name);
        let whole = meter(*api, wire, [&bytes[..]]);
        let same = |split: &Meter| {
            assert_eq!(split.usage(), whole.usage(), "{name}");
            assert_eq!(split.answer(), whole.answer(), "{name}");
            assert_eq!(split.ending(), whole.ending(), "{name}");
            assert_eq!(split.saw_finish(), whole.saw_finish(), "{name}");
        };
        for at in 0..bytes.len() {
            same(&meter(*api, wire, [&bytes[..at], &bytes[at..]]));
        }
        same(&meter(*api, wire, bytes.chunks(1)));
        same(&meter(*api, wire, bytes.chunks(7)));
    }
}

#[test]
fn usage_only_grows_while_a_reported_stream_runs() {
    let bytes = fixture("vllm-chat-sse-continuous-usage.txt");
    let mut meter = Meter::new(OpenAiChat, Wire::Sse);
    let mut seen = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        meter.push(line);
        seen.push(meter.usage().output);
    }
    assert!(seen.is_sorted(), "{seen:?}");
    seen.dedup();
    assert_eq!(seen, [0, 1, 2, 4, 5]);
}

#[test]
fn a_delta_counts_before_the_next_frame() {
    let bytes = fixture("anthropic-messages-sse-cut-off.txt");
    let text = String::from_utf8(bytes).unwrap();
    let (start, rest) = text.split_at(text.find("event: content_block_delta").unwrap());
    let mut meter = Meter::new(AnthropicMessages, Wire::Sse);
    meter.push(start.as_bytes());
    // What `message_start` says of the output is a floor under the estimate.
    assert_eq!((meter.usage().output, meter.usage().source), (3, Source::Estimated));
    meter.push(rest.split_inclusive("\n\n").next().unwrap().as_bytes());
    assert_eq!(meter.usage().output, 5);
}

#[test]
fn a_truncated_unary_answer_is_estimated_and_has_no_end() {
    let bytes = fixture("openai-chat-json.json");
    let meter = meter(OpenAiChat, Wire::Json, [&bytes[..bytes.len() - 400]]);
    assert!(meter.usage().output > 10);
    assert_eq!((meter.usage().source, meter.ending()), (Source::Estimated, None));
}

#[test]
fn a_unary_answer_that_reports_nothing_is_estimated() {
    let body =
        br#"{"model":"m","choices":[{"message":{"role":"assistant","content":"12345678 1"}}],"usage":null}"#;
    let meter = meter(OpenAiChat, Wire::Json, [&body[..]]);
    assert_eq!(summary(&meter), "0 (0r 0w) -> 3 (0) Estimated Complete [] m");
}

#[test]
fn a_long_answer_is_read_to_its_usage() {
    let text = "lorem \\\"ipsum\\\" ".repeat(200_000);
    let body = format!(
        r#"{{"choices":[{{"message":{{"content":"{text}"}}}}],"usage":{{"prompt_tokens":1,"completion_tokens":2}}}}"#
    );
    let meter = meter(OpenAiChat, Wire::Json, body.as_bytes().chunks(16_384));
    assert_eq!(summary(&meter), "1 (0r 0w) -> 2 (0) Reported Complete [] -");
}

#[test]
fn an_overlong_line_is_left_out_and_the_rest_is_read() {
    let long = format!("data: {{\"choices\":[],\"x\":\"{}\"}}\n\n", "x".repeat(1 << 20));
    let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n";
    let body = [long.as_str(), usage, "data: [DONE]\n\n"].concat();
    for size in [body.len(), 100_000, 4_096] {
        let meter = meter(OpenAiChat, Wire::Sse, body.as_bytes().chunks(size));
        assert!(meter.skipped());
        assert_eq!(summary(&meter), "1 (0r 0w) -> 2 (0) Reported Complete [] -");
    }
}

#[test]
fn an_overlong_member_is_left_out_and_the_rest_is_read() {
    let body = format!(
        r#"{{"error":"{}","model":"m","usage":{{"input_tokens":3,"output_tokens":4}}}}"#,
        "x".repeat(70_000)
    );
    let meter = meter(AnthropicMessages, Wire::Json, [body.as_bytes()]);
    assert!(meter.skipped());
    assert_eq!(summary(&meter), "3 (0r 0w) -> 4 (0) Reported Complete [] m");
}

#[test]
fn what_the_upstream_says_about_itself_is_bounded() {
    let mut meter = Meter::new(OpenAiChat, Wire::Sse);
    let name = "é".repeat(5_000);
    for index in 0..40 {
        let choice = format!(r#"{{"index":{index},"finish_reason":"{name}"}}"#);
        meter.push(
            format!("data: {{\"id\":\"{name}\",\"model\":\"{name}\",\"choices\":[{choice}]}}\n\n").as_bytes(),
        );
    }
    let answer = meter.answer();
    assert_eq!(answer.model.as_deref().map(str::len), Some(256));
    assert_eq!(answer.id.as_deref().map(str::len), Some(256));
    assert_eq!(answer.finish_reasons.len(), 16);
    assert!(answer.finish_reasons.iter().all(|reason| reason.len() <= 256));
}

#[test]
fn what_goes_to_a_custom_tool_or_is_spoken_is_output_too() {
    for delta in [
        r#"{"tool_calls":[{"index":0,"custom":{"input":"TEXT"}}]}"#,
        r#"{"audio":{"id":"a","data":"AAAA","transcript":"TEXT"}}"#,
    ] {
        let delta = delta.replace("TEXT", &"x".repeat(40));
        let stream = format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{delta}}}]}}\n\n");
        let meter = meter(OpenAiChat, Wire::Sse, [stream.as_bytes()]);
        assert_eq!(meter.usage().output, 10, "{delta}");
    }
}

#[test]
fn zeros_beside_the_text_of_a_unary_answer_are_no_report() {
    let text = "x".repeat(40);
    for (api, body) in [
        (
            OpenAiChat,
            format!(
                r#"{{"choices":[{{"message":{{"content":"{text}"}}}}],"usage":{{"prompt_tokens":9,"completion_tokens":0}}}}"#
            ),
        ),
        (
            OllamaGenerate,
            format!(r#"{{"done":true,"prompt_eval_count":9,"eval_count":0,"response":"{text}"}}"#),
        ),
    ] {
        let meter = meter(api, Wire::Json, [body.as_bytes()]);
        assert_eq!((meter.usage().input, meter.usage().output), (9, 10), "{body}");
        assert_eq!(meter.usage().source, Source::Estimated);
    }
}

#[test]
fn zeros_after_text_are_no_report() {
    let text = "data: {\"choices\":[{\"delta\":{\"content\":\"12345\"}}],\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0}}\n\n";
    let last = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":0}}\n\n";
    let meter = meter(OpenAiChat, Wire::Sse, [text.as_bytes(), last.as_bytes()]);
    assert_eq!(summary(&meter), "3 (0r 0w) -> 2 (0) Estimated None [] -");
}

#[test]
fn an_event_that_cannot_be_read_is_not_free_but_half_an_event_is() {
    let meter = meter(OpenAiChat, Wire::Sse, [&b"data: {nonsense}\n\ndata: {\"half"[..]]);
    assert_eq!(meter.usage().output, 1);
}

#[test]
fn what_anthropic_says_last_counts_even_if_it_is_less_than_at_first() {
    let start = "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":2,\"output_tokens\":8}}}\n\n";
    let last = "data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":4}}\n\n";
    let meter = meter(AnthropicMessages, Wire::Sse, [start.as_bytes(), last.as_bytes()]);
    assert_eq!(summary(&meter), "2 (0r 0w) -> 4 (0) Reported None [] -");
}

#[test]
fn an_error_stays_the_end_when_done_follows() {
    let meter =
        meter(OpenAiChat, Wire::Sse, [&b"event: error\ndata: {\"message\":\"x\"}\n\ndata: [DONE]\n\n"[..]]);
    assert_eq!(meter.ending(), Some(Ending::Failed));
}

#[test]
fn an_event_of_several_data_lines_is_one_document() {
    let body = b"id: 1\rdata:{\"choices\":[],\rdata: \"usage\":{\"completion_tokens\":7,\"prompt_tokens\":1}}\rretry: 5\r\r";
    let meter = meter(OpenAiChat, Wire::Sse, body.chunks(1));
    assert_eq!(meter.usage().output, 7);
}

#[test]
fn debug_shows_no_text() {
    let mut meter = Meter::new(OpenAiChat, Wire::Sse);
    meter.push(b"data: secret");
    assert!(!format!("{meter:?}").contains("secret"));
}

const APIS: [Api; 10] = Api::ALL;

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_and_their_split_makes_no_difference(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        api in 0..APIS.len(),
        size in 1_usize..50,
    ) {
        for wire in [Wire::Json, Wire::Sse, Wire::Ndjson] {
            let whole = meter(APIS[api], wire, [&bytes[..]]);
            let split = meter(APIS[api], wire, bytes.chunks(size));
            prop_assert_eq!(summary(&whole), summary(&split));
        }
    }

    #[test]
    fn json_like_bytes_never_panic_and_their_split_makes_no_difference(
        words in proptest::collection::vec(proptest::sample::select(WORDS), 0..80),
        api in 0..APIS.len(),
        size in 1_usize..50,
    ) {
        let bytes = words.concat();
        for wire in [Wire::Json, Wire::Sse, Wire::Ndjson] {
            let whole = meter(APIS[api], wire, [bytes.as_bytes()]);
            let split = meter(APIS[api], wire, bytes.as_bytes().chunks(size));
            prop_assert_eq!(summary(&whole), summary(&split));
        }
    }
}

const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\",
    " ",
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    "data: ",
    "data:",
    "event: ",
    "null",
    "1",
    "-1",
    "18446744073709551616",
    "1e999",
    "true",
    "\"usage\":{",
    "\"prompt_tokens\":",
    "\"completion_tokens\":",
    "\"choices\":[{",
    "\"finish_reason\":\"stop\"",
    "\"content\":\"abc\"",
    "\"error\":",
    "\"model\":\"m\"",
    "[DONE]",
    "\"type\":\"message_stop\"",
    "\"done\":true",
    "\"eval_count\":7",
    "\"delta\":{",
    "é",
    "\\u00e9",
];
