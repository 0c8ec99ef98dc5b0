//! Texts that come in pieces where no dialect has them.

use attach_core::Outcome;
use attach_redact::{Entity, Fault, Finding, Inspect, Inspection, WhenDown};
use serde_json::{Value, json};

use super::{JSON, SSE, Strict, ask, judging, kind, told};
use crate::support::{CHAT, MESSAGES, OLLAMA, RESPONSES};

fn data(event: &Value) -> String {
    format!("data: {event}\n\n")
}

fn chunk(delta: &Value) -> String {
    data(&json!({"id": "c1", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]}))
}

/// Streams in which `word` comes in a member that is no delta, letter by letter; what is around it in each event, too.
fn streams(word: &str) -> Vec<(&'static str, String)> {
    let each = |event: &dyn Fn(&str) -> String| -> String {
        word.char_indices().map(|(at, letter)| event(&word[at..at + letter.len_utf8()])).collect()
    };
    let end = "data: [DONE]\n\n";
    vec![
        // OpenRouter.
        (
            CHAT,
            each(&|text| {
                chunk(&json!({"content": "", "reasoning_details": [
            {"type": "reasoning.text", "index": 0, "format": "x", "text": text}]}))
            }) + end,
        ),
        // The same with another text that runs beside it, before it in the list or behind.
        (
            CHAT,
            each(&|text| {
                chunk(&json!({"content": "la ", "reasoning_details": [
            {"type": "reasoning.text", "index": 1, "text": "hm "}, {"type": "reasoning.text", "index": 0, "text": text}]}))
                    + &chunk(&json!({"reasoning_details": [{"text": "hm ", "index": 1}]}))
            }) + end,
        ),
        // Mistral's list of parts; thinking; and words that come with and without a list.
        (CHAT, each(&|text| chunk(&json!({"content": [{"type": "text", "text": text}]}))) + end),
        (
            CHAT,
            each(&|text| {
                chunk(
                    &json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]}),
                )
            }) + end,
        ),
        (CHAT, {
            let mut listed = false;
            let parts = word.chars().map(|letter| {
                listed = !listed;
                let letter = letter.to_string();
                chunk(&if listed {
                    json!({"content": [{"type": "text", "text": letter}]})
                } else {
                    json!({"content": letter})
                })
            });
            parts.collect::<String>() + end
        }),
        (
            MESSAGES,
            each(&|text| {
                data(
                    &json!({"type": "content_block_delta", "index": 2, "delta": {"type": "new_delta", "words": text}}),
                )
            }) + &data(&json!({"type": "message_stop"})),
        ),
        (
            RESPONSES,
            each(&|text| {
                data(&json!({"type": "response.new.part", "output_index": 1, "part": {"words": text}}))
            }),
        ),
        (
            OLLAMA,
            each(&|text| {
                format!(
                    "{}\n",
                    json!({"model": "m", "message": {"content": "", "aside": text}, "done": false})
                )
            }),
        ),
    ]
}

#[tokio::test]
async fn a_text_in_pieces_is_blocked_wherever_they_stand() {
    for (at, (path, answer)) in streams("some poison soup").into_iter().enumerate() {
        let seen = ask(judging(Strict::default(), WhenDown::Closed), path, kind(path), 61, &answer).await;
        assert_eq!(seen.exchange.outcome(), Some(Outcome::Blocked), "{at}: {}", seen.client);
        assert_eq!(told(&seen), "200 content_blocked the answer, by strict: contentPolicy POISON");
    }
}

#[tokio::test]
async fn a_text_in_pieces_is_masked_wherever_they_stand() {
    for (at, (path, answer)) in streams("by F Nightingale").into_iter().enumerate() {
        let seen = ask(judging(Strict::default(), WhenDown::Closed), path, kind(path), 61, &answer).await;
        let none = seen.client.contains("Nightin");
        assert!(!none && !seen.client.contains(r#""N""#), "{at}: {}", seen.client);
        let masks = seen.client.matches(r#""*""#).count();
        assert_eq!(masks, 11, "{at}: {}", seen.client);
        assert!(seen.client.contains(r#""y""#), "{at}: {}", seen.client);
    }
}

/// Readers of such events differ on what they say, so a text that runs through them is nobody's to judge.
#[tokio::test]
async fn an_event_that_is_no_strict_json_is_withheld_with_all_that_follows() {
    let end = "data: [DONE]\n\n";
    let twice = "data: {\"choices\":[{\"delta\":{\"content\":\"poi\"}}],\"x\":1,\"x\":1}\n\n";
    let half = "data: {\"choices\":[{\"delta\":{\"content\":\"poi\\ud83d\"}}]}\n\n";
    for event in [twice, half, "data: poison\n\n"] {
        let answer = chunk(&json!({"content": "fine "})) + event + end;
        let seen = ask(judging(Strict::default(), WhenDown::Closed), CHAT, SSE, 61, &answer).await;
        assert!(!seen.client.contains("poi") && seen.client.contains("redaction_failed"), "{}", seen.client);
        assert_eq!(seen.exchange.outcome(), Some(Outcome::Failed), "{}", seen.client);
    }
}

/// What says the same with every event uses up nothing of what has to follow a text before it goes on.
#[tokio::test]
async fn lists_that_come_with_every_event_do_not_let_a_value_out_in_halves() {
    let cited = "a page";
    // Around the place where the first look is due.
    for before in (374..=404).step_by(3) {
        let text = format!("{:.<before$} F Nightingale and no more", "");
        let mut so_far = String::new();
        let events = text.chars().map(|letter| {
            so_far.push(letter);
            let (delta, message) = (json!({"content": letter.to_string()}), json!({"content": so_far}));
            data(
                &json!({"citations": [cited], "choices": [{"index": 0, "delta": delta, "message": message}]}),
            )
        });
        let answer = events.collect::<String>() + "data: [DONE]\n\n";
        let seen = ask(judging(Strict::default(), WhenDown::Closed), CHAT, SSE, 997, &answer).await;
        assert!(!seen.client.contains("Nightingale"), "{before}: neither in the whole that is repeated");
        let events = seen.client.lines().filter_map(|line| line.strip_prefix("data: {"));
        let events = events.filter_map(|event| serde_json::from_str::<Value>(&format!("{{{event}")).ok());
        let said = events.map(|event| event["choices"][0]["delta"]["content"].as_str().map(str::to_owned));
        let said: String = said.map(Option::unwrap_or_default).collect();
        assert!(
            said.ends_with("and no more") && !said.contains("Nig"),
            "{before}: nor in the deltas: {said}"
        );
    }
}

#[tokio::test]
async fn a_text_in_pieces_that_nobody_objects_to_is_left_as_it_came() {
    let strict = Strict::default();
    for (path, answer) in streams(&"some words ".repeat(50)) {
        let seen = ask(judging(strict.clone(), WhenDown::Closed), path, kind(path), 61, &answer).await;
        assert_eq!(seen.client, answer);
        for shown in strict.shown() {
            assert!(shown.len() <= 5, "each text once as one and once in its pieces: {}", shown.len());
        }
    }
}

#[tokio::test]
async fn in_a_long_stream_a_value_is_masked_wherever_it_is_cut_in_a_member_of_the_providers() {
    let around = "some words that stand around it, ".repeat(20);
    let text = format!("{around}Nightingale, {around}Nightingale");
    let details = |words: &[String]| -> String {
        words
            .iter()
            .map(|word| chunk(&json!({"reasoning": "hm", "reasoning_details": [{"text": word}]})))
            .collect()
    };
    for size in [1, 4, 11, 90] {
        let cut = |text: &str| -> Vec<String> {
            text.as_bytes().chunks(size).map(|part| String::from_utf8(part.to_vec()).unwrap()).collect()
        };
        let seen =
            ask(judging(Strict::default(), WhenDown::Closed), CHAT, SSE, 61, &details(&cut(&text))).await;
        assert_eq!(seen.client, details(&cut(&text.replace("Nightingale", "***********"))), "{size}");
    }
}

#[tokio::test]
async fn a_text_that_is_begun_as_a_repetition_of_another_is_one_all_the_same() {
    let both = |text: &str| chunk(&json!({"reasoning": text, "reasoning_details": [{"text": text}]}));
    let answer = both("poi") + &chunk(&json!({"reasoning_details": [{"text": "son"}]}));
    let seen = ask(judging(Strict::default(), WhenDown::Closed), CHAT, SSE, 61, &answer).await;
    assert_eq!(seen.exchange.outcome(), Some(Outcome::Blocked), "{}", seen.client);
    // Twice the same is no repetition of itself.
    let strict = Strict::default();
    let part = chunk(&json!({"reasoning_details": [{"text": "ha"}]}));
    ask(judging(strict.clone(), WhenDown::Closed), CHAT, SSE, 61, &part.repeat(2)).await;
    assert_eq!(strict.shown(), [["haha", "ha\nha\n"]]);
}

/// Finds numbers of sixteen digits that stand alone.
struct Cards;

impl Inspect for Cards {
    async fn inspect(&self, texts: &[&str]) -> Result<Inspection, Fault> {
        let mut seen = Inspection::new();
        for (index, text) in texts.iter().enumerate() {
            let mut at = 0;
            for part in text.split(|character: char| !character.is_ascii_digit()) {
                if part.len() == 16 {
                    seen.found(index, Finding::new(at..at + 16, Entity::custom("CARD").unwrap(), 1.0));
                }
                at += part.len() + 1;
            }
        }
        Ok(seen)
    }
}

#[tokio::test]
async fn values_that_follow_each_other_in_a_member_are_seen_one_by_one_as_well() {
    let cards = ["4111111111111111", "5555555555554444", "378282246310005"];
    let event = |card: &&str| {
        data(&json!({"type": "content_block_start", "index": 0, "content_block": {"note": card}}))
    };
    let answer: String = cards.iter().map(event).collect();
    let seen = ask(judging(Cards, WhenDown::Closed), MESSAGES, SSE, 61, &answer).await;
    for card in cards {
        assert_eq!(seen.client.contains(card), card.len() == 15, "{}", seen.client);
    }
    assert_eq!(seen.client.matches("****************\"").count(), 2);
}

#[tokio::test]
async fn a_tool_is_not_called_with_a_number_that_nobody_saw() {
    let call = |card: Value| {
        json!({"type": "message", "role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "pay",
        "input": {"card": card, "cards": [card, {"n": -1.5e3}], "really": true}}], "usage": {"output_tokens": 4111111111111111_u64}})
    };
    let answer = call(json!(4111111111111111_u64));
    let seen = ask(judging(Cards, WhenDown::Closed), MESSAGES, JSON, 61, &answer.to_string()).await;
    let got: Value = serde_json::from_str(&seen.client).unwrap();
    assert_eq!(got["content"], call(json!(1111111111111111_u64))["content"]);
    assert_eq!(got["usage"], answer["usage"], "what the server counts is its own");

    let line = |arguments: Value| {
        format!(
            "{}\n",
            json!({"model": "m", "done": false, "message": {"role": "assistant", "content": "",
        "tool_calls": [{"function": {"name": "pay", "arguments": arguments}}]}})
        )
    };
    let answer = line(json!({"card": 4111111111111111_u64})) + &line(json!({"card": 5}));
    let seen = ask(judging(Cards, WhenDown::Closed), OLLAMA, kind(OLLAMA), 61, &answer).await;
    assert_eq!(seen.client, answer.replace("4111111111111111", "1111111111111111"));
    let strict = Strict::default();
    ask(judging(strict.clone(), WhenDown::Closed), MESSAGES, JSON, 61, &call(json!(7)).to_string()).await;
    assert!(strict.shown().concat().contains(&"7".to_owned()));
}
