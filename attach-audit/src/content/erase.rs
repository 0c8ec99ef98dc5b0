use std::fmt;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Contents, Packer};
use crate::{Audit, Deed, Unrecorded};

impl Audit {
    /// Looks at what requests say and are told: digests go to their records, and texts beside the log.
    #[must_use]
    pub fn contents(mut self, contents: Contents) -> Self {
        self.packer = Some(Arc::new(Packer::new(contents)));
        self
    }

    /// Destroys the key of the person `id` of `directory`, on behalf of `actor`, so that nobody can ever read what was
    /// sealed of theirs on this node. The record of it is durable before it is done. False if there was no key.
    ///
    /// What this person says from now on is sealed to a new key.
    ///
    /// # Errors
    ///
    /// If it could not be recorded, or the key could not be deleted. It may be tried again.
    pub async fn erase_content(&self, actor: &str, directory: &str, id: &str) -> Result<bool, NotErased> {
        let packer = self.packer.as_ref().ok_or_else(|| NotErased("this gateway keeps no content".into()))?;
        self.record(&Deed::admin("content.erase", actor).directory(directory).target(id)).await?;
        let (done, told) = oneshot::channel();
        let (directory, id) = (directory.to_owned(), id.to_owned());
        packer.run(move |contents| {
            let erased = contents.people.as_ref().map_or(Ok(false), |people| people.erase(&directory, &id));
            // Who does not wait any longer will ask again.
            let _ = done.send(erased);
        });
        let erased = told.await.map_err(|_| NotErased("it broke off; try again".into()))?;
        erased.map_err(|error| NotErased(error.to_string().into()))
    }
}

/// A person's content was not erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotErased(Box<str>);

impl From<Unrecorded> for NotErased {
    fn from(unrecorded: Unrecorded) -> Self {
        Self(unrecorded.to_string().into())
    }
}

impl fmt::Display for NotErased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing was erased: {}", self.0)
    }
}

impl std::error::Error for NotErased {}
