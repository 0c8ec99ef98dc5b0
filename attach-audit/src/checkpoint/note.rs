use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::VerifierKey;

/// A note longer than this is none of ours.
const LONGEST: usize = 1 << 20;
/// What a signature line begins with.
const DASH: &str = "\u{2014} ";

/// A [C2SP signed note](https://c2sp.org/signed-note): a text and who signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: Box<str>,
    signatures: Vec<Signature>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Signature {
    name: Box<str>,
    /// The key's id, and the signature behind it.
    bytes: Box<[u8]>,
}

/// What is wrong with a note or a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoteError {
    /// It is no signed note, or no checkpoint of an audit log.
    Malformed,
    /// None of the keys has signed it.
    UnknownKey,
    /// It says that one of the keys has signed it, and that is not so.
    Signature,
    /// A key is not of the form `<name>+<key id>+<base64>`, or no Ed25519 key.
    Key,
}

impl Note {
    /// Reads one note.
    ///
    /// # Errors
    ///
    /// [`NoteError::Malformed`]. Nothing is verified yet.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        Self::read(note).ok_or(NoteError::Malformed)
    }

    /// Reads a file of notes, one after another; empty lines may stand between them.
    ///
    /// # Errors
    ///
    /// [`NoteError::Malformed`] if one of them is, or there is none.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, NoteError> {
        let (mut notes, mut rest) = (Vec::new(), text.trim_start_matches('\n'));
        while !rest.is_empty() {
            let mut signed = false;
            let mut end = 0;
            for line in rest.split_inclusive('\n') {
                if signed && !line.starts_with(DASH) {
                    break;
                }
                signed |= line.starts_with(DASH);
                end += line.len();
            }
            notes.push(Self::parse(&rest[..end])?);
            rest = rest[end..].trim_start_matches('\n');
        }
        if notes.is_empty() { Err(NoteError::Malformed) } else { Ok(notes) }
    }

    fn read(note: &str) -> Option<Self> {
        if note.len() > LONGEST || note.contains(|c: char| c < ' ' && c != '\n') {
            return None;
        }
        let (text, signatures) = note.split_at(note.rfind("\n\n")? + 1);
        let signatures = signatures.strip_prefix('\n')?.strip_suffix('\n')?.split('\n');
        let signatures = signatures.map(Signature::read).collect::<Option<Vec<_>>>()?;
        Some(Self { text: text.into(), signatures })
    }

    /// What was signed. Not to be relied on before [`verify`](Self::verify) has said by whom.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Which of `keys` has signed it.
    ///
    /// # Errors
    ///
    /// [`NoteError::UnknownKey`] if none has, [`NoteError::Signature`] if the signature of one does not fit.
    pub fn verify<'k>(&self, keys: &'k [VerifierKey]) -> Result<&'k VerifierKey, NoteError> {
        let mut found = None;
        for signature in &self.signatures {
            let Some((id, bytes)) = signature.bytes.split_first_chunk::<4>() else { continue };
            for key in keys.iter().filter(|key| key.name() == &*signature.name && key.id() == *id) {
                if !key.verifies(&self.text, bytes) {
                    return Err(NoteError::Signature);
                }
                found = found.or(Some(key));
            }
        }
        found.ok_or(NoteError::UnknownKey)
    }
}

impl Signature {
    fn read(line: &str) -> Option<Self> {
        let (name, base64) = line.strip_prefix(DASH)?.split_once(' ')?;
        let bytes = BASE64_STANDARD.decode(base64).ok().filter(|bytes| bytes.len() > 4)?;
        super::key::is_name(name).then(|| Self { name: name.into(), bytes: bytes.into() })
    }
}

/// Puts a signature under a text.
pub(super) fn signed(text: &str, key: &VerifierKey, signature: &[u8]) -> String {
    let signature = BASE64_STANDARD.encode([&key.id(), signature].concat());
    format!("{text}\n{DASH}{} {signature}\n", key.name())
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        let mut signatures = self.signatures.iter();
        signatures
            .try_for_each(|one| writeln!(f, "{DASH}{} {}", one.name, BASE64_STANDARD.encode(&one.bytes)))
    }
}

impl fmt::Display for NoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "no signed checkpoint of an audit log",
            Self::UnknownKey => "signed by none of the keys given",
            Self::Signature => "the signature does not fit",
            Self::Key => "no verifier key: NAME+ID+BASE64, as `attach-gateway audit key` prints it",
        })
    }
}

impl std::error::Error for NoteError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the documentation of Go's `golang.org/x/mod/sumdb/note`, made by another implementation.
    const NOTE: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    fn keys() -> Vec<VerifierKey> {
        let other = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
        [other, KEY].map(|key| key.parse().expect("a key")).into()
    }

    #[test]
    fn a_note_that_another_program_signed_verifies() {
        let note = Note::parse(NOTE).expect("a note");
        assert_eq!(note.to_string(), NOTE);
        assert_eq!(note.verify(&keys()).map(VerifierKey::name), Ok("PeterNeumann"));
        assert_eq!(note.verify(&keys()[..1]), Err(NoteError::UnknownKey));
        let changed = Note::parse(&NOTE.replace("problem is", "problem was")).expect("a note");
        assert_eq!(changed.verify(&keys()), Err(NoteError::Signature));
    }

    #[test]
    fn several_notes_in_one_file_are_told_apart() {
        let cosigned = format!("{NOTE}{}\n", NOTE.lines().last().expect("a line"));
        for file in [format!("{NOTE}{cosigned}"), format!("\n{NOTE}\n\n{cosigned}\n")] {
            let notes = Note::parse_all(&file).expect("notes");
            assert_eq!(notes.iter().map(Note::to_string).collect::<Vec<_>>(), [NOTE, &cosigned], "{file}");
        }
        for bad in ["", "\n", "text\n", &NOTE[..NOTE.len() - 1], &format!("{NOTE}more\n")] {
            assert_eq!(Note::parse_all(bad), Err(NoteError::Malformed), "{bad:?}");
        }
    }

    #[test]
    fn what_is_no_note_is_refused() {
        for bad in [
            NOTE.replace("\u{2014}", "--"),
            NOTE.replace("\n\n", "\n"),
            NOTE.replace("problem,", "problem,\r"),
            NOTE.replace(" x08go", ""),
            NOTE.replace("Peter", "Peter+"),
            NOTE.replace("AM=", "AM"),
        ] {
            assert_eq!(Note::parse(&bad), Err(NoteError::Malformed), "{bad}");
        }
    }
}
