//! What is looked for, in SQL.

use std::io;

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::error::sqlite;
use super::load::nanos;
use super::search::Search;
use crate::read::instant;

/// A question in SQL, of which no part is from outside, and what is asked for.
#[derive(Default)]
pub(super) struct Question {
    pub(super) conditions: Vec<&'static str>,
    pub(super) values: Vec<Value>,
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

pub(super) fn question(db: &Connection, search: &Search) -> io::Result<Question> {
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
pub(super) fn build(db: &Connection) -> io::Result<String> {
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
