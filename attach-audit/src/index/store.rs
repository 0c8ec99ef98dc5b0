use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::database;
use super::error::{is_damage, sqlite, stale};
use super::files::{Node, nodes};
use super::lines::{self, Hit};
use super::load::load;
use super::search::{self, Found, Search};

/// An index of the logs behind some paths, in a file.
///
/// One process has it at a time: others wait in [`open`](Self::open). All of it reads and writes files, so it does not
/// belong on an async runtime's threads.
///
/// ```
/// use attach_audit::{Audit, Log, index::{Index, Search}, log::Options};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = std::env::temp_dir().join(format!("attach-audit-index-{}", std::process::id()));
/// # let file = dir.with_extension("db");
/// Audit::new(Log::open(&dir, Options::new("node-1"))?).close().await;
///
/// let mut index = Index::open(&file)?;
/// assert_eq!(index.update([&dir])?.records, 2);
/// let (mut search, mut lines) = (Search::default(), 0);
/// search.kind = Some("start".into());
/// index.find(&search, |found| {
///     assert!(found.line.starts_with(b"{"));
///     lines += 1;
///     Ok(())
/// })?;
/// assert_eq!(lines, 1);
/// # std::fs::remove_dir_all(dir)?;
/// # std::fs::remove_file(file)?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Index {
    file: PathBuf,
    db: Option<Connection>,
    paths: Vec<PathBuf>,
    segments: HashMap<String, PathBuf>,
    /// Holds the lock.
    _lock: File,
}

/// What an update did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Updated {
    /// How many records were added.
    pub records: u64,
    /// Whether the index was built from the beginning.
    pub rebuilt: bool,
}

impl Index {
    /// Opens the index in `file`, or says where it is to be; a file `….lock` beside it keeps others away meanwhile.
    /// Both can be read by their owner only.
    ///
    /// # Errors
    ///
    /// If the files cannot be used, or `file` is something else ([`io::ErrorKind::AlreadyExists`]): that is left alone.
    pub fn open(file: impl Into<PathBuf>) -> io::Result<Self> {
        let file = file.into();
        let lock = database::private(&database::beside(&file, ".lock"))?;
        lock.lock()?;
        let db = match database::open(&file) {
            Err(error) if is_damage(&error) => None,
            other => other?,
        };
        Ok(Self { file, db, paths: Vec::new(), segments: HashMap::new(), _lock: lock })
    }

    /// Makes it the index of the logs behind `paths`, directories with what is in them: adds what was written since,
    /// removes what is gone. Rows and how far they reach are committed together. Builds it from the beginning if it is
    /// damaged, or does not fit them.
    ///
    /// # Errors
    ///
    /// If a log cannot be read, there is none ([`io::ErrorKind::NotFound`]), or the index cannot be written.
    pub fn update<P: AsRef<Path>>(&mut self, paths: impl IntoIterator<Item = P>) -> io::Result<Updated> {
        let nodes = self.look(paths)?;
        if let Some(db) = &self.db {
            match advance(db, &nodes) {
                Err(error) if is_damage(&error) => {
                    tracing::warn!(file = %self.file.display(), %error, "the index is built again");
                }
                other => return other.map(|records| Updated { records, rebuilt: false }),
            }
        }
        self.build(&nodes)
    }

    /// Builds it from the beginning, whatever there is.
    ///
    /// # Errors
    ///
    /// As [`update`](Self::update).
    pub fn rebuild<P: AsRef<Path>>(&mut self, paths: impl IntoIterator<Item = P>) -> io::Result<Updated> {
        let nodes = self.look(paths)?;
        self.build(&nodes)
    }

    fn look<P: AsRef<Path>>(&mut self, paths: impl IntoIterator<Item = P>) -> io::Result<Vec<Node>> {
        self.paths = paths.into_iter().map(|path| path.as_ref().to_owned()).collect();
        let nodes = nodes(&self.paths)?;
        if nodes.is_empty() {
            let asked: Vec<_> = self.paths.iter().map(|path| path.display().to_string()).collect();
            let why = format!("{}: there is no audit log", asked.join(", "));
            return Err(io::Error::new(io::ErrorKind::NotFound, why));
        }
        let segments = nodes.iter().flat_map(|node| &node.segments);
        self.segments = segments.map(|one| (one.name.clone(), one.path.clone())).collect();
        Ok(nodes)
    }

    fn build(&mut self, nodes: &[Node]) -> io::Result<Updated> {
        self.db = None;
        let (db, records) = database::create(&self.file, |db| load(db, nodes))?;
        self.db = Some(db);
        Ok(Updated { records, rebuilt: true })
    }

    /// Calls `each` with what is found, in the order of the log, as of the last update.
    ///
    /// # Errors
    ///
    /// What `each` fails with; [`io::ErrorKind::InvalidData`] if the index is damaged beyond what building it again
    /// helps, or was never updated; [`io::ErrorKind::InvalidInput`] if the cursor is none of this build; and if a log
    /// cannot be read.
    pub fn find(&mut self, search: &Search, each: impl FnMut(Found<'_>) -> io::Result<()>) -> io::Result<()> {
        let hits = match self.hits(search) {
            Err(error) if is_damage(&error) && !self.paths.is_empty() => {
                tracing::warn!(file = %self.file.display(), %error, "the index is built again");
                self.rebuild(self.paths.clone())?;
                self.hits(search)?
            }
            other => other?,
        };
        lines::read(&hits, &self.segments, each)
    }

    fn hits(&self, search: &Search) -> io::Result<Vec<Hit>> {
        let db = self.db.as_ref().ok_or_else(|| stale("the index was never built"))?;
        search::hits(db, search)
    }

    /// How far it reaches: the last segment of each node, and how many bytes of it.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn reaches(&self) -> io::Result<Vec<(String, u64)>> {
        let db = self.db.as_ref().ok_or_else(|| stale("the index was never built"))?;
        let sql = "SELECT max(name), bytes FROM segment GROUP BY node ORDER BY node";
        let mut last = db.prepare(sql).map_err(sqlite)?;
        let rows = last.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())));
        rows.and_then(Iterator::collect).map_err(sqlite)
    }
}

/// All of it or nothing.
fn advance(db: &Connection, nodes: &[Node]) -> io::Result<u64> {
    let transaction = db.unchecked_transaction().map_err(sqlite)?;
    let records = load(&transaction, nodes)?;
    transaction.commit().map_err(sqlite)?;
    Ok(records)
}
