use attach_core::call::{Leaf, Modality, Place};
use attach_core::{Destination, Payload};

use super::{Tokenizer, of_bytes};

/// Role and separators of a message.
const TOKENS_PER_LEAF: u64 = 4;

/// A picture of a megapixel costs 700 to 1,600 with the public providers; sound and files vary more.
const TOKENS_PER_ATTACHMENT: u64 = 1000;

/// However little of it is text that anybody counts: keys of schemas and names of tools reach the model as well.
const MOST_BYTES_PER_TOKEN: usize = 16;

/// What a call may have of settings and punctuation, in bytes, before it is looked at so.
const FRAME: usize = 1 << 10;

/// As much text is counted, in bytes as written; what is beyond is taken to be like it.
const COUNTED: usize = 32 << 10;

/// No more tokens than this are counted either. Noise has twice the tokens of prose, and each takes longer.
const MOST_TOKENS: u64 = 8 << 10;

/// A tokenizer gets pieces of at most so many bytes.
const PIECE: usize = 4 << 10;

/// A run of letters, or of spaces, is one piece of work to a tokenizer, and a long one takes it ten times as long as
/// prose does. So it is cut after so many bytes, which makes one token too many at most.
const RUN: usize = 64;

/// The input tokens of a call.
pub(super) fn tokens(payload: &Payload, destination: Option<&Destination>, tokenizer: &dyn Tokenizer) -> u64 {
    let call = payload.call();
    let text = counted(payload, destination, tokenizer).unwrap_or_else(|| of_bytes(call.text_bytes as u64));
    let leaves = (call.leaves.len() as u64).saturating_mul(TOKENS_PER_LEAF);
    let opaque = call.opaque.iter().map(|opaque| match opaque.modality {
        modality if is_attachment(modality) => TOKENS_PER_ATTACHMENT,
        _ => of_bytes(payload.document().value(opaque.node).raw().len() as u64),
    });
    opaque.fold(text.saturating_add(leaves), u64::saturating_add).max(least(payload))
}

/// What is in the body and no attachment is worth so much at least.
fn least(payload: &Payload) -> u64 {
    let attached = payload.call().opaque.iter().filter(|opaque| is_attachment(opaque.modality));
    let attached = attached.map(|opaque| payload.document().value(opaque.node).raw().len());
    let rest = attached.fold(payload.bytes().len(), usize::saturating_sub);
    (rest.saturating_sub(FRAME) / MOST_BYTES_PER_TOKEN) as u64
}

fn is_attachment(modality: Modality) -> bool {
    matches!(modality, Modality::Image | Modality::Audio | Modality::Video | Modality::File)
}

/// By the tokenizer of the model that answers first, if there is one.
fn counted(payload: &Payload, destination: Option<&Destination>, tokenizer: &dyn Tokenizer) -> Option<u64> {
    let candidates = destination.map(Destination::candidates).unwrap_or_default();
    let there = candidates.first().map(|candidate| &*candidate.model);
    let asked = payload.call().model.canonical();
    let model =
        [there, Some(asked)].into_iter().flatten().find(|name| tokenizer.count(name, "").is_some())?;
    let (mut tokens, mut bytes) = (0_u64, 0);
    for leaf in payload.call().leaves.iter().filter(|leaf| is_text(leaf)) {
        if bytes >= COUNTED || tokens >= MOST_TOKENS {
            break;
        }
        let (counted, of) = of_leaf(payload, leaf, COUNTED - bytes, &|piece| tokenizer.count(model, piece))?;
        tokens = tokens.saturating_add(counted);
        bytes += of;
    }
    let whole = (payload.call().text_bytes as u64).max(bytes as u64);
    let scaled = u128::from(tokens) * u128::from(whole) / (bytes as u128).max(1);
    Some(u64::try_from(scaled).unwrap_or(u64::MAX))
}

/// A key or a number is a leaf as well, and no text.
fn is_text(leaf: &Leaf) -> bool {
    matches!(leaf.place, Place::Text | Place::Arguments)
}

/// The tokens of at most `most` bytes of a leaf, and how many bytes that was, as written.
fn of_leaf(
    payload: &Payload,
    leaf: &Leaf,
    most: usize,
    count: &dyn Fn(&str) -> Option<u64>,
) -> Option<(u64, usize)> {
    let value = payload.document().value(leaf.node);
    let written = value.raw();
    let written = written.get(1..written.len().saturating_sub(1)).unwrap_or_default();
    let (tokens, counted) = if written.len() <= most {
        let text = value.as_str()?;
        let (tokens, counted) = of_text(&text, count)?;
        (tokens, if counted == text.len() { written.len() } else { counted })
    } else {
        // Nobody unescapes megabytes for an estimate.
        let text = std::str::from_utf8(written).ok()?;
        of_text(&text[..boundary(text, most)], count)?
    };
    Some((tokens, counted))
}

/// The tokens of `text`, and of how many of its bytes.
fn of_text(text: &str, count: &dyn Fn(&str) -> Option<u64>) -> Option<(u64, usize)> {
    let (mut tokens, mut rest) = (0_u64, text);
    while !rest.is_empty() && tokens < MOST_TOKENS {
        let (piece, more) = rest.split_at(boundary(rest, piece(rest.as_bytes())));
        tokens = tokens.saturating_add(count(piece)?);
        rest = more;
    }
    Some((tokens, text.len() - rest.len()))
}

/// Where the first piece of `text` ends: with the beginning of a run that is too long, or at [`PIECE`].
fn piece(text: &[u8]) -> usize {
    let (mut run, mut spaces) = (0, false);
    for (index, byte) in text.iter().take(PIECE).enumerate() {
        let space = byte.is_ascii_whitespace();
        run = if space == spaces { run + 1 } else { 1 };
        spaces = space;
        if run > RUN {
            return index;
        }
    }
    PIECE
}

/// Where `text` can be cut, at or before `at`; at its end if it is shorter.
fn boundary(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..4).map(|back| at.saturating_sub(back)).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};

    use attach_core::Api;

    use super::*;

    fn chat(text: &str) -> Payload {
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"{text}"}}]}}"#);
        Payload::parse(Api::OpenAiChat, body.into_bytes().into()).expect("a call")
    }

    fn words(_: &str, text: &str) -> Option<u64> {
        Some(text.split_whitespace().count() as u64)
    }

    #[test]
    fn text_is_counted_by_the_tokenizer_as_it_is_read() {
        assert_eq!(tokens(&chat(r"one two\nthree \u0066our"), None, &words), 4 + TOKENS_PER_LEAF);
    }

    #[test]
    fn a_tokenizer_that_does_not_know_the_model_is_not_used() {
        let unsure = |model: &str, _: &str| (model != "m").then_some(1_000_000);
        assert_eq!(tokens(&chat("eight by"), None, &unsure), 2 + TOKENS_PER_LEAF);
    }

    #[test]
    fn of_a_large_body_the_beginning_is_counted_and_the_rest_is_taken_to_be_like_it() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let pieces = Arc::clone(&seen);
        let count = move |_: &str, text: &str| {
            pieces.lock().expect("no panic").push(text.len());
            words("", text)
        };
        // "abc " is one word of four bytes.
        let estimate = tokens(&chat(&"abc ".repeat(250_000)), None, &count);
        assert!((250_000..=250_300).contains(&estimate), "{estimate}");
        let seen = seen.lock().expect("no panic");
        assert!(seen.iter().all(|length| *length <= PIECE) && seen.iter().sum::<usize>() <= COUNTED);
    }

    #[test]
    fn many_small_texts_are_counted_no_further_than_a_large_one() {
        let message = format!(r#"{{"role":"user","content":"{}"}}"#, "ab ".repeat(1000));
        let body = format!(r#"{{"model":"m","messages":[{}]}}"#, vec![message; 100].join(","));
        let payload = Payload::parse(Api::OpenAiChat, body.into_bytes().into()).expect("a call");
        let total = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&total);
        let count = move |_: &str, text: &str| {
            counted.fetch_add(text.len(), Ordering::Relaxed);
            words("", text)
        };
        let estimate = tokens(&payload, None, &count) - 100 * TOKENS_PER_LEAF;
        assert!((100_000..=100_500).contains(&estimate), "{estimate}");
        assert!(total.load(Ordering::Relaxed) <= COUNTED);
    }

    #[test]
    fn long_runs_are_cut_and_noise_is_counted_no_further_than_prose() {
        let longest = |text: &str| {
            let longest = Arc::new(AtomicUsize::new(0));
            let seen = Arc::clone(&longest);
            let count = move |_: &str, text: &str| {
                seen.fetch_max(text.len(), Ordering::Relaxed);
                Some(text.len() as u64)
            };
            let estimate = tokens(&chat(text), None, &count);
            assert_eq!(estimate, text.len() as u64 + TOKENS_PER_LEAF);
            longest.load(Ordering::Relaxed)
        };
        for text in ["a".repeat(10_000), " ".repeat(10_000), "€".repeat(10_000)] {
            assert!((RUN - 3..=RUN).contains(&longest(&text)));
        }
        assert!(longest(&"prose is short words ".repeat(1000)) > RUN);
    }

    #[test]
    fn letters_of_several_bytes_are_not_cut() {
        let euros = "€".repeat(100_000);
        let count = |_: &str, text: &str| Some(text.chars().count() as u64);
        let estimate = tokens(&chat(&euros), None, &count);
        assert_eq!(estimate, 100_000 + TOKENS_PER_LEAF);
    }

    #[test]
    fn a_large_body_is_not_small_input_wherever_it_keeps_its_words() {
        let names: Vec<_> = (0..1000).map(|n| format!(r#""a_long_name_of_a_property_{n}":{{}}"#)).collect();
        let tools: Vec<_> = (0..1000)
            .map(|n| format!(r#"{{"type":"function","function":{{"name":"a_tool_{n}"}}}}"#))
            .collect();
        let schema = format!(
            r#"[{{"type":"function","function":{{"name":"f","parameters":{{"properties":{{{}}}}}}}}}]"#,
            names.join(",")
        );
        for tools in [schema, format!("[{}]", tools.join(","))] {
            let body = format!(r#"{{"model":"m","messages":[],"tools":{tools}}}"#);
            let size = body.len() as u64;
            let payload = Payload::parse(Api::OpenAiChat, body.into_bytes().into()).expect("a call");
            assert!(tokens(&payload, None, &words) >= (size - 1024) / 16);
        }
        let image = "A".repeat(100_000);
        let body = format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{image}"}}}}]}}]}}"#
        );
        let payload = Payload::parse(Api::OpenAiChat, body.into_bytes().into()).expect("a call");
        assert!(tokens(&payload, None, &words) < 1100, "a picture is what it is");
    }

    #[test]
    fn what_is_no_text_is_not_free() {
        let of = |api, body: &'static str| {
            let payload = Payload::parse(api, body.as_bytes().into()).expect("a call");
            tokens(&payload, None, &words)
        };
        let ids = r#"{"model":"m","input":[9906,11,1917,0,9906,11,1917]}"#;
        assert_eq!(of(Api::OpenAiEmbeddings, ids), 8);
        let image = r#"{"model":"m","messages":[{"role":"user","content":[
            {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]}"#;
        assert!(of(Api::OpenAiChat, image) >= 1000);
    }
}
