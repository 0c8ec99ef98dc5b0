//! What the log has more or less than the index.

use std::collections::{HashMap, HashSet};
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, params};

use super::error::{sqlite, stale};
use super::files::{Lines, Node, Segment, ends_line};
use super::rows::{Place, Rows, signed};
use crate::chain;
use crate::read::{Entry, instant};

/// How far the index reaches into a segment.
struct Reached {
    id: i64,
    bytes: u64,
    last: Option<u64>,
}

/// Reads on where the index ends; how many records were new.
///
/// Fails as [`stale`] if that would not give what building it anew gives.
pub(super) fn load(db: &Connection, nodes: &[Node]) -> io::Result<u64> {
    let mut known = segments(db)?;
    forget(db, nodes, &mut known)?;
    let (mut rows, mut new) = (Rows::new(db)?, 0);
    for node in nodes {
        let (id, mut clock) = clock(db, &node.name)?;
        // No row may come to stand before one that is there.
        let last = node.segments.iter().rposition(|segment| known.contains_key(&segment.name));
        for (n, segment) in node.segments.iter().enumerate() {
            let reached = match known.remove(&segment.name) {
                Some(reached) => reached,
                None if last.is_some_and(|last| n < last) => return Err(stale("an older segment has come")),
                None => begin(db, id, segment)?,
            };
            let added = read(db, &mut rows, segment, (id, &mut clock, reached))?;
            if added > 0 && last.is_some_and(|last| n < last) {
                return Err(stale("an older segment has grown"));
            }
            new += added;
        }
        let sql = "UPDATE node SET at = ?2, skew = ?3 WHERE id = ?1";
        db.execute(sql, params![id, clock.at, clock.skew]).map_err(sqlite)?;
    }
    Ok(new)
}

/// The segments that the index knows.
fn segments(db: &Connection) -> io::Result<HashMap<String, Reached>> {
    let mut all = db.prepare("SELECT name, id, bytes, last FROM segment").map_err(sqlite)?;
    let rows = all.query_map([], |row| {
        let (bytes, last): (i64, Option<i64>) = (row.get(2)?, row.get(3)?);
        let reached =
            Reached { id: row.get(1)?, bytes: bytes.unsigned_abs(), last: last.map(i64::unsigned_abs) };
        Ok((row.get(0)?, reached))
    });
    rows.and_then(Iterator::collect).map_err(sqlite)
}

/// Forgets what is in segments that are gone, and who is in nothing else.
fn forget(db: &Connection, nodes: &[Node], known: &mut HashMap<String, Reached>) -> io::Result<()> {
    let here: HashSet<&str> = nodes.iter().flat_map(|node| &node.segments).map(|one| &*one.name).collect();
    let gone: Vec<i64> =
        known.iter().filter(|(name, _)| !here.contains(name.as_str())).map(|(_, one)| one.id).collect();
    if gone.is_empty() {
        return Ok(());
    }
    known.retain(|name, _| here.contains(name.as_str()));
    let gone = serde_json::to_string(&gone)?;
    for sql in [
        // Of a request whose intent is gone an orphan says nothing.
        "DELETE FROM record WHERE intent IN (SELECT n FROM record WHERE segment IN (SELECT value FROM json_each(?1)))",
        "DELETE FROM open WHERE n IN (SELECT n FROM record WHERE segment IN (SELECT value FROM json_each(?1)))",
        "DELETE FROM record WHERE segment IN (SELECT value FROM json_each(?1))",
        "DELETE FROM segment WHERE id IN (SELECT value FROM json_each(?1))",
    ] {
        db.execute(sql, [&gone]).map_err(sqlite)?;
    }
    for sql in [
        "DELETE FROM actor WHERE id NOT IN (SELECT actor FROM record)",
        "DELETE FROM model WHERE id NOT IN (SELECT model FROM record WHERE model IS NOT NULL)",
        "DELETE FROM node WHERE id NOT IN (SELECT node FROM segment)",
    ] {
        db.execute(sql, []).map_err(sqlite)?;
    }
    Ok(())
}

/// What a node's records say about time: the latest so far, and how far one was behind it.
struct Clock {
    at: i64,
    skew: i64,
}

impl Clock {
    /// The place in time of a record that says `ts`.
    fn place(&mut self, ts: &str) -> i64 {
        let time = instant(ts).map_or(0, nanos);
        self.at = self.at.max(time);
        self.skew = self.skew.max(self.at - time);
        self.at
    }
}

pub(super) fn nanos(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or(0)
}

/// The node's row.
fn clock(db: &Connection, name: &str) -> io::Result<(i64, Clock)> {
    let sql = "INSERT INTO node (name, at, skew) VALUES (?1, 0, 0) ON CONFLICT DO NOTHING";
    db.execute(sql, [name]).map_err(sqlite)?;
    let sql =
        "SELECT id, at, skew, (SELECT count(*) FROM node other WHERE other.id < node.id AND other.name > ?1)
        FROM node WHERE name = ?1";
    let found = db.query_row(sql, [name], |row| {
        let before: i64 = row.get(3)?;
        Ok((row.get(0)?, Clock { at: row.get(1)?, skew: row.get(2)? }, before))
    });
    let (id, clock, before) = found.map_err(sqlite)?;
    // Of records of one time those of the node whose name is less come first.
    if before > 0 { Err(stale("a node has come")) } else { Ok((id, clock)) }
}

fn begin(db: &Connection, node: i64, segment: &Segment) -> io::Result<Reached> {
    let sql = "INSERT INTO segment (node, name, bytes) VALUES (?1, ?2, 0)";
    db.execute(sql, params![node, segment.name]).map_err(sqlite)?;
    Ok(Reached { id: db.last_insert_rowid(), bytes: 0, last: None })
}

/// Reads a segment from where the index ends.
fn read(
    db: &Connection,
    rows: &mut Rows<'_>,
    segment: &Segment,
    (node, clock, reached): (i64, &mut Clock, Reached),
) -> io::Result<u64> {
    if !ends_line(&segment.path, reached.bytes)? {
        return Err(stale("a segment is shorter than it was"));
    }
    if reached.last.zip(segment.limit).is_some_and(|(last, limit)| last > limit) {
        return Err(stale("records were given up on"));
    }
    let (mut lines, mut last, mut new) = (Lines::open(segment, reached.bytes)?, reached.last, 0);
    while let Some((offset, line)) = lines.next()? {
        last = chain::place(line).map(|(seq, _)| seq).or(last);
        let Ok(entry) = Entry::parse(line) else {
            tracing::warn!(file = %segment.path.display(), offset, "a line that is no record is left out");
            continue;
        };
        let at = clock.place(&entry.ts);
        rows.add(&entry, Place { node, segment: reached.id, at, offset, length: line.len() })?;
        new += 1;
    }
    let sql = "UPDATE segment SET bytes = ?2, last = ?3 WHERE id = ?1";
    let row = params![reached.id, signed(lines.position()), last.map(signed)];
    db.execute(sql, row).map_err(sqlite)?;
    Ok(new)
}
