//! What says the words of an answer once more in another form: sound, and tokens with their probabilities.

use attach_core::Outcome;
use attach_redact::WhenDown;
use serde_json::{Value, json};

use super::{JSON, SSE, Strict, ask, judging, kind, stream, told};
use crate::support::{CHAT, MESSAGES, OLLAMA, RESPONSES, Seen};

async fn asked(path: &str, kind: &'static str, answer: &str) -> Seen {
    ask(judging(Strict::default(), WhenDown::Closed), path, kind, 61, answer).await
}

/// Sound is whatever nobody can read.
const SOUND: &str = "UklGRiQAAABXQVZF";

fn spoken(transcript: &Value) -> String {
    json!({"id": "c1", "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": null,
        "audio": {"id": "audio_1", "expires_at": 7, "data": SOUND, "transcript": transcript}}}]})
    .to_string()
}

fn chunk(choice: u64, audio: &Value) -> String {
    let choice = json!({"index": choice, "delta": {"audio": audio}, "finish_reason": null});
    format!("data: {}\n\n", json!({"id": "c1", "choices": [choice]}))
}

/// A stream of sound with the words of `transcript` after it, as they may come.
fn speaking(transcript: &[&str]) -> String {
    let sound = chunk(0, &json!({"data": SOUND}));
    let words = transcript.iter().map(|word| sound.clone() + &chunk(0, &json!({"transcript": word})));
    let end = "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    chunk(0, &json!({"id": "audio_1"})) + &words.collect::<String>() + &sound + end
}

#[tokio::test]
async fn sound_goes_where_its_transcript_does() {
    let seen = asked(CHAT, JSON, &spoken(&json!("a cake recipe"))).await;
    assert_eq!(seen.client, spoken(&json!("a cake recipe")));
    let seen = asked(CHAT, JSON, &spoken(&json!("a poison recipe"))).await;
    assert_eq!((seen.exchange.outcome(), seen.client.contains(SOUND)), (Some(Outcome::Blocked), false));
    let seen = asked(CHAT, JSON, &spoken(&json!("for Nightingale"))).await;
    assert_eq!(
        seen.client,
        spoken(&json!("for ***********")).replace(SOUND, ""),
        "what is said is said in the sound"
    );

    let part = |transcript: &str| {
        let part = json!({"type": "output_audio", "data": SOUND, "transcript": transcript});
        json!({"id": "r", "object": "response", "output": [{"type": "message", "content": [part]}]})
            .to_string()
    };
    assert_eq!(asked(RESPONSES, JSON, &part("a cake")).await.client, part("a cake"));
    assert!(!asked(RESPONSES, JSON, &part("Nightingale")).await.client.contains(SOUND));
}

#[tokio::test]
async fn sound_without_a_transcript_is_withheld() {
    for none in [json!(null), json!(""), json!("..."), json!(["a cake"])] {
        let seen = asked(CHAT, JSON, &spoken(&none)).await;
        assert_eq!((seen.status, seen.client.contains(SOUND)), (503, false), "{none}");
        assert_eq!(told(&seen), "503 redaction_failed the answer has sound without a transcript");
    }
    for answer in [
        speaking(&[]),
        // The words of another choice.
        speaking(&[])
            .replace("data: [DONE]", &format!("{}data: [DONE]", chunk(1, &json!({"transcript": "a cake"})))),
        chunk(0, &json!(SOUND)),
    ] {
        let seen = asked(CHAT, SSE, &answer).await;
        assert!(seen.client.contains("redaction_failed") && !seen.client.contains(SOUND), "{}", seen.client);
        assert_eq!(seen.exchange.outcome(), Some(Outcome::Failed));
    }
    // What a tool is called with is no sound but words.
    let call = json!({"type": "message", "content": [{"type": "tool_use", "id": "t", "name": "play",
        "input": {"audio": "song.mp3", "more": {"type": "audio", "data": "x"}}}]});
    let seen = asked(MESSAGES, JSON, &call.to_string()).await;
    assert_eq!((seen.status, seen.client), (200, call.to_string()));
}

#[tokio::test]
async fn the_sound_of_a_stream_waits_for_all_of_its_transcript() {
    let words: Vec<String> = (0..200).map(|number| format!("word {number:04} ")).collect();
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    let answer = speaking(&words);
    assert_eq!(asked(CHAT, SSE, &answer).await.client, answer);

    words.extend(["for Nightin", "gale"]);
    let answer = speaking(&words);
    let seen = asked(CHAT, SSE, &answer).await;
    let masked = answer.replace("for Nightin", "for *******").replace(r#""gale""#, r#""****""#);
    assert_eq!(seen.client, masked.replace(SOUND, ""));

    words.extend(["a poi", "son recipe"]);
    let seen = asked(CHAT, SSE, &speaking(&words)).await;
    assert_eq!((seen.exchange.outcome(), seen.client.contains(SOUND)), (Some(Outcome::Blocked), false));
    assert!(seen.client.contains("content_filter"), "{}", seen.client);
}

#[tokio::test]
async fn the_sound_of_a_response_waits_as_well() {
    let event = |kind: &str, delta: &str| {
        let event = json!({"type": kind, "output_index": 0, "content_index": 0, "delta": delta});
        format!("event: {kind}\ndata: {event}\n\n")
    };
    for (sound, transcript) in [
        ("response.audio.delta", "response.audio.transcript.delta"),
        ("response.output_audio.delta", "response.output_audio_transcript.delta"),
    ] {
        let answer = |end: [&str; 2]| {
            let words = std::iter::repeat_n("some words ", 100).chain(end);
            let words: String = words.map(|word| event(transcript, word) + &event(sound, SOUND)).collect();
            words
                + "data: {\"type\":\"response.completed\",\"response\":{\"object\":\"response\",\"output\":[]}}\n\n"
        };
        let fine = answer(["a ca", "ke"]);
        assert_eq!(asked(RESPONSES, SSE, &fine).await.client, fine);
        let seen = asked(RESPONSES, SSE, &answer(["a poi", "son"])).await;
        assert_eq!((seen.exchange.outcome(), seen.client.contains(SOUND)), (Some(Outcome::Blocked), false));
    }
}

#[tokio::test]
async fn more_sound_than_is_held_back_is_withheld() {
    let sound = chunk(0, &json!({"data": SOUND.repeat(32 << 10)}));
    let answer = chunk(0, &json!({"transcript": "a cake"})) + &sound.repeat(40);
    let redactor = judging(Strict::default(), WhenDown::Closed);
    let seen = ask(redactor, CHAT, SSE, 64 << 10, &answer).await;
    assert!(seen.client.contains("redaction_failed") && !seen.client.contains(SOUND));
    assert_eq!(told(&seen), "503 redaction_failed the answer has more sound than is held back");
}

/// Tokens as OpenAI tells them.
fn logprobs(tokens: &[&str]) -> Value {
    let token = |token: &&str| {
        json!({"token": token, "bytes": token.as_bytes(), "logprob": -0.5, "top_logprobs": [
        {"token": "x", "bytes": [120], "logprob": -1}]})
    };
    json!({"content": tokens.iter().map(token).collect::<Vec<_>>(), "refusal": null})
}

#[tokio::test]
async fn tokens_that_say_what_the_text_says_are_not_shown_and_others_are() {
    let strict = Strict::default();
    let whole = |text: &str, tokens: &[&str]| json!({"choices": [{"index": 0, "message": {"content": text}, "logprobs": logprobs(tokens), "finish_reason": "stop"}]});
    let answer = whole("a cake", &["a", " ca", "ke"]).to_string();
    let seen = ask(judging(strict.clone(), WhenDown::Closed), CHAT, JSON, 61, &answer).await;
    assert_eq!((seen.client, strict.shown()), (answer, vec![vec!["a cake".to_owned()]]));

    let seen = asked(CHAT, JSON, &whole("a cake", &["poi", "son"]).to_string()).await;
    assert_eq!(seen.exchange.outcome(), Some(Outcome::Blocked));
    let mut bytes = whole("a cake", &["a cake"]);
    bytes["choices"][0]["logprobs"]["content"][0]["bytes"] = json!(b"poison");
    assert_eq!(asked(CHAT, JSON, &bytes.to_string()).await.exchange.outcome(), Some(Outcome::Blocked));
    let seen = asked(CHAT, JSON, &whole("", &["Night", "ingale"]).to_string()).await;
    assert!(seen.client.contains(r#""token":"""#) && !seen.client.contains("ingale"), "{}", seen.client);
    let completion = json!({"choices": [{"index": 0, "text": "Nightingale", "finish_reason": "stop", "logprobs": {
        "tokens": ["Night", "ingale"], "token_logprobs": [-1, -2], "top_logprobs": [{"Night": -1}, {"ingale": -2}], "text_offset": [0, 5]}}]});
    let seen = asked("/v1/completions", JSON, &completion.to_string()).await;
    assert!(seen.client.contains("***********") && !seen.client.contains("ingale"), "{}", seen.client);
}

#[tokio::test]
async fn tokens_of_a_stream_do_not_go_before_their_text() {
    let event = |text: &str, tokens: &[&str]| {
        let choice = json!({"index": 0, "delta": {"content": text}, "logprobs": logprobs(tokens), "finish_reason": null});
        format!("data: {}\n\n", json!({"id": "c1", "choices": [choice]}))
    };
    let end = "data: [DONE]\n\n";
    // In the events of the text, before it, and after it.
    let each = ["poi", "son"].map(|part| event(part, &[part])).concat();
    let before = ["poi", "son"].map(|part| event("", &[part])).concat() + &event("poison", &[]);
    let after = event("poison", &[]) + &event("", &["poison"]);
    let alone = ["poi", "son"].map(|part| event("", &[part])).concat();
    for answer in [each, before, after, alone] {
        let seen = asked(CHAT, SSE, &(answer + end)).await;
        assert_eq!(seen.exchange.outcome(), Some(Outcome::Blocked), "{}", seen.client);
        assert!(!seen.client.contains("\"poi") && !seen.client.contains("112,111"), "{}", seen.client);
    }
    let masked = event("Nightin", &["Night", "in"]) + &event("", &["gale"]) + &event("gale", &[]) + end;
    let seen = asked(CHAT, SSE, &masked).await;
    assert!(!seen.client.contains("Night") && !seen.client.contains("gale"), "{}", seen.client);

    let strict = Strict::default();
    let fine = ["a ", "cake"].map(|part| event(part, &[part])).concat() + end;
    let seen = ask(judging(strict.clone(), WhenDown::Closed), CHAT, SSE, 61, &fine).await;
    assert_eq!((seen.client, strict.shown()), (fine, vec![vec!["a cake".to_owned()]]));
    let line = json!({"model": "m", "message": {"content": ""}, "done": false, "logprobs": logprobs(&["poison"])["content"]});
    let seen = asked(OLLAMA, kind(OLLAMA), &format!("{line}\n{}", stream(OLLAMA, &[]))).await;
    assert_eq!(seen.exchange.outcome(), Some(Outcome::Blocked));
}

#[tokio::test]
async fn only_what_the_provider_alone_can_read_goes_unseen() {
    for (kind, unseen) in [("redacted_thinking", true), ("reasoning.encrypted", true), ("text", false)] {
        let answer = json!({"type": "message", "content": [{"type": kind, "data": "poison"}]}).to_string();
        let outcome = asked(MESSAGES, JSON, &answer).await.exchange.outcome();
        assert_eq!(outcome == Some(Outcome::Blocked), !unseen, "{kind}");
    }
    let answer =
        json!({"choices": [{"message": {"content": "x", "reason": {"text": "poison"}}}]}).to_string();
    assert_eq!(
        asked(CHAT, JSON, &answer).await.exchange.outcome(),
        Some(Outcome::Blocked),
        "a reason is a word"
    );
}
