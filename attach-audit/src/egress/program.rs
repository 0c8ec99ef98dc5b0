//! Who sends.

/// The program whose records are sent, out of `<name>/<version>`, the form of [`Options::build`](crate::log::Options::build).
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) name: Box<str>,
    pub(super) version: Option<Box<str>>,
}

impl Program {
    pub(super) fn new(build: &str) -> Self {
        let (name, version) = build.split_once('/').map_or((build, None), |(name, v)| (name, Some(v)));
        Self { name: name.into(), version: version.map(Into::into) }
    }
}

impl Default for Program {
    fn default() -> Self {
        Self::new("attach")
    }
}
