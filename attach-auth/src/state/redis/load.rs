use std::collections::HashMap;

use redis::{FromRedisValue, Value};

use super::super::Row;
use super::super::backend::{Lost, Snapshot};
use super::known::{Known, Store, keep};
use super::scripts::{LOAD, RENEW};
use super::wire::{self, unreadable};
use super::{Redis, fresh_name};

impl Redis {
    /// Everything, if the store is the one this node knows.
    pub(super) async fn load_all(&self) -> Result<Snapshot, Lost> {
        self.remembered().await?;
        let begin = if self.known().epoch.is_empty() { fresh_name()? } else { String::new() };
        let floor = self.known().seq;
        let mut call = self.prepare(&LOAD);
        call.arg(begin);
        let reply: Vec<Value> = self.shared.commands.call(&call, self.settings.deadline * 10).await?;
        let Some((store, rows)) = parse(reply)? else {
            return self.known().doubt("it was emptied, or lost rows");
        };
        let passed = self.recognize(&store, floor)?;
        if let Some(seq) = passed {
            self.check_passed(seq).await?;
        }
        let mut known = self.known();
        known.doubted = false;
        known.saw(store.seq, store.head);
        let rows = rows.iter().filter_map(|(field, content)| wire::row(field, content).transpose());
        Ok(Snapshot { rows: rows.collect::<Result<_, _>>()?, seq: store.seq })
    }

    /// Whether the store is the one we know; the commit to look for where it has gone on since.
    fn recognize(&self, store: &Store, floor: u64) -> Result<Option<u64>, Lost> {
        let mut known = self.known();
        if known.epoch.is_empty() {
            known.epoch.clone_from(&store.epoch);
            return Ok(None);
        }
        match known.check(store, floor) {
            Ok(()) => Ok(Some(known.seq).filter(|seq| *seq > 0 && *seq < store.seq)),
            Err(Lost::Behind) => Ok(None),
            Err(lost) => Err(lost),
        }
    }

    /// Whether the store went on from where we last saw it.
    async fn check_passed(&self, seq: u64) -> Result<(), Lost> {
        let id = format!("{seq}-0");
        let mut pipe = redis::pipe();
        pipe.cmd("XRANGE").arg(&self.settings.keys[3]).arg(&id).arg(&id);
        let (found,): (redis::streams::StreamRangeReply,) =
            self.shared.commands.pipe(&pipe, self.settings.deadline).await?;
        let head = found.ids.first().and_then(|entry| entry.get::<String>("h"));
        let mut known = self.known();
        match head {
            Some(head) => known.check_head(seq, &head),
            None if known.doubted => known.doubt("whether it is what it was cannot be seen any more"),
            None => Ok(()),
        }
    }

    /// Begins a new epoch that says which one it comes after, with other rows if there are some.
    pub(super) async fn renew(&self, rows: Option<&[Row]>) -> Result<(), Lost> {
        self.remembered().await?;
        let epoch = fresh_name()?;
        let mut call = self.prepare(&RENEW);
        {
            let known = self.known();
            call.arg(&epoch).arg(&known.epoch).arg(known.seq).arg(u8::from(rows.is_some()));
        }
        for row in rows.unwrap_or_default() {
            call.arg(wire::field(row.table, &row.key)).arg(wire::end(row)).arg(&row.value[..]);
        }
        let seq: u64 = self.shared.commands.call(&call, self.settings.deadline * 10).await?;
        let mut known = self.known();
        *known = Known::of(&epoch);
        known.saw(seq, epoch);
        Ok(())
    }

    /// Reads, once, what an earlier process of this node knew.
    async fn remembered(&self) -> Result<(), Lost> {
        let Some(file) = &self.settings.file else { return Ok(()) };
        let read = || async {
            let file = file.clone();
            let read = tokio::task::spawn_blocking(move || Known::read(&file)).await;
            *self.known() = read.map_err(|error| Lost::Unreachable(error.to_string().into()))??;
            Ok(())
        };
        self.shared.remembered.get_or_try_init(read).await.copied()
    }

    /// Writes down what is known by now.
    pub(super) async fn keep(&self) {
        let Some(file) = self.settings.file.clone() else { return };
        let Some(bytes) = self.known().take_changed() else { return };
        let kept = tokio::task::spawn_blocking(move || keep(&file, &bytes)).await;
        if !matches!(kept, Ok(Ok(()))) {
            tracing::warn!("what is known of the state store could not be written down");
        }
    }
}

type Rows = HashMap<String, Vec<u8>>;

/// The answer of [`LOAD`]; `None` if there is nothing where there was something.
fn parse(reply: Vec<Value>) -> Result<Option<(Store, Rows)>, Lost> {
    let read = || -> Result<_, redis::ParsingError> {
        let mut reply = reply.into_iter();
        let mut next = || reply.next().unwrap_or_default();
        if String::from_redis_value(next())? != "ok" {
            return Ok(None);
        }
        let text = String::from_redis_value;
        let (epoch, parent) = (text(next())?, text(next())?);
        let seq = u64::from_redis_value(next())?;
        let head = text(next())?;
        let rows = Rows::from_redis_value(next())?;
        Ok(Some((Store { epoch, parent, seq, head }, rows)))
    };
    read().map_err(|_| unreadable())
}
