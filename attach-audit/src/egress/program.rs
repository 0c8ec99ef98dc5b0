//! Who sends.

/// The program whose records are sent, out of `<name>/<version>`, the form of [`Options::build`](crate::log::Options::build).
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) name: Box<str>,
    #[cfg(feature = "otlp")]
    pub(super) version: Option<Box<str>>,
}

impl Program {
    pub(super) fn new(build: &str) -> Self {
        let mut parts = build.splitn(2, '/');
        Self {
            name: parts.next().unwrap_or_default().into(),
            #[cfg(feature = "otlp")]
            version: parts.next().map(Into::into),
        }
    }
}

impl Default for Program {
    fn default() -> Self {
        Self::new("attach")
    }
}
