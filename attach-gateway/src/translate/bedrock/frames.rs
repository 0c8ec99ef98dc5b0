use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use aws_smithy_types::event_stream::{HeaderValue, Message};
use bytes::{Buf, Bytes, BytesMut};

/// Longest message that is taken, in bytes: what a line of a stream may have, whoever sends it.
const LONGEST: usize = 1 << 20;

/// The length of the prelude, with its checksum.
const PRELUDE: usize = 12;

/// Cuts `application/vnd.amazon.eventstream` into messages, whatever pieces it arrives in; checksums are checked.
#[derive(Debug, Default)]
pub(super) struct Frames {
    decoder: MessageFrameDecoder,
    kept: BytesMut,
    inside: bool,
}

/// A message of the stream.
pub(super) struct Frame {
    /// `event`, `exception` or `error`.
    pub(super) message: String,
    /// The event's, the exception's or the error's own name.
    pub(super) name: String,
    pub(super) payload: Bytes,
}

/// Bytes that are no such stream, or a message that is too long.
#[derive(Debug)]
pub(super) struct Unreadable;

impl Frames {
    /// Takes the next piece.
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.kept.extend_from_slice(piece);
    }

    /// The next message, once all of it is there.
    ///
    /// # Errors
    ///
    /// When there is none to come any more.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, Unreadable> {
        // The decoder takes the prelude out, and trusts the length in it.
        if !self.inside {
            if self.kept.len() < PRELUDE {
                return Ok(None);
            }
            let length = self.kept.as_ref().get_u32() as usize;
            if !(PRELUDE + 4..=LONGEST).contains(&length) {
                return Err(Unreadable);
            }
            self.inside = true;
        }
        match self.decoder.decode_frame(&mut self.kept).map_err(|_| Unreadable)? {
            DecodedFrame::Complete(message) => {
                self.inside = false;
                Ok(Some(Frame::of(&message)))
            }
            _ => Ok(None),
        }
    }

    /// Whether a message has begun that is not all there.
    pub(super) fn is_torn(&self) -> bool {
        self.inside || !self.kept.is_empty()
    }
}

impl Frame {
    fn of(message: &Message) -> Self {
        let header = |name: &str| {
            let header = message.headers().iter().find(|header| header.name().as_str() == name)?;
            match header.value() {
                HeaderValue::String(text) => Some(text.as_str().to_owned()),
                _ => None,
            }
        };
        let kind = header(":message-type").unwrap_or_default();
        let name = match kind.as_str() {
            "event" => header(":event-type"),
            "exception" => header(":exception-type"),
            _ => header(":error-code"),
        };
        let said = header(":error-message").map(|text| serde_json::json!({"message": text}).to_string());
        let payload = said.map_or_else(|| message.payload().clone(), Bytes::from);
        Self { message: kind, name: name.unwrap_or_default(), payload }
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_eventstream::frame::write_message_to;
    use aws_smithy_types::event_stream::Header;

    use super::*;

    fn message(name: &'static str, payload: &'static str) -> Vec<u8> {
        let text = |text: &'static str| HeaderValue::String(text.into());
        let message = Message::new(payload.as_bytes())
            .add_header(Header::new(":message-type", text("event")))
            .add_header(Header::new(":event-type", text(name)));
        let mut out = Vec::new();
        write_message_to(&message, &mut out).unwrap();
        out
    }

    fn all(frames: &mut Frames) -> Result<Vec<String>, Unreadable> {
        let mut names = Vec::new();
        while let Some(frame) = frames.next()? {
            names.push(format!("{} {}", frame.name, String::from_utf8_lossy(&frame.payload)));
        }
        Ok(names)
    }

    #[test]
    fn messages_are_whole_wherever_the_stream_is_cut() {
        let stream = [message("a", "{}"), message("b", "{\"x\":1}")].concat();
        for size in [1, 2, 7, 11, 13, stream.len()] {
            let (mut frames, mut names) = (Frames::default(), Vec::new());
            for piece in stream.chunks(size) {
                frames.push(piece);
                names.extend(all(&mut frames).unwrap());
            }
            assert_eq!(names, ["a {}", "b {\"x\":1}"], "{size}");
            assert!(!frames.is_torn());
        }
    }

    #[test]
    fn a_flipped_bit_and_an_endless_message_are_unreadable() {
        let whole = message("a", "{\"x\":1}");
        for at in [0, 5, 9, 20, whole.len() - 6, whole.len() - 1] {
            let mut broken = whole.clone();
            broken[at] ^= 1;
            let mut frames = Frames::default();
            frames.push(&broken);
            // A length may have become longer, which is seen when the rest does not come.
            assert!(all(&mut frames).is_err() || frames.is_torn(), "{at}");
        }
        let mut frames = Frames::default();
        frames.push(&[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert!(all(&mut frames).is_err());
    }

    #[test]
    fn the_start_of_a_message_is_a_torn_one() {
        let whole = message("a", "{}");
        for size in [1, 12, whole.len() - 1] {
            let mut frames = Frames::default();
            frames.push(&whole[..size]);
            assert!(all(&mut frames).unwrap().is_empty() && frames.is_torn());
        }
    }
}
