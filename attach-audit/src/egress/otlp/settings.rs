//! What is the same over HTTP and over gRPC.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::answer::Remarks;
use super::logs::Encoder;
use crate::egress::InvalidTarget;

/// A target's name, its headers, how it writes records, and what the receiver last had to say.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) name: Arc<str>,
    pub(super) headers: HeaderMap,
    pub(super) encoder: Encoder,
    pub(super) remarks: Remarks,
}

impl Settings {
    pub(super) fn new(name: &str) -> Self {
        let (headers, encoder, remarks) = (HeaderMap::new(), Encoder::default(), Remarks::default());
        Self { name: name.into(), headers, encoder, remarks }
    }

    /// Adds a header whose value `Debug` does not show.
    pub(super) fn header(&mut self, name: &str, value: &str) -> Result<(), InvalidTarget> {
        let wrong = |what: &str| InvalidTarget::new(format!("{name:?} is not a header's {what}"));
        let key = HeaderName::try_from(name).map_err(|_| wrong("name"))?;
        // The value is a secret, so it is not quoted.
        let mut value = HeaderValue::try_from(value).map_err(|_| {
            InvalidTarget::new(format!("the value of the header {name} has a character that it may not have"))
        })?;
        value.set_sensitive(true);
        self.headers.insert(key, value);
        Ok(())
    }
}

/// The setters that both targets have.
macro_rules! setters {
    ($target:ty, $header:literal) => {
        impl $target {
            #[doc = $header]
            ///
            /// # Errors
            ///
            /// If the name or the value cannot be a header's.
            pub fn header(mut self, name: &str, value: &str) -> Result<Self, $crate::egress::InvalidTarget> {
                self.settings.header(name, value)?;
                Ok(self)
            }

            /// Sets the form of the body; the line as it is in the log by default.
            #[must_use]
            pub fn format(mut self, format: $crate::format::Format) -> Self {
                self.settings.encoder.format = format;
                self
            }

            /// Names the program, `<name>/<version>`: `service.name` and `service.version`.
            #[must_use]
            pub fn build(mut self, build: &str) -> Self {
                self.settings.encoder.program = $crate::egress::program::Program::new(build);
                self
            }
        }
    };
}

pub(super) use setters;
