use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::NoteError;
use crate::chain::Hash;

/// What stands before a chain's id in the origin line.
const ORIGIN: &str = "attach/";

/// The tree of a chain at some size: the text of a [C2SP checkpoint](https://c2sp.org/tlog-checkpoint), whose origin
/// is `attach/<chain>`.
///
/// The origin names the chain, because each has a tree of its own; the key that signs it belongs to the node and has
/// the node's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    chain: Box<str>,
    size: u64,
    root: Hash,
}

impl Checkpoint {
    pub(crate) fn new(chain: &str, size: u64, root: Hash) -> Self {
        Self { chain: chain.into(), size, root }
    }

    /// Reads a note's text.
    ///
    /// # Errors
    ///
    /// [`NoteError::Malformed`] if it is no checkpoint, or not of an audit log.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        Self::read(text).ok_or(NoteError::Malformed)
    }

    fn read(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let chain = lines.next()?.strip_prefix(ORIGIN).filter(|chain| !chain.is_empty())?;
        let digits = lines.next()?;
        let size = digits.parse::<u64>().ok().filter(|size| size.to_string() == digits)?;
        let root = BASE64_STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
        // Extension lines are opaque, and must not be empty.
        lines.all(|line| !line.is_empty()).then(|| Self::new(chain, size, Hash::from_bytes(root)))
    }

    /// The chain.
    #[must_use]
    pub fn chain(&self) -> &str {
        &self.chain
    }

    /// How many of its records the tree has: those with lower numbers than this.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn root(&self) -> Hash {
        self.root
    }
}

/// The text of the note.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = BASE64_STANDARD.encode(self.root.as_bytes());
        writeln!(f, "{ORIGIN}{}\n{}\n{root}", self.chain, self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_reads_back() {
        let checkpoint = Checkpoint::new("n-0000000000001", 20_852_163, Hash::of(b"x"));
        let text = checkpoint.to_string();
        assert!(text.starts_with("attach/n-0000000000001\n20852163\n") && text.ends_with("=\n"), "{text}");
        assert_eq!(Checkpoint::parse(&text), Ok(checkpoint.clone()));
        assert_eq!(Checkpoint::parse(&format!("{text}extension\n")), Ok(checkpoint));
        for bad in [
            text.replace("attach/", "example.com/"),
            text.replace("attach/n-0000000000001", "attach/"),
            text.replace("\n2085", "\n02085"),
            text.replace("\n2085", "\n+2085"),
            text.replace("=\n", "\n"),
            text.replace("=\n", "="),
            format!("{text}\n"),
            String::new(),
        ] {
            assert_eq!(Checkpoint::parse(&bad), Err(NoteError::Malformed), "{bad}");
        }
    }
}
