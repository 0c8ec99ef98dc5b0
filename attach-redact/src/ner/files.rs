use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::LoadError;

/// The files of a model, as `optimum-cli export onnx` writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Files {
    /// The network: `model.onnx`, weights included.
    pub model: PathBuf,
    /// How text becomes numbers: `tokenizer.json`, or `vocab.txt` with `tokenizer_config.json` beside it.
    pub tokenizer: PathBuf,
    /// What the numbers mean: `config.json`.
    pub config: PathBuf,
}

impl Files {
    /// The files of their usual names in `folder`; `vocab.txt` only if there is no `tokenizer.json`.
    pub fn in_folder(folder: impl AsRef<Path>) -> Self {
        let folder = folder.as_ref();
        let (whole, words) = (folder.join("tokenizer.json"), folder.join("vocab.txt"));
        let tokenizer = if !whole.exists() && words.exists() { words } else { whole };
        Self { model: folder.join("model.onnx"), tokenizer, config: folder.join("config.json") }
    }
}

/// The largest model: what a protobuf message may hold.
pub(super) const MODEL: u64 = (2 << 30) - 1;
/// The largest tokenizer: a vocabulary of a million words.
pub(super) const TOKENIZER: u64 = 64 << 20;
/// The largest description.
pub(super) const CONFIG: u64 = 1 << 20;

/// The bytes of the regular file `path`, `most` at most.
pub(super) fn read(path: &Path, most: u64) -> Result<Vec<u8>, LoadError> {
    let unreadable = |why: std::io::Error| LoadError::new(path, format!("cannot be read: {why}"));
    // Before it is opened: a pipe would wait for somebody who writes.
    let about = std::fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() {
        return Err(LoadError::new(path, "is not a file"));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > most {
        return Err(LoadError::new(path, format!("is larger than {} MiB", most.div_ceil(1 << 20))));
    }
    Ok(bytes)
}

/// The JSON in the file `path`.
pub(super) fn read_json(path: &Path, most: u64) -> Result<Value, LoadError> {
    serde_json::from_slice(&read(path, most)?)
        .map_err(|why| LoadError::new(path, format!("is not valid JSON: {why}")))
}
