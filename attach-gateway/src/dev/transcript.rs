//! The terminal: what the model saw, and what the client got.

use std::pin::Pin;
use std::task::{Context, Poll};

use attach_core::BoxError;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use serde_json::Value;

use crate::cli::print;
use crate::stack::AnswerBody;

/// Longest piece of text that is shown, in bytes.
const SHOWN: usize = 600;

/// Bytes of an answer that are looked at.
const KEPT: usize = 64 << 10;

/// An answer whose text is printed when it is over.
pub(crate) struct Transcript {
    inner: AnswerBody,
    kept: Vec<u8>,
}

impl Transcript {
    pub(crate) fn new(inner: AnswerBody) -> Self {
        Self { inner, kept: Vec::new() }
    }
}

impl Body for Transcript {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
            && self.kept.len() + data.len() <= KEPT
        {
            self.kept.extend_from_slice(data);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Transcript {
    fn drop(&mut self) {
        let text = answer_text(&String::from_utf8_lossy(&self.kept));
        if !text.is_empty() {
            show("client got", &text);
        }
    }
}

/// Prints one line of the transcript.
pub(super) fn show(who: &str, text: &str) {
    let end = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= SHOWN).last().unwrap_or(0);
    let shown = if text.len() > SHOWN { format!("{}…", &text[..end]) } else { text.to_owned() };
    print(&format!("{who:>10} │ {}\n", shown.replace('\n', "\n           │ ")));
}

/// The text of an answer in any dialect, whole or streamed.
fn answer_text(body: &str) -> String {
    if let Ok(whole) = serde_json::from_str::<Value>(body) {
        return piece(&whole);
    }
    let lines = body.lines().map(|line| line.strip_prefix("data:").unwrap_or(line));
    lines.filter_map(|line| serde_json::from_str::<Value>(line).ok()).map(|event| piece(&event)).collect()
}

fn piece(value: &Value) -> String {
    const PLACES: [&str; 10] = [
        "/choices/0/message/content",
        "/choices/0/delta/content",
        "/choices/0/text",
        "/content/0/text",
        "/delta/text",
        "/message/content",
        "/response",
        "/output/0/content/0/text",
        "/error/message",
        "/error",
    ];
    let mut texts = PLACES.iter().filter_map(|place| value.pointer(place)?.as_str());
    texts.next().map(str::to_owned).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_found_in_every_dialect() {
        for (body, text) in [
            (r#"{"choices":[{"message":{"content":"hi"}}]}"#, "hi"),
            (
                "data: {\"choices\":[{\"delta\":{\"content\":\"h\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"i\"}}]}\n\ndata: [DONE]\n\n",
                "hi",
            ),
            (r#"{"content":[{"type":"text","text":"hi"}]}"#, "hi"),
            ("{\"message\":{\"content\":\"h\"}}\n{\"message\":{\"content\":\"i\"}}\n", "hi"),
            (r#"{"error":{"message":"no"}}"#, "no"),
        ] {
            assert_eq!(answer_text(body), text);
        }
    }
}
