//! Whose signature is under a checkpoint.

use std::path::{Path, PathBuf};

use super::trust::Known;
use super::{Fault, Finding, Trust, VerifyError};
use crate::checkpoint::{Checkpoint, Note, NoteError, VerifierKey};
use crate::record;

#[derive(Debug, Clone, Default)]
pub(super) struct Held {
    keys: Vec<VerifierKey>,
    given: Vec<(PathBuf, Note, Checkpoint)>,
}

impl Trust {
    /// Accepts checkpoints that are signed with this key, and from now on no others. After a key was replaced the old
    /// one is given too.
    #[must_use]
    pub fn key(mut self, key: VerifierKey) -> Self {
        self.how.keys.push(key);
        self
    }

    /// Adds the checkpoints in `text`, one or more signed notes. `file` is where they were read, for messages.
    ///
    /// Without a [`key`](Self::key) they are taken as they are: then it matters where they were kept.
    ///
    /// # Errors
    ///
    /// [`NoteError::Malformed`] if one is no checkpoint of an audit log.
    pub fn checkpoints(mut self, file: &Path, text: &str) -> Result<Self, NoteError> {
        for note in Note::parse_all(text)? {
            let checkpoint = Checkpoint::parse(note.text())?;
            self.how.given.push((file.to_owned(), note, checkpoint));
        }
        Ok(self)
    }
}

impl Held {
    pub(super) fn known(&self) -> Result<Vec<Known>, VerifyError> {
        let known = self.given.iter().map(|(file, note, checkpoint)| {
            let (chain, size) = (checkpoint.chain(), checkpoint.size());
            let by = self.signer(note).map_err(|fault| {
                let (file, chain) = (file.clone(), chain.to_owned());
                VerifyError::Tampered(Finding { file, line: 0, chain, seq: size, fault })
            })?;
            Ok(Known { chain: chain.into(), size, root: checkpoint.root(), by, file: file.clone() })
        });
        known.collect()
    }

    pub(super) fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Who has signed a checkpoint record, if there are keys to tell by.
    pub(super) fn judge(
        &self,
        chain: &str,
        record: &record::Checkpoint<'_>,
    ) -> Result<Option<Box<str>>, Fault> {
        let note = Note::parse(&record.note).map_err(|_| Fault::BadCheckpoint)?;
        let said = Checkpoint::parse(note.text()).map_err(|_| Fault::BadCheckpoint)?;
        if said != Checkpoint::new(chain, record.size, record.root) {
            return Err(Fault::BadCheckpoint);
        }
        self.signer(&note)
    }

    fn signer(&self, note: &Note) -> Result<Option<Box<str>>, Fault> {
        if self.keys.is_empty() {
            return Ok(None);
        }
        match note.verify(&self.keys) {
            Ok(key) => Ok(Some(key.name().into())),
            Err(NoteError::UnknownKey) => Err(Fault::WrongKey),
            Err(_) => Err(Fault::BadSignature),
        }
    }
}
