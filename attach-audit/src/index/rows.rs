//! A record becomes a row, an intent and what ends it one request.

use std::io;

use rusqlite::{Connection, OptionalExtension, Statement, params};

use super::actors::Known;
use super::error::sqlite;
use crate::read::Entry;

/// Where a record stands, and its place among those of other nodes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) node: i64,
    pub(super) segment: i64,
    pub(super) at: i64,
    pub(super) offset: u64,
    pub(super) length: usize,
}

/// What rows are added with.
pub(super) struct Rows<'c> {
    db: &'c Connection,
    add: Statement<'c>,
    died: Statement<'c>,
    begin: Statement<'c>,
    begun: Statement<'c>,
    end: Statement<'c>,
    known: Known,
}

const ADD: &str =
    "INSERT INTO record (shown, at, node, ts, kind, actor, model, decision, reason, req, trace, segment,
    offset, length) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
const DIED: &str =
    "INSERT INTO record (shown, at, node, ts, kind, actor, model, decision, reason, req, trace, segment,
    offset, length, intent) SELECT 2, ?2, ?3, ?4, ?5, actor, model, ?6, ?7, req, trace, ?8, ?9, ?10, n
    FROM record WHERE n = ?1";

impl<'c> Rows<'c> {
    pub(super) fn new(db: &'c Connection) -> io::Result<Self> {
        let prepare = |sql| db.prepare(sql).map_err(sqlite);
        Ok(Self {
            db,
            add: prepare(ADD)?,
            died: prepare(DIED)?,
            begin: prepare("INSERT OR REPLACE INTO open (id, n) VALUES (?1, ?2)")?,
            begun: prepare("SELECT n FROM open WHERE id = ?1")?,
            end: prepare("DELETE FROM open WHERE id = ?1")?,
            known: Known::default(),
        })
    }

    pub(super) fn add(&mut self, entry: &Entry<'_>, place: Place) -> io::Result<()> {
        let begun = match entry.intent_id.as_deref() {
            Some(id) => self.ended(id)?,
            None => None,
        };
        let alone = matches!(&*entry.kind, "intent" | "orphan" | "start" | "stop" | "segment" | "checkpoint");
        let n = self.record(entry, place, !alone)?;
        match (&*entry.kind, begun) {
            ("intent", _) => {
                self.begin.execute(params![entry.id, n]).map_err(sqlite)?;
            }
            ("orphan", Some(intent)) => self.crashed(entry, place, intent)?,
            _ => {}
        }
        Ok(())
    }

    /// The row of the intent, which is open no longer.
    fn ended(&mut self, id: &str) -> io::Result<Option<i64>> {
        let begun = self.begun.query_row([id], |row| row.get(0)).optional().map_err(sqlite)?;
        if begun.is_some() {
            self.end.execute([id]).map_err(sqlite)?;
        }
        Ok(begun)
    }

    fn record(&mut self, entry: &Entry<'_>, place: Place, shown: bool) -> io::Result<i64> {
        let actor = self.known.actor(self.db, &entry.actor)?;
        let model = entry.model.as_ref().map(|model| self.known.model(self.db, model)).transpose()?;
        let row = params![
            shown,
            place.at,
            place.node,
            entry.ts,
            entry.kind,
            actor,
            model,
            entry.decision.result,
            entry.decision.reason,
            entry.req_id,
            entry.trace_id,
            place.segment,
            signed(place.offset),
            signed(place.length as u64),
        ];
        self.add.insert(row).map_err(sqlite)
    }

    /// The request of `intent`, of which only this orphan says how it ended.
    fn crashed(&mut self, orphan: &Entry<'_>, place: Place, intent: i64) -> io::Result<()> {
        let row = params![
            intent,
            place.at,
            place.node,
            orphan.ts,
            orphan.kind,
            orphan.decision.result,
            orphan.decision.reason,
            place.segment,
            signed(place.offset),
            signed(place.length as u64),
        ];
        self.died.execute(row).map(drop).map_err(sqlite)
    }
}

pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
