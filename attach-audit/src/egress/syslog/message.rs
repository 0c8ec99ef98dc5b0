//! One record as an RFC 5424 message.

use std::fmt::Write;

use crate::egress::moment::since_1970;
use crate::egress::program::Program;
use crate::egress::rendered::{Rendered, Severity};
use crate::format::Format;
use crate::log::Line;

/// "Log audit" (RFC 5424 §6.2.1).
const LOG_AUDIT: u8 = 13;
/// The private enterprise number reserved for documentation (RFC 5612): this project has none of its own.
const EXAMPLE_NUMBER: u32 = 32_473;
/// What marks a message as UTF-8 (RFC 5424 §6.4).
const BOM: &[u8] = b"\xef\xbb\xbf";

/// How records become messages.
#[derive(Debug, Clone)]
pub(super) struct Encoder {
    pub(super) format: Format,
    pub(super) program: Program,
    pub(super) facility: u8,
    pub(super) enterprise: u32,
}

impl Default for Encoder {
    fn default() -> Self {
        Self {
            format: Format::default(),
            program: Program::default(),
            facility: LOG_AUDIT,
            enterprise: EXAMPLE_NUMBER,
        }
    }
}

impl Encoder {
    /// Appends the record with octet counting: its length in decimal, a space, the message (RFC 5425 §4.3).
    pub(super) fn frame(&self, line: &Line, out: &mut Vec<u8>) {
        let message = self.message(line);
        out.extend_from_slice(message.len().to_string().as_bytes());
        out.push(b' ');
        out.extend_from_slice(&message);
    }

    fn message(&self, line: &Line) -> Vec<u8> {
        let rendered = Rendered::new(line, self.format);
        let mut head = String::with_capacity(256);
        self.header(&rendered, &mut head);
        self.data(&rendered, &mut head);
        head.push(' ');
        let mut message = head.into_bytes();
        if std::str::from_utf8(&rendered.text).is_ok() {
            message.extend_from_slice(BOM);
        }
        message.extend_from_slice(&rendered.text);
        message
    }

    /// `PRI VERSION TIMESTAMP HOSTNAME APP-NAME PROCID MSGID` (§6.2).
    fn header(&self, rendered: &Rendered<'_>, out: &mut String) {
        let severity = match rendered.severity() {
            Severity::Info => 6,
            Severity::Warn => 4,
            Severity::Error => 3,
        };
        let _ = write!(out, "<{}>1 ", u32::from(self.facility) * 8 + severity);
        out.push_str(&timestamp(&rendered.entry.ts));
        let process = std::process::id().to_string();
        for (field, longest) in
            [(&*rendered.entry.node, 255), (&*self.program.name, 48), (&*process, 128), (rendered.kind(), 32)]
        {
            out.push(' ');
            name(field, longest, out);
        }
        out.push(' ');
    }

    /// The structured data (§6.3).
    fn data(&self, rendered: &Rendered<'_>, out: &mut String) {
        let entry = &rendered.entry;
        if entry.chain.is_empty() {
            out.push('-');
            return;
        }
        let seq = entry.seq.to_string();
        let _ = write!(out, "[attach@{}", self.enterprise);
        for (key, value) in
            [("id", &*entry.id), ("seq", &*seq), ("chain", &*entry.chain), ("request", &*entry.req_id)]
        {
            if !value.is_empty() {
                let _ = write!(out, " {key}=\"");
                value.chars().for_each(|c| escaped(c, out));
                out.push('"');
            }
        }
        out.push(']');
    }
}

/// A record's time, cut to the six digits that RFC 5424 allows a second (§6.2.3).
fn timestamp(ts: &str) -> String {
    if since_1970(ts).is_none() {
        return "-".to_owned();
    }
    let whole = ts.trim_end_matches('Z');
    let end = whole.find('.').map_or(whole.len(), |dot| whole.len().min(dot + 7));
    format!("{}Z", &whole[..end])
}

/// A field of printable ASCII (§6), `-` if there is nothing in it.
fn name(text: &str, longest: usize, out: &mut String) {
    let printable = |c: char| if c.is_ascii_graphic() { c } else { '_' };
    out.extend(text.chars().take(longest).map(printable));
    if text.is_empty() {
        out.push('-');
    }
}

/// §6.3.3.
fn escaped(c: char, out: &mut String) {
    if matches!(c, '"' | '\\' | ']') {
        out.push('\\');
    }
    out.push(c);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(json: &str) -> String {
        let end = "audit-n-0000000000001-000000.jsonl:0".parse().unwrap();
        let line = Line { bytes: json.as_bytes().into(), end };
        let encoder = Encoder { program: Program::new("attach-gateway/1.0"), ..Encoder::default() };
        let process = format!(" {} ", std::process::id());
        String::from_utf8(encoder.message(&line)).unwrap().replacen(&process, " 42 ", 1)
    }

    #[test]
    fn a_record_is_spelled_as_the_rfc_asks() {
        let json = r#"{"id":"0190","seq":7,"chain":"n-1","node":"n","ts":"2026-11-05T09:30:00.123456789Z","kind":"reject","req_id":"r\"]\\","decision":{"result":"deny"}}"#;
        let expected = r#"<108>1 2026-11-05T09:30:00.123456Z n attach-gateway 42 reject [attach@32473 id="0190" seq="7" chain="n-1" request="r\"\]\\"] "#;
        assert_eq!(message(json), format!("{expected}\u{feff}{json}"));
    }

    #[test]
    fn the_severity_is_the_decisions() {
        for (decision, kind, pri) in [
            ("allow", "outcome", "<110>"),
            ("modify", "outcome", "<110>"),
            ("deny", "reject", "<108>"),
            ("error", "outcome", "<107>"),
            ("allow", "gap", "<107>"),
        ] {
            let json = format!(r#"{{"chain":"c","kind":"{kind}","decision":{{"result":"{decision}"}}}}"#);
            assert!(message(&json).starts_with(pri), "{decision} {kind}");
        }
    }

    #[test]
    fn what_does_not_read_as_a_record_is_sent_as_it_is() {
        assert_eq!(message(r#"{"torn":"#), "<107>1 - - attach-gateway 42 unreadable - \u{feff}{\"torn\":");
    }

    #[test]
    fn a_name_that_could_break_the_header_cannot() {
        let json = r#"{"chain":"c","node":"a b\n<1>ü","kind":"start"}"#;
        assert!(message(json).starts_with("<110>1 - a_b_<1>_ attach-gateway 42 start "));
    }
}
