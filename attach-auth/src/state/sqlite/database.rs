use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params,
};

use super::super::backend::{Lost, Snapshot};
use super::super::{Change, CommitError, Row, Table, file};
use crate::clock::since_epoch;

/// Marks the file as ours (`PRAGMA application_id`): "ATCH".
const APPLICATION: i32 = 0x4154_4348;
const VERSION: i32 = 1;

const SCHEMA: &str = "
    BEGIN;
    CREATE TABLE rows (tbl TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, expires_at INTEGER,
                       PRIMARY KEY (tbl, key)) WITHOUT ROWID, STRICT;
    CREATE INDEX rows_expire ON rows (expires_at) WHERE expires_at IS NOT NULL;
    CREATE TABLE last (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL) STRICT;
    INSERT INTO last VALUES (1, 0);
    COMMIT;";

/// An open file.
pub(super) struct Database(Connection);

impl Database {
    /// The file `name` in `directory`, and the number of the last commit in it.
    pub(super) fn open(directory: &Path, name: &str) -> Result<(Self, u64), Lost> {
        let path = directory.join(name);
        file::make_directory(directory).map_err(unreadable)?;
        if !path.try_exists().map_err(unreadable)? {
            create(directory, name)?;
        }
        if fs::metadata(&path).map_err(unreadable)?.len() == 0 {
            return Err(Lost::Reset("its file has become empty".into()));
        }
        file::make_private(&path).map_err(unreadable)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags).map_err(lost)?;
        let mut database = Self(connection);
        database.prepare().map_err(lost)?;
        database.check()?;
        let seq = seq(&database.0).map_err(lost)?;
        Ok((database, seq))
    }

    /// Takes the file for this process alone, and has every commit reach the disk.
    fn prepare(&mut self) -> rusqlite::Result<()> {
        self.0.busy_timeout(Duration::ZERO)?;
        self.0.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        self.0.pragma_update(None, "journal_mode", "WAL")?;
        self.0.pragma_update(None, "synchronous", "FULL")?;
        self.0.transaction_with_behavior(TransactionBehavior::Exclusive)?.commit()
    }

    fn check(&self) -> Result<(), Lost> {
        let number = |name| self.0.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).map_err(lost);
        if number("application_id")? != APPLICATION || number("user_version")? != VERSION {
            return Err(Lost::Unreachable("its file is not ours, or of another version".into()));
        }
        let verdict: String =
            self.0.pragma_query_value(None, "quick_check", |row| row.get(0)).map_err(lost)?;
        if verdict == "ok" { Ok(()) } else { Err(Lost::Unreachable("its file is damaged".into())) }
    }

    pub(super) fn load(&self) -> Result<Snapshot, Lost> {
        // One thread reads and writes: nothing changes between the two statements.
        let read = || -> rusqlite::Result<Snapshot> {
            let mut statement = self.0.prepare(
                "SELECT tbl, key, value, expires_at FROM rows WHERE expires_at IS NULL OR expires_at > ?1",
            )?;
            let rows = statement.query_map([now()], row)?.filter_map(Result::transpose);
            Ok(Snapshot { rows: rows.collect::<rusqlite::Result<_>>()?, seq: seq(&self.0)? })
        };
        read().map_err(lost)
    }

    /// Applies each of `group` whole or not at all, all in one write to the disk.
    pub(super) fn commit(
        &mut self,
        group: &[Vec<Change>],
    ) -> rusqlite::Result<Vec<Result<u64, CommitError>>> {
        let transaction = self.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut last = seq(&transaction)?;
        let mut results = Vec::with_capacity(group.len());
        let now = now();
        for changes in group {
            results.push(match first_broken(&transaction, changes, now)? {
                Some(change) => Err(CommitError::Conflict(change.table(), Arc::clone(change.key()))),
                None => {
                    changes.iter().try_for_each(|change| apply(&transaction, change))?;
                    last += 1;
                    Ok(last)
                }
            });
        }
        transaction.prepare("DELETE FROM rows WHERE expires_at <= ?1")?.execute([now])?;
        transaction.prepare("UPDATE last SET seq = ?1")?.execute([signed(last)])?;
        transaction.commit()?;
        Ok(results)
    }
}

/// Makes a file that is whole from the first moment on: one without content can only be one that lost it.
fn create(directory: &Path, name: &str) -> Result<(), Lost> {
    if directory.join(format!("{name}-wal")).try_exists().map_err(unreadable)? {
        return Err(Lost::Reset("its file is gone, but not what belongs to it".into()));
    }
    let fresh = directory.join(format!("{name}.{}.new", std::process::id()));
    let _ = fs::remove_file(&fresh);
    file::private().create_new(true).open(&fresh).map_err(unreadable)?;
    let fill = || -> rusqlite::Result<()> {
        let connection = Connection::open(&fresh)?;
        connection.pragma_update(None, "application_id", APPLICATION)?;
        connection.pragma_update(None, "user_version", VERSION)?;
        connection.execute_batch(SCHEMA)
    };
    let filled = fill().map_err(lost);
    // A link, unlike a rename, does not replace the file of a process that was quicker.
    let linked = filled.and_then(|()| match fs::hard_link(&fresh, directory.join(name)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(unreadable(error)),
        _ => File::open(directory).and_then(|directory| directory.sync_all()).map_err(unreadable),
    });
    let _ = fs::remove_file(&fresh);
    linked
}

fn first_broken<'a>(
    transaction: &Transaction<'_>,
    changes: &'a [Change],
    now: i64,
) -> rusqlite::Result<Option<&'a Change>> {
    for change in changes {
        let Change::Put(row, expect) = change else { continue };
        let there = transaction
            .prepare(
                "SELECT value FROM rows WHERE tbl = ?1 AND key = ?2 AND (expires_at IS NULL OR expires_at > ?3)",
            )?
            .query_row(params![row.table.as_str(), row.key, now], |row| row.get::<_, Vec<u8>>(0))
            .optional()?;
        if !expect.is_met(there.map(Bytes::from).as_ref()) {
            return Ok(Some(change));
        }
    }
    Ok(None)
}

fn apply(transaction: &Transaction<'_>, change: &Change) -> rusqlite::Result<()> {
    match change {
        Change::Put(row, _) => {
            let mut put = transaction.prepare("INSERT OR REPLACE INTO rows VALUES (?1, ?2, ?3, ?4)")?;
            let expires_at = row.expires_at.map(signed);
            put.execute(params![row.table.as_str(), row.key, &row.value[..], expires_at])?;
        }
        Change::Remove(table, key) => {
            let mut remove = transaction.prepare("DELETE FROM rows WHERE tbl = ?1 AND key = ?2")?;
            remove.execute(params![table.as_str(), key])?;
        }
    }
    Ok(())
}

/// `None` for a row of a table that this version does not know.
fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<Row>> {
    let Some(table) = Table::named(row.get_ref(0)?.as_str()?) else { return Ok(None) };
    let key: Arc<str> = row.get_ref(1)?.as_str()?.into();
    let expires_at: Option<i64> = row.get(3)?;
    let fresh = Row::new(table, key, row.get::<_, Vec<u8>>(2)?);
    Ok(Some(Row { expires_at: expires_at.and_then(|time| u64::try_from(time).ok()), ..fresh }))
}

fn seq(connection: &Connection) -> rusqlite::Result<u64> {
    let seq: i64 = connection.prepare("SELECT seq FROM last")?.query_row([], |row| row.get(0))?;
    Ok(seq.unsigned_abs())
}

fn now() -> i64 {
    signed(since_epoch(SystemTime::now()))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn unreadable(error: io::Error) -> Lost {
    Lost::Unreachable(error.to_string().into())
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn lost(error: rusqlite::Error) -> Lost {
    Lost::Unreachable(match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another process has its file open".into()
        }
        _ => error.to_string().into(),
    })
}
