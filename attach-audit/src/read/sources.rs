//! Which files are read, and in which order.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::log::{Counting, Part, SegmentName, counting};

/// The files of one node, oldest first, or one file with a name of its own.
pub(crate) type Source = Vec<Piece>;

/// A file, or its part that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) path: PathBuf,
    /// The last record that counts.
    pub(crate) limit: Option<u64>,
}

/// The files behind `paths`: directories with all that is in them, and single files.
///
/// A segment that was collected more than once is read once, from its longest copy.
pub(crate) fn sources<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> io::Result<Vec<Source>> {
    let mut found = Found::default();
    for path in paths {
        found.add(path.as_ref()).map_err(|error| at(path.as_ref(), &error))?;
    }
    found.sources()
}

/// The segments that are in `folders` themselves.
pub(crate) fn sources_in<P: AsRef<Path>>(folders: impl IntoIterator<Item = P>) -> io::Result<Vec<Source>> {
    let mut found = Found::default();
    for folder in folders {
        let folder = folder.as_ref();
        found.look_into(folder).map_err(|error| at(folder, &error))?;
    }
    found.sources()
}

#[derive(Default)]
struct Found {
    segments: BTreeMap<SegmentName, (PathBuf, u64)>,
    others: BTreeSet<PathBuf>,
}

impl Found {
    fn sources(self) -> io::Result<Vec<Source>> {
        let mut nodes: BTreeMap<Box<str>, Vec<Part>> = BTreeMap::new();
        for (name, (path, _)) in self.segments {
            nodes.entry(name.node.clone()).or_default().push(Part { name, path });
        }
        let mut sources = Vec::new();
        for parts in nodes.into_values() {
            sources.push(counting(parts)?.into_iter().map(Piece::from).collect());
        }
        sources.extend(self.others.into_iter().map(|path| vec![Piece { path, limit: None }]));
        Ok(sources)
    }

    /// Segments of a directory, and of none in it.
    fn look_into(&mut self, folder: &Path) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                self.add_segment(&entry.path())?;
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &Path) -> io::Result<()> {
        if fs::metadata(path)?.is_dir() {
            return self.descend(path);
        }
        if !self.add_segment(path)? {
            self.others.insert(path.to_owned());
        }
        Ok(())
    }

    /// Segments of a directory and of those in it: a folder for each node is how many collect. Links are not followed.
    fn descend(&mut self, dir: &Path) -> io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                self.descend(&entry.path())?;
            } else {
                self.add_segment(&entry.path())?;
            }
        }
        Ok(())
    }

    fn add_segment(&mut self, path: &Path) -> io::Result<bool> {
        let name = path.file_name().and_then(|name| SegmentName::parse(name.to_str()?));
        let Some(name) = name else { return Ok(false) };
        let bytes = fs::metadata(path)?.len();
        let known = self.segments.entry(name).or_insert_with(|| (path.to_owned(), bytes));
        if known.1 < bytes {
            *known = (path.to_owned(), bytes);
        }
        Ok(true)
    }
}

impl From<Counting> for Piece {
    fn from(counting: Counting) -> Self {
        Self { path: counting.part.path, limit: counting.limit }
    }
}

pub(crate) fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
