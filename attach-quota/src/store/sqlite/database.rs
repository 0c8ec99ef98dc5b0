use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use super::error::OpenError;
use super::file;
use super::ledger::{Account, Batch};

/// The file's name in its directory.
const FILE: &str = "quota.db";

/// Marks the file as ours (`PRAGMA application_id`): "ATCQ".
const APPLICATION: i32 = 0x4154_4351;
const VERSION: i32 = 1;

/// `period_end` and `seen` are in seconds since the epoch, `used` in the limit's unit.
const SCHEMA: &str = "
    BEGIN;
    CREATE TABLE used (period_end INTEGER NOT NULL, bucket BLOB NOT NULL, used INTEGER NOT NULL,
                       PRIMARY KEY (period_end, bucket)) WITHOUT ROWID, STRICT;
    CREATE TABLE clock (one INTEGER PRIMARY KEY CHECK (one = 1), seen INTEGER NOT NULL) STRICT;
    INSERT INTO clock VALUES (1, 0);
    COMMIT;";

/// An open file.
pub(super) struct Database(Connection);

/// What was in the file.
pub(super) struct Found {
    /// What was used of which budgets.
    pub(super) used: Vec<(Account, u64)>,
    /// The latest second that whoever wrote it has seen.
    pub(super) seen: u64,
}

impl Database {
    pub(super) fn open(directory: &Path) -> Result<(Self, Found), OpenError> {
        let path = directory.join(FILE);
        let unreadable = OpenError::io(&path);
        file::make_directory(directory).map_err(OpenError::io(directory))?;
        if !path.try_exists().map_err(&unreadable)? {
            create(directory, &path)?;
        }
        if fs::metadata(&path).map_err(&unreadable)?.len() == 0 {
            return Err(OpenError::new(&path, "it has become empty"));
        }
        file::make_private(&path).map_err(&unreadable)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let broken = OpenError::sqlite(&path);
        let mut database = Self(Connection::open_with_flags(&path, flags).map_err(&broken)?);
        database.prepare().map_err(&broken)?;
        if let Some(why) = database.complaint().map_err(&broken)? {
            return Err(OpenError::new(&path, why));
        }
        let found = database.load().map_err(&broken)?;
        Ok((database, found))
    }

    /// Takes the file for this process alone, and has every commit reach the disk.
    fn prepare(&mut self) -> rusqlite::Result<()> {
        self.0.busy_timeout(Duration::ZERO)?;
        self.0.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        self.0.pragma_update(None, "journal_mode", "WAL")?;
        self.0.pragma_update(None, "synchronous", "FULL")?;
        self.0.transaction_with_behavior(TransactionBehavior::Exclusive)?.commit()
    }

    fn complaint(&self) -> rusqlite::Result<Option<&'static str>> {
        let number = |name| self.0.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
        if number("application_id")? != APPLICATION || number("user_version")? != VERSION {
            return Ok(Some("it is not ours, or of another version"));
        }
        let verdict: String = self.0.pragma_query_value(None, "quick_check", |row| row.get(0))?;
        Ok((verdict != "ok").then_some("it is damaged"))
    }

    fn load(&self) -> rusqlite::Result<Found> {
        let seen = self
            .0
            .prepare("SELECT seen FROM clock")?
            .query_row([], |row| row.get(0).map(i64::unsigned_abs))?;
        let mut statement = self.0.prepare("SELECT bucket, period_end, used FROM used")?;
        let used = statement.query_map([], |row| {
            let account = Account {
                bucket: u128::from_be_bytes(row.get(0)?),
                until: row.get(1).map(i64::unsigned_abs)?,
            };
            Ok((account, row.get(2).map(i64::unsigned_abs)?))
        })?;
        Ok(Found { used: used.collect::<rusqlite::Result<_>>()?, seen })
    }

    /// Writes all of `batch` or nothing, and forgets the periods that are over at the second `now`.
    ///
    /// Rows are whole counts and no increments: written twice, they are still right.
    pub(super) fn write(&mut self, batch: &Batch, now: u64) -> rusqlite::Result<()> {
        let transaction = self.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut put = transaction.prepare("INSERT OR REPLACE INTO used VALUES (?1, ?2, ?3)")?;
        for (account, used) in batch.rows() {
            put.execute(params![signed(account.until), account.bucket.to_be_bytes(), signed(*used)])?;
        }
        drop(put);
        transaction.prepare("DELETE FROM used WHERE period_end <= ?1")?.execute([signed(now)])?;
        transaction.prepare("UPDATE clock SET seen = max(seen, ?1)")?.execute([signed(now)])?;
        transaction.commit()
    }
}

/// Makes a file that is whole from the first moment on: one without content can only be one that lost it.
fn create(directory: &Path, path: &Path) -> Result<(), OpenError> {
    let unwritable = OpenError::io(path);
    if directory.join(format!("{FILE}-wal")).try_exists().map_err(&unwritable)? {
        return Err(OpenError::new(path, "it is gone, but not what belongs to it"));
    }
    let fresh = directory.join(format!("{FILE}.{}.new", std::process::id()));
    let _ = fs::remove_file(&fresh);
    file::make(&fresh).map_err(&unwritable)?;
    let filled = fill(&fresh).map_err(OpenError::sqlite(path));
    // A link, unlike a rename, does not replace the file of a process that was quicker.
    let linked = filled.and_then(|()| match fs::hard_link(&fresh, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(unwritable(error)),
        _ => file::sync_directory(directory).map_err(&unwritable),
    });
    let _ = fs::remove_file(&fresh);
    linked
}

fn fill(path: &Path) -> rusqlite::Result<()> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "application_id", APPLICATION)?;
    connection.pragma_update(None, "user_version", VERSION)?;
    connection.execute_batch(SCHEMA)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
