const SIGNATURE: &str = "attach.signature.";
const REDACTED: &str = "attach.redacted.";

/// What an `encrypted_content` of ours holds. Another provider's holds nothing that any other server understands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sealed {
    /// The signature under the thoughts of its item.
    Signature(String),
    /// Thoughts that only their provider can read.
    Redacted(String),
}

impl Sealed {
    /// `None` if it was not sealed here.
    pub(super) fn open(text: &str) -> Option<Self> {
        let after = |mark| text.strip_prefix(mark).filter(|rest| !rest.is_empty()).map(str::to_owned);
        after(SIGNATURE).map(Self::Signature).or_else(|| after(REDACTED).map(Self::Redacted))
    }

    /// The text of `encrypted_content`.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Signature(signature) => format!("{SIGNATURE}{signature}"),
            Self::Redacted(data) => format!("{REDACTED}{data}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_here_is_opened_and_nothing_else() {
        for sealed in [Sealed::Signature("EqQB".into()), Sealed::Redacted("Emwk".into())] {
            assert_eq!(Sealed::open(&sealed.text()), Some(sealed));
        }
        for text in ["", "gAAAAABo", SIGNATURE, REDACTED] {
            assert_eq!(Sealed::open(text), None, "{text}");
        }
    }
}
