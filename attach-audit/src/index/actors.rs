//! Who and which model: few of them for many records, so each has a row of its own.

use std::collections::HashMap;
use std::io;

use rusqlite::{Connection, OptionalExtension, ToSql, params};

use super::error::sqlite;
use crate::read::{Actor, Model};

/// How many are remembered; callers choose the names of models.
const REMEMBERED: usize = 1 << 16;

/// The ids of the rows, by what is in them.
#[derive(Debug, Default)]
pub(super) struct Known {
    actors: HashMap<String, i64>,
    models: HashMap<String, i64>,
}

impl Known {
    pub(super) fn actor(&mut self, db: &Connection, actor: &Actor<'_>) -> io::Result<i64> {
        let groups = serde_json::to_string(&actor.groups_used)?;
        let key = serde_json::to_string(&(
            &actor.directory,
            &actor.uid,
            &actor.sub,
            &actor.client_id,
            &actor.groups_used,
        ))?;
        const FIND: &str = "SELECT id FROM actor WHERE key = ?1";
        const ADD: &str =
            "INSERT INTO actor (key, directory, uid, sub, client, groups) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let row = params![key, actor.directory, actor.uid, actor.sub, actor.client_id, groups];
        id(db, &mut self.actors, &key, [FIND, ADD], row)
    }

    pub(super) fn model(&mut self, db: &Connection, model: &Model<'_>) -> io::Result<i64> {
        let key =
            serde_json::to_string(&(&model.requested, &model.routed, &model.response, &model.upstream))?;
        const FIND: &str = "SELECT id FROM model WHERE key = ?1";
        const ADD: &str =
            "INSERT INTO model (key, requested, routed, response, upstream) VALUES (?1, ?2, ?3, ?4, ?5)";
        let row = params![key, model.requested, model.routed, model.response, model.upstream];
        id(db, &mut self.models, &key, [FIND, ADD], row)
    }
}

fn id(
    db: &Connection,
    known: &mut HashMap<String, i64>,
    key: &str,
    [find, add]: [&'static str; 2],
    row: &[&dyn ToSql],
) -> io::Result<i64> {
    if let Some(id) = known.get(key) {
        return Ok(*id);
    }
    let found = db.prepare(find).and_then(|mut find| find.query_row([key], |row| row.get(0)).optional());
    let id = match found.map_err(sqlite)? {
        Some(id) => id,
        None => db.prepare(add).and_then(|mut add| add.insert(row)).map_err(sqlite)?,
    };
    if known.len() >= REMEMBERED {
        known.clear();
    }
    known.insert(key.to_owned(), id);
    Ok(id)
}
