use std::borrow::Cow;
use std::sync::Arc;

use attach_core::aws::AccessKey;
use http::Response;
use memchr::{memchr, memchr_iter};

use super::credential::Credential;

/// An error quotes an error that quotes an error: JSON in a string of JSON is opened so often.
const DEEPEST: usize = 4;

/// The credential that an upstream was shown with one request, whatever the credential is by now.
#[derive(Clone)]
pub(super) struct Shown {
    credential: Arc<Credential>,
    /// The access key that the request was signed with.
    signed: Option<AccessKey>,
}

impl Shown {
    pub(super) fn new(credential: &Arc<Credential>, signed: Option<AccessKey>) -> Self {
        Self { credential: Arc::clone(credential), signed }
    }

    /// Leaves it with the answer until that is looked at.
    pub(super) fn note<B>(self, answer: &mut Response<B>) {
        answer.extensions_mut().insert(self);
    }

    /// What was shown to whoever gave `answer`. It goes no further than that.
    pub(super) fn take<B>(answer: &mut Response<B>) -> Option<Self> {
        answer.extensions_mut().remove()
    }

    /// Whether there was none.
    pub(super) fn is_none(&self) -> bool {
        self.credential.is_empty() && self.signed.is_none()
    }

    /// Whether `text` repeats a secret of it, as it is or in a string of JSON (RFC 8259, section 7).
    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        let mut text = Cow::Borrowed(text);
        for _ in 0..=DEEPEST {
            if self.is_plain_in(&text) {
                return true;
            }
            let Some(opened) = opened(&text) else { return false };
            text = Cow::Owned(opened);
        }
        false
    }

    fn is_plain_in(&self, text: &[u8]) -> bool {
        self.credential.is_in(text) || self.signed.as_ref().is_some_and(|key| key.is_in(text))
    }
}

/// `text` without the escapes that may stand in a credential; `None` if it has none of them.
fn opened(text: &[u8]) -> Option<Vec<u8>> {
    // Breaks of lines, which most texts have, are in no credential.
    memchr_iter(b'\\', text).find(|at| text.get(*at..).and_then(escaped).is_some())?;
    let (mut opened, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some(at) = memchr(b'\\', rest) {
        let (before, escape) = rest.split_at(at);
        opened.extend_from_slice(before);
        let (byte, length) = escaped(escape).unwrap_or((b'\\', 1));
        opened.push(byte);
        rest = escape.get(length..).unwrap_or_default();
    }
    opened.extend_from_slice(rest);
    Some(opened)
}

/// What the escape at the beginning of `text` stands for, if that may be in a header, and how long it is.
fn escaped(text: &[u8]) -> Option<(u8, usize)> {
    match text.get(1)? {
        byte @ (b'"' | b'\\' | b'/') => Some((*byte, 2)),
        b'u' => {
            let digits = std::str::from_utf8(text.get(2..6)?).ok()?;
            let code = u8::try_from(u16::from_str_radix(digits, 16).ok()?).ok()?;
            code.is_ascii().then_some((code, 6))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    const KEY: &str = r#"sk-a+b/c"d\e"#;

    fn shown() -> Shown {
        let text = "[[issuer]]\nissuer = 'https://idp.example'\naudience = ['a']\n[access]\ndefault = 'allow'\n\
            [[upstream]]\nname = 'u'\nkind = 'openai'\nurl = 'http://localhost:1'\nkey = { env = 'KEY' }\n";
        let config = Config::parse(text, |name| (name == "KEY").then(|| KEY.to_owned())).unwrap();
        let upstream = &config.upstreams[0];
        let secret = upstream.key.as_ref().unwrap().first().clone();
        Shown::new(&Arc::new(Credential::new(upstream, vec![secret])), None)
    }

    #[test]
    fn a_credential_is_found_however_json_writes_it() {
        let shown = shown();
        let every: String = KEY.chars().map(|c| format!("\\u{:04X}", u32::from(c))).collect();
        for written in [
            KEY.to_owned(),
            serde_json::to_string(KEY).unwrap(),
            r#"{"message": "bad key \u0073k-a\u002Bb\/c\"d\u005ce\n"}"#.to_owned(),
            every.clone(),
            serde_json::to_string(&serde_json::to_string(&every).unwrap()).unwrap(),
        ] {
            assert!(shown.is_in(written.as_bytes()), "{written}");
        }
        for other in ["", "\\", "\\u", "\\u00", "sk-a b/c", r"sk-a\nb\/c", r"\ud83d\ude00\uFFFF", r"\u+02b"] {
            assert!(!shown.is_in(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn what_no_credential_has_is_not_opened() {
        assert_eq!(opened(br"fn main() {\n\tlet x = 1;\n}"), None);
        assert_eq!(opened(r"\u00e9 \n".as_bytes()), None);
        assert_eq!(opened(br"\u0041\n\\n\").as_deref(), Some(&br"A\n\n\"[..]));
    }
}
