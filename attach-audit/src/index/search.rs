use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use attach_core::call::ModelGlob;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::error::{sqlite, stale};
use super::load::nanos;
use crate::read::instant;

/// What is looked for; of what is given, all has to fit.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Search {
    /// The caller's stable id, or the token's subject.
    pub user: Option<String>,
    /// The directory.
    pub directory: Option<String>,
    /// A group that decided.
    pub group: Option<String>,
    /// The OAuth client.
    pub client: Option<String>,
    /// The model, as asked for, as sent on or as answered.
    pub model: Option<ModelGlob>,
    /// The upstream.
    pub upstream: Option<String>,
    /// `allow`, `deny`, `modify` or `error`.
    pub decision: Option<String>,
    /// The stable code.
    pub reason: Option<String>,
    /// Single records of this kind, and not one for a request.
    pub kind: Option<String>,
    /// The single records of this request.
    pub request: Option<String>,
    /// The trace.
    pub trace: Option<String>,
    /// From this time on, as records spell it (RFC 3339, UTC, nine decimals).
    pub since: Option<String>,
    /// Before this time.
    pub until: Option<String>,
    /// Only the last so many.
    pub limit: Option<usize>,
    /// Without requests that still run.
    pub ended: bool,
    /// Only what is before what has this [`cursor`](Found::cursor), and no request that still runs.
    pub before: Option<String>,
}

/// A record, or a request by the record of how it ended.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Found<'a> {
    /// The line of the log, without its newline.
    pub line: &'a [u8],
    /// Of a request whose process died, the intent's.
    pub intent: Option<&'a [u8]>,
    /// Its place in the order of the log, until the index is built again.
    pub cursor: &'a str,
}

/// A place in a segment.
#[derive(Debug)]
struct Spot {
    segment: String,
    offset: u64,
    length: usize,
}

/// Where what was found stands.
#[derive(Debug)]
pub(super) struct Hit {
    line: Spot,
    intent: Option<Spot>,
    cursor: String,
}

/// A question in SQL, of which no part is from outside, and what is asked for.
#[derive(Default)]
struct Question {
    conditions: Vec<&'static str>,
    values: Vec<Value>,
}

impl Question {
    fn and(&mut self, condition: &'static str, values: impl IntoIterator<Item = Value>) {
        self.conditions.push(condition);
        self.values.extend(values);
    }

    fn is(&mut self, condition: &'static str, text: Option<&String>) {
        if let Some(text) = text {
            self.and(condition, [Value::from(text.clone())]);
        }
    }

    fn one_of(&mut self, [one, few, many]: [&'static str; 3], ids: &[i64]) {
        match ids {
            [id] => self.and(one, [Value::from(*id)]),
            _ => {
                let list = serde_json::to_string(ids).unwrap_or_default();
                self.and(if ids.len() > FEW { many } else { few }, [Value::from(list)]);
            }
        }
    }
}

/// Above so many rows are filtered by it, and not found by it.
const FEW: usize = 8;

const ACTORS: [&str; 3] = [
    "r.actor = ?",
    "r.actor IN (SELECT value FROM json_each(?))",
    "+r.actor IN (SELECT value FROM json_each(?))",
];
const MODELS: [&str; 3] = [
    "r.model = ?",
    "r.model IN (SELECT value FROM json_each(?))",
    "+r.model IN (SELECT value FROM json_each(?))",
];

/// Where what is found stands, in the order of the log.
pub(super) fn hits(db: &Connection, search: &Search) -> io::Result<Vec<Hit>> {
    let question = question(db, search)?;
    let mut left = search.limit.map_or(i64::MAX, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
    let mut hits = Vec::new();
    let single = search.kind.is_some() || search.request.is_some();
    if !single && !search.ended && search.before.is_none() {
        // What still runs comes last: UUIDv7, in the order of time.
        hits = ask(db, &question, ["JOIN open o ON o.n = r.n", "", "o.id DESC"], left)?;
        left = left.saturating_sub(i64::try_from(hits.len()).unwrap_or(i64::MAX));
    }
    let shown = if single { "r.shown < 2" } else { "r.shown >= 1" };
    hits.extend(ask(db, &question, ["", shown, "r.at DESC, r.node DESC, r.n DESC"], left)?);
    hits.reverse();
    Ok(hits)
}

fn question(db: &Connection, search: &Search) -> io::Result<Question> {
    let mut question = Question::default();
    if [&search.user, &search.directory, &search.group, &search.client].iter().any(|one| one.is_some()) {
        question.one_of(ACTORS, &actors(db, search)?);
    }
    if search.model.is_some() || search.upstream.is_some() {
        question.one_of(MODELS, &models(db, search)?);
    }
    question.is("r.decision = ?", search.decision.as_ref());
    question.is("r.reason = ?", search.reason.as_ref());
    question.is("r.kind = ?", search.kind.as_ref());
    question.is("r.req = ?", search.request.as_ref());
    question.is("r.trace = ?", search.trace.as_ref());
    question.is("r.ts >= ?", search.since.as_ref());
    question.is("r.ts < ?", search.until.as_ref());
    // The same for the order in which rows are: no row is before its time, and none later by more than the skew.
    if let Some(since) = search.since.as_deref().and_then(instant) {
        question.and("r.at >= ?", [Value::from(nanos(since))]);
    }
    if let Some(until) = search.until.as_deref().and_then(instant) {
        let skew = db.query_row("SELECT max(skew) FROM node", [], |row| row.get::<_, Option<i64>>(0));
        let skew = skew.map_err(sqlite)?.unwrap_or_default();
        question.and("r.at < ?", [Value::from(nanos(until).saturating_add(skew).saturating_add(1))]);
    }
    if let Some(cursor) = &search.before {
        question.and("(r.at, r.node, r.n) < (?, ?, ?)", place(db, cursor)?.map(Value::from));
    }
    Ok(question)
}

/// Which build of the index this is.
fn build(db: &Connection) -> io::Result<String> {
    db.query_row("SELECT id FROM build", [], |row| row.get(0)).map_err(sqlite)
}

/// Where a cursor points to.
fn place(db: &Connection, cursor: &str) -> io::Result<[i64; 3]> {
    let invalid = |why| io::Error::new(io::ErrorKind::InvalidInput, why);
    let mut parts = cursor.split('.');
    if parts.next() != Some(&*build(db)?) {
        return Err(invalid("the cursor is none of this index, or of before it was built again"));
    }
    let numbers: Option<Vec<i64>> = parts.map(|part| part.parse().ok()).collect();
    numbers.and_then(|numbers| numbers.try_into().ok()).ok_or_else(|| invalid("the cursor is none"))
}

/// The rows of those who are meant.
fn actors(db: &Connection, search: &Search) -> io::Result<Vec<i64>> {
    let mut who = Question::default();
    if let Some(user) = &search.user {
        let user = Value::from(user.clone());
        who.and("(uid = ? OR sub = ?)", [user.clone(), user]);
    }
    who.is("directory = ?", search.directory.as_ref());
    who.is("client = ?", search.client.as_ref());
    who.is("EXISTS (SELECT 1 FROM json_each(groups) WHERE value = ?)", search.group.as_ref());
    let sql = format!("SELECT id FROM actor WHERE {}", who.conditions.join(" AND "));
    let mut statement = db.prepare(&sql).map_err(sqlite)?;
    let ids = statement.query_map(params_from_iter(who.values), |row| row.get(0));
    ids.and_then(Iterator::collect).map_err(sqlite)
}

/// The rows of the models that are meant.
fn models(db: &Connection, search: &Search) -> io::Result<Vec<i64>> {
    let mut all =
        db.prepare("SELECT id, upstream, requested, routed, response FROM model").map_err(sqlite)?;
    let (mut rows, mut ids) = (all.query([]).map_err(sqlite)?, Vec::new());
    while let Some(row) = rows.next().map_err(sqlite)? {
        if is_meant(row, search).map_err(sqlite)? {
            ids.push(row.get(0).map_err(sqlite)?);
        }
    }
    Ok(ids)
}

fn is_meant(row: &Row<'_>, search: &Search) -> rusqlite::Result<bool> {
    let text = |column| row.get::<_, Option<String>>(column);
    if search.upstream.is_some() && search.upstream != text(1)? {
        return Ok(false);
    }
    let Some(glob) = &search.model else { return Ok(true) };
    let names = [text(2)?, text(3)?, text(4)?];
    Ok(names.iter().flatten().any(|name| glob.matches(name)))
}

/// The last `limit` rows, the last one first.
fn ask(
    db: &Connection,
    question: &Question,
    [join, shown, order]: [&'static str; 3],
    limit: i64,
) -> io::Result<Vec<Hit>> {
    let conditions: Vec<_> =
        question.conditions.iter().copied().chain([shown]).filter(|one| !one.is_empty()).collect();
    let conditions = if conditions.is_empty() { "TRUE".to_owned() } else { conditions.join(" AND ") };
    let sql = format!(
        "SELECT s.name, r.offset, r.length, si.name, i.offset, i.length, r.at, r.node, r.n FROM record r {join}
         CROSS JOIN segment s ON s.id = r.segment LEFT JOIN record i ON i.n = r.intent
         LEFT JOIN segment si ON si.id = i.segment WHERE {conditions} ORDER BY {order} LIMIT ?"
    );
    let mut statement = db.prepare(&sql).map_err(sqlite)?;
    let values = question.values.iter().cloned().chain([Value::from(limit)]);
    let build = build(db)?;
    let hits = statement.query_map(params_from_iter(values), |row| hit(row, &build));
    hits.and_then(Iterator::collect).map_err(sqlite)
}

fn hit(row: &Row<'_>, build: &str) -> rusqlite::Result<Hit> {
    let intent = match row.get(3)? {
        Some(segment) => Some(spot(segment, row.get(4)?, row.get(5)?)),
        None => None,
    };
    let (at, node, n): (i64, i64, i64) = (row.get(6)?, row.get(7)?, row.get(8)?);
    let cursor = format!("{build}.{at}.{node}.{n}");
    Ok(Hit { line: spot(row.get(0)?, row.get(1)?, row.get(2)?), intent, cursor })
}

fn spot(segment: String, offset: i64, length: i64) -> Spot {
    Spot { segment, offset: offset.unsigned_abs(), length: usize::try_from(length).unwrap_or_default() }
}

/// Reads the lines of `hits` from the log.
pub(super) fn read(
    hits: &[Hit],
    segments: &HashMap<String, PathBuf>,
    mut each: impl FnMut(Found<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let (mut files, mut line, mut intent) = (Files { segments, open: None }, Vec::new(), Vec::new());
    for hit in hits {
        files.line(&hit.line, &mut line)?;
        if let Some(begun) = &hit.intent {
            files.line(begun, &mut intent)?;
        }
        let intent = hit.intent.is_some().then_some(&*intent);
        each(Found { line: &line, intent, cursor: &hit.cursor })?;
    }
    Ok(())
}

struct Files<'a> {
    segments: &'a HashMap<String, PathBuf>,
    /// The one that was read last.
    open: Option<(&'a Path, File)>,
}

impl Files<'_> {
    fn line(&mut self, spot: &Spot, line: &mut Vec<u8>) -> io::Result<()> {
        let path = self.segments.get(&spot.segment).ok_or_else(|| stale("a segment is gone"))?;
        let file = match &mut self.open {
            Some((open, file)) if open == path => file,
            open => &mut open.insert((path, File::open(path)?)).1,
        };
        file.seek(SeekFrom::Start(spot.offset))?;
        line.clear();
        file.take(spot.length as u64 + 1).read_to_end(line)?;
        if line.pop() != Some(b'\n') || line.len() != spot.length {
            return Err(stale("the log is not the one that was indexed"));
        }
        Ok(())
    }
}
