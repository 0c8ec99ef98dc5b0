//! Reading content back.

use std::fmt;
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use age::x25519::Identity as Secret;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::keys::{PersonFile, path};
use super::line::Stored;
use super::{Keep, Profile};
use crate::chain::Hash;
use crate::log::{LONGEST, SegmentName};

/// Somebody who can read what was sealed: with the private keys of age.
#[derive(Default)]
pub struct Auditor {
    secrets: Vec<Secret>,
}

/// What one request said and was told.
#[non_exhaustive]
pub struct Opened {
    /// Whether it was sealed, or redacted.
    pub kept: Keep,
    /// The request.
    pub request: Vec<u8>,
    /// The answer.
    pub answer: Vec<u8>,
    /// What was left out at its end: `in`, `out` or `both`.
    pub truncated: Option<String>,
    /// The record of it, a line of JSON.
    pub record: String,
    /// Who it was, if it was sealed.
    pub person: Option<Profile>,
}

/// Why content could not be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// A file could not be read.
    Io(io::Error),
    /// A private key makes no sense.
    NoKey,
    /// No record here is of that request, or it has no outcome.
    NoRecord,
    /// Its content was not kept; why, if the record says so.
    NotKept(Option<Box<str>>),
    /// The record refers to content that is not here.
    Missing,
    /// The content is not what the record refers to.
    Changed,
    /// The person's key is not here: erased, or left behind where the files were collected.
    Erased,
    /// It was sealed to other keys.
    NotForYou,
}

/// A line of content longer than this is not read: more than 64 MiB each way, sealed and in base64.
const LONGEST_CONTENT: u64 = 256 << 20;

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    req_id: &'a str,
    #[serde(borrow)]
    kind: &'a str,
    #[serde(borrow)]
    content: Option<Reference<'a>>,
}

#[derive(Deserialize)]
struct Reference<'a> {
    #[serde(borrow, rename = "ref")]
    id: Option<&'a str>,
    sha256: Option<Hash>,
    #[serde(borrow)]
    withheld: Option<&'a str>,
    #[serde(borrow)]
    truncated: Option<&'a str>,
}

impl Auditor {
    /// An auditor with the keys of a file such as `age-keygen` writes: one per line, `#` before a comment. Without
    /// any, redacted content can be read, which is not encrypted.
    ///
    /// # Errors
    ///
    /// If a line is no X25519 identity of age.
    pub fn parse(keys: &str) -> Result<Self, OpenError> {
        let lines = keys.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let secrets = lines.map(|line| line.parse().map_err(|_| OpenError::NoKey));
        Ok(Self { secrets: secrets.collect::<Result<_, _>>()? })
    }

    /// Opens the content of `request` in the log's folder `dir`, below which `people` has the people's keys.
    ///
    /// # Errors
    ///
    /// As [`OpenError`] says.
    pub fn open(&self, dir: &Path, request: &str) -> Result<Opened, OpenError> {
        let (name, record) = find_record(dir, request)?.ok_or(OpenError::NoRecord)?;
        let head: Head<'_> = serde_json::from_str(&record).map_err(io::Error::from)?;
        let reference = head.content.ok_or(OpenError::NotKept(None))?;
        let id = reference.id.ok_or_else(|| OpenError::NotKept(reference.withheld.map(Box::from)))?;
        let line = find_line(&dir.join(name.content()), id)?.ok_or(OpenError::Missing)?;
        if reference.sha256 != Some(Hash::of(line.as_bytes())) {
            return Err(OpenError::Changed);
        }
        let stored: Stored<'_> = serde_json::from_str(&line).map_err(|_| OpenError::Changed)?;
        let [request, answer] = stored.texts().ok_or(OpenError::Changed)?;
        let truncated = reference.truncated.map(str::to_owned);
        let kept = Keep::parse(&stored.kind).ok_or(OpenError::Changed)?;
        let opened = Opened { kept, request, answer, truncated, record: record.clone(), person: None };
        if kept == Keep::Sealed { self.unseal(dir, stored.key.as_deref(), opened) } else { Ok(opened) }
    }

    fn unseal(&self, dir: &Path, key: Option<&str>, sealed: Opened) -> Result<Opened, OpenError> {
        let Some(key) = key else {
            let [request, answer] =
                [&sealed.request, &sealed.answer].map(|text| decrypt(&self.secrets, text));
            let (request, answer) =
                (request.ok_or(OpenError::NotForYou)?, answer.ok_or(OpenError::NotForYou)?);
            return Ok(Opened { request, answer, ..sealed });
        };
        // A name from a file, which must not lead out of the folder.
        if !key.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(OpenError::Changed);
        }
        let file = path(&dir.join("people"), key);
        let file = PersonFile::read(&file).map_err(OpenError::Io)?.ok_or(OpenError::Erased)?;
        let secrets: Vec<Secret> = file.identities().filter_map(|wrapped| self.unwrap(&wrapped)).collect();
        let open = |text: &[u8]| decrypt(&secrets, text).ok_or(OpenError::NotForYou);
        let (request, answer) = (open(&sealed.request)?, open(&sealed.answer)?);
        let person = open(&file.profile()).ok().and_then(|profile| serde_json::from_slice(&profile).ok());
        Ok(Opened { request, answer, person, ..sealed })
    }

    fn unwrap(&self, wrapped: &[u8]) -> Option<Secret> {
        let text = Zeroizing::new(String::from_utf8(decrypt(&self.secrets, wrapped)?).ok()?);
        text.parse().ok()
    }
}

fn decrypt(secrets: &[Secret], text: &[u8]) -> Option<Vec<u8>> {
    let secrets = secrets.iter().map(|secret| secret as &dyn age::Identity);
    let mut out = Vec::new();
    age::Decryptor::new(text).ok()?.decrypt(secrets).ok()?.read_to_end(&mut out).ok()?;
    Some(out)
}

/// The record of how `request` ended, and the segment it is in; later segments are looked at first.
fn find_record(dir: &Path, request: &str) -> Result<Option<(SegmentName, String)>, OpenError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(OpenError::Io)? {
        let name = entry.map_err(OpenError::Io)?.file_name();
        names.extend(name.to_str().and_then(SegmentName::parse));
    }
    names.sort_by(|one, other| other.cmp(one));
    for name in names {
        let is_it = |line: &str| {
            line.contains(request)
                && serde_json::from_str::<Head<'_>>(line)
                    .is_ok_and(|head| head.req_id == request && head.kind == "outcome")
        };
        if let Some(line) = find(&dir.join(name.to_string()), LONGEST, is_it)? {
            return Ok(Some((name, line)));
        }
    }
    Ok(None)
}

fn find_line(file: &Path, id: &str) -> Result<Option<String>, OpenError> {
    let is_it = |line: &str| {
        line.get(..64.min(line.len())).is_some_and(|head| head.contains(id))
            && serde_json::from_str::<Stored<'_>>(line).is_ok_and(|stored| stored.id == id)
    };
    match find(file, LONGEST_CONTENT, is_it) {
        Err(OpenError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found,
    }
}

/// The first line of up to `longest` bytes for which `is_it`, without its end.
fn find(file: &Path, longest: u64, is_it: impl Fn(&str) -> bool) -> Result<Option<String>, OpenError> {
    let mut lines = BufReader::new(fs::File::open(file).map_err(OpenError::Io)?);
    let mut line = Vec::new();
    while lines.by_ref().take(longest).read_until(b'\n', &mut line).map_err(OpenError::Io)? > 0 {
        // What a crash has torn is no line, and neither is a piece of what is too long for one.
        if let Some(text) = line.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok())
            && is_it(text)
        {
            return Ok(Some(text.to_owned()));
        }
        line.clear();
    }
    Ok(None)
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::NoKey => f.write_str("the key file has a line that is no X25519 identity of age"),
            Self::NoRecord => f.write_str("no outcome of such a request is on record here"),
            Self::NotKept(Some(why)) => write!(f, "the content was not kept: {why}"),
            Self::NotKept(None) => f.write_str("the content was not kept"),
            Self::Missing => f.write_str("the record refers to content that is not here"),
            Self::Changed => f.write_str("CHANGED: the content is not what the record refers to"),
            Self::Erased => {
                f.write_str("the person's key is not here: erased, or not collected with the log")
            }
            Self::NotForYou => f.write_str("it was sealed to other keys than these"),
        }
    }
}

impl std::error::Error for OpenError {}

impl fmt::Debug for Auditor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auditor").field("keys", &self.secrets.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("kept", &self.kept).finish_non_exhaustive()
    }
}
