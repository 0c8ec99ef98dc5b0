use attach_core::Rejection;

/// So many names are listed; the rest is not.
const LISTED: usize = 16;

/// What of a request the other dialect has no word for.
#[derive(Debug, Default)]
pub(in crate::translate) struct Losses {
    refuse: bool,
    dropped: Vec<String>,
}

impl Losses {
    /// Settings are refused instead of left out.
    pub(in crate::translate) fn refused(refuse: bool) -> Self {
        Self { refuse, dropped: Vec::new() }
    }

    /// A setting without which the answer still is one: it is left out, and a header says so, unless the
    /// configuration wants it refused. Names that no header can hold are not listed.
    ///
    /// # Errors
    ///
    /// When the configuration wants it refused.
    pub(in crate::translate) fn setting(&mut self, name: &str) -> Result<(), Rejection> {
        if self.refuse {
            return Err(Self::content(name));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.[]".contains(&byte);
        let known = self.dropped.iter().any(|dropped| dropped == name);
        if !known && name.len() <= 48 && name.bytes().all(plain) && self.dropped.len() < LISTED {
            self.dropped.push(name.to_owned());
        }
        Ok(())
    }

    /// Something without which the answer would be one to another question: never left out.
    pub(in crate::translate) fn content(name: &str) -> Rejection {
        let message = format!("`{name}` cannot be translated for this model's server; leave it out");
        Rejection::bad_request("unsupported_field", message).with_param(format!("$.{name}"))
    }

    /// The names of what was left out.
    pub(in crate::translate) fn into_names(self) -> Vec<String> {
        self.dropped
    }
}
