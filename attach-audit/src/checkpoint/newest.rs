use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde::Deserialize;

use super::{Checkpoint, Note};
use crate::chain;
use crate::log::LONGEST;
use crate::record;
use crate::verify::{VerifyError, nodes};

/// The newest checkpoint of each node whose segments are in `dir`, as signed notes. The log may be being written.
///
/// To be kept elsewhere: [`Trust::checkpoints`](crate::verify::Trust::checkpoints) takes them later. Nothing is
/// verified here. The newest of a node protects its earlier chains too, because each chain quotes the end of the one
/// before.
///
/// # Errors
///
/// If the segments cannot be read.
pub fn newest(dir: &Path) -> Result<Vec<String>, VerifyError> {
    let segments = nodes(dir)?;
    let mut notes = Vec::new();
    for node in segments.chunk_by(|a, b| a.name.node == b.name.node) {
        for segment in node.iter().rev() {
            if let Some(note) = last(&segment.path).map_err(|error| VerifyError::io(&segment.path, error))? {
                notes.push(note);
                break;
            }
        }
    }
    Ok(notes)
}

/// The last checkpoint of a segment.
fn last(path: &Path) -> std::io::Result<Option<String>> {
    #[derive(Deserialize)]
    struct Members<'a> {
        kind: &'a str,
        #[serde(borrow, default)]
        checkpoint: Option<record::Checkpoint<'a>>,
    }
    let (mut file, mut line, mut found) =
        (BufReader::with_capacity(1 << 18, File::open(path)?), Vec::new(), None);
    loop {
        line.clear();
        file.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
        let Some(line) = line.strip_suffix(b"\n") else { return Ok(found) };
        if !line.windows(KIND.len()).any(|window| window == KIND) || chain::read(line).is_none() {
            continue;
        }
        let members = serde_json::from_slice::<Members<'_>>(line).ok().filter(|it| it.kind == "checkpoint");
        let note = members.and_then(|members| members.checkpoint).map(|it| it.note.into_owned());
        found = note.filter(|note| is_note(note)).or(found);
    }
}

/// What is printed is a note of ours, and no order to a terminal.
fn is_note(text: &str) -> bool {
    let checkpoint = Note::parse(text).and_then(|note| Checkpoint::parse(note.text()));
    checkpoint.is_ok() && !text.contains(|c: char| c.is_control() && c != '\n')
}

const KIND: &[u8] = b"\"kind\":\"checkpoint\"";
