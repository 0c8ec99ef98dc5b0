use std::io;

use attach_core::call::ModelGlob;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::error::sqlite;
use super::lines::{Hit, Spot};
use super::question::{Question, build, question};

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
        Some(segment) => Some(Spot::new(segment, row.get(4)?, row.get(5)?)),
        None => None,
    };
    let (at, node, n): (i64, i64, i64) = (row.get(6)?, row.get(7)?, row.get(8)?);
    let cursor = format!("{build}.{at}.{node}.{n}");
    Ok(Hit { line: Spot::new(row.get(0)?, row.get(1)?, row.get(2)?), intent, cursor })
}
