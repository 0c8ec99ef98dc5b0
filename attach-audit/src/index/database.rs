//! The file: what is in it, and how it is made.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::error::sqlite;

/// Marks the file as ours (`PRAGMA application_id`): "ATCI".
const APPLICATION: i32 = 0x4154_4349;
const VERSION: i32 = 1;

/// `shown`: 0, a record that is seen by itself only; 1, one that stands for its request as well; 2, a request whose
/// process died, in the words of its intent but for how it ended. `at` is `ts` in nanoseconds since 1970, or that of a
/// record before it in the log if that is later: the order in which logs are merged.
const TABLES: &str = "
    CREATE TABLE build (id TEXT NOT NULL) STRICT;
    CREATE TABLE node (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, skew INTEGER NOT NULL)
        STRICT;
    CREATE TABLE segment (id INTEGER PRIMARY KEY, node INTEGER NOT NULL, name TEXT NOT NULL UNIQUE,
        bytes INTEGER NOT NULL, last INTEGER) STRICT;
    CREATE TABLE actor (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, directory TEXT, uid TEXT, sub TEXT,
        client TEXT, groups TEXT NOT NULL) STRICT;
    CREATE TABLE model (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, requested TEXT, routed TEXT, response TEXT,
        upstream TEXT) STRICT;
    CREATE TABLE record (n INTEGER PRIMARY KEY, shown INTEGER NOT NULL, at INTEGER NOT NULL, node INTEGER NOT NULL,
        ts TEXT NOT NULL, kind TEXT NOT NULL, actor INTEGER NOT NULL, model INTEGER, decision TEXT NOT NULL,
        reason TEXT, req TEXT NOT NULL, trace TEXT, segment INTEGER NOT NULL, offset INTEGER NOT NULL,
        length INTEGER NOT NULL, intent INTEGER) STRICT;
    CREATE TABLE open (id TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID, STRICT;";

/// Made when the rows are there: sorting once is faster than inserting into eight trees a million times.
const INDEXES: &str = "
    CREATE INDEX actor_uid ON actor (uid);
    CREATE INDEX actor_sub ON actor (sub);
    CREATE INDEX by_kind ON record (kind, at, node);
    CREATE INDEX by_actor ON record (actor, at, node);
    CREATE INDEX by_request ON record (req);
    CREATE INDEX by_trace ON record (trace, at, node) WHERE trace IS NOT NULL;
    CREATE INDEX by_time ON record (at, node) WHERE shown >= 1;
    CREATE INDEX by_model ON record (model, at, node) WHERE shown >= 1;
    CREATE INDEX by_decision ON record (decision, at, node) WHERE shown >= 1;
    CREATE INDEX by_reason ON record (reason, at, node) WHERE shown >= 1 AND reason IS NOT NULL;
    CREATE INDEX by_intent ON record (intent) WHERE intent IS NOT NULL;
    PRAGMA analysis_limit = 2000;
    ANALYZE;";

/// Opens the index at `path`; `None` if there is none, or one of another version.
pub(super) fn open(path: &Path) -> io::Result<Option<Connection>> {
    match header(path)? {
        None => return Ok(None),
        Some(APPLICATION) => {}
        Some(_) => {
            let why = format!("{}: there is a file that is no index of an audit log", path.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
        }
    }
    let connection = connect(path).map_err(sqlite)?;
    let version = connection.pragma_query_value(None, "user_version", |row| row.get::<_, i32>(0));
    Ok(version.is_ok_and(|version| version == VERSION).then_some(connection))
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // What retention removed from the log is not left over in free pages.
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.pragma_update(None, "cache_size", -65_536)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

/// The application id that a SQLite file says it has: bytes 68 to 71 (<https://www.sqlite.org/fileformat2.html>);
/// `None` if there is no file, or an empty one.
fn header(path: &Path) -> io::Result<Option<i32>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(72).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if bytes.is_empty() {
        return Ok(None);
    }
    let id = bytes.strip_prefix(b"SQLite format 3\0").and_then(|rest| rest.get(52..56)?.try_into().ok());
    Ok(Some(id.map_or(0, i32::from_be_bytes)))
}

/// Makes an index at `path`, which `fill` fills; it takes the place of another once it is whole.
pub(super) fn create<T>(
    path: &Path,
    fill: impl FnOnce(&Connection) -> io::Result<T>,
) -> io::Result<(Connection, T)> {
    let fresh = beside(path, ".new");
    remove(&fresh)?;
    private(&fresh)?;
    let connection = connect(&fresh).map_err(sqlite)?;
    // Until it is renamed nobody misses it.
    connection.pragma_update(None, "journal_mode", "OFF").map_err(sqlite)?;
    connection.pragma_update(None, "synchronous", "OFF").map_err(sqlite)?;
    connection.pragma_update(None, "application_id", APPLICATION).map_err(sqlite)?;
    connection.pragma_update(None, "user_version", VERSION).map_err(sqlite)?;
    connection.execute_batch(TABLES).map_err(sqlite)?;
    let build = uuid::Uuid::now_v7().simple().to_string();
    connection.execute("INSERT INTO build (id) VALUES (?1)", [build]).map_err(sqlite)?;
    let transaction = connection.unchecked_transaction().map_err(sqlite)?;
    let filled = fill(&transaction)?;
    transaction.commit().map_err(sqlite)?;
    connection.execute_batch(INDEXES).map_err(sqlite)?;
    connection.close().map_err(|(_, error)| sqlite(error))?;
    File::open(&fresh)?.sync_all()?;
    // A journal of the one before would be rolled back into this one.
    remove(&beside(path, "-journal"))?;
    std::fs::rename(&fresh, path)?;
    Ok((connect(path).map_err(sqlite)?, filled))
}

/// A file that its owner alone can read.
pub(super) fn private(path: &Path) -> io::Result<File> {
    crate::private::private().read(true).create(true).truncate(false).open(path)
}

/// A file of the same name with something behind it.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
