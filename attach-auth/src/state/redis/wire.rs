//! How rows and commits are written in Redis.

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes};

use super::super::backend::Lost;
use super::super::{Change, Expect, Row, Table};

/// The field of a row in the hash.
pub(super) fn field(table: Table, key: &str) -> String {
    format!("{}\n{key}", table.as_str())
}

/// When a row is over; 0 is never.
pub(super) fn end(row: &Row) -> u64 {
    row.expires_at.map_or(0, |end| end.max(1))
}

pub(super) fn expectation(expect: &Expect) -> Bytes {
    match expect {
        Expect::Any => Bytes::from_static(b"*"),
        Expect::Absent => Bytes::from_static(b"-"),
        Expect::Value(value) => [b"=", &value[..]].concat().into(),
    }
}

/// Reads a field of the hash; `None` for a table that this version does not know.
pub(super) fn row(field: &str, content: &[u8]) -> Result<Option<Row>, Lost> {
    let (table, key) = field.split_once('\n').ok_or_else(unreadable)?;
    let Some(table) = Table::named(table) else { return Ok(None) };
    let colon = content.iter().position(|byte| *byte == b':').ok_or_else(unreadable)?;
    let (end, value) =
        (content.get(..colon).unwrap_or_default(), content.get(colon + 1..).unwrap_or_default());
    let end: u64 = std::str::from_utf8(end).ok().and_then(|end| end.parse().ok()).ok_or_else(unreadable)?;
    let row = Row::new(table, key, Bytes::copy_from_slice(value));
    Ok(Some(if end == 0 { row } else { row.until(end) }))
}

/// A commit as it is in the log.
pub(super) fn encode(changes: &[Change]) -> Vec<u8> {
    let mut out = Vec::new();
    for change in changes {
        let (kind, end, value) = match change {
            Change::Put(row, _) => (b'p', end(row), &row.value[..]),
            Change::Remove(..) => (b'r', 0, &[][..]),
        };
        out.put_u8(kind);
        out.put_u64(end);
        for part in [change.table().as_str().as_bytes(), change.key().as_bytes(), value] {
            out.put_u64(part.len() as u64);
            out.put_slice(part);
        }
    }
    out
}

/// Reads what [`encode`] wrote; changes of tables that this version does not know are left out.
pub(super) fn decode(bytes: Vec<u8>) -> Result<Vec<Change>, Lost> {
    let mut rest = Bytes::from(bytes);
    let mut changes = Vec::new();
    while rest.has_remaining() {
        let kind = rest.try_get_u8().map_err(|_| unreadable())?;
        let end = rest.try_get_u64().map_err(|_| unreadable())?;
        let (table, key, value) = (part(&mut rest)?, part(&mut rest)?, part(&mut rest)?);
        let Some(table) = std::str::from_utf8(&table).ok().and_then(Table::named) else { continue };
        let key: Arc<str> = std::str::from_utf8(&key).map_err(|_| unreadable())?.into();
        changes.push(match kind {
            b'p' => {
                let row = Row::new(table, key, value);
                Change::put(if end == 0 { row } else { row.until(end) })
            }
            b'r' => Change::Remove(table, key),
            _ => return Err(unreadable()),
        });
    }
    Ok(changes)
}

fn part(rest: &mut Bytes) -> Result<Bytes, Lost> {
    let length = rest.try_get_u64().map_err(|_| unreadable())?;
    let length =
        usize::try_from(length).ok().filter(|length| *length <= rest.len()).ok_or_else(unreadable)?;
    Ok(rest.split_to(length))
}

pub(super) fn unreadable() -> Lost {
    Lost::Unreachable("it holds what this version cannot read".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let changes = vec![
            Change::put(Row::new(Table::KEYS, "a\nb:c", &b"\0\xff:\n"[..])),
            Change::put(Row::new(Table::FACTS, "", "").until(7)),
            Change::remove(Table::ONCE, "é"),
        ];
        assert_eq!(decode(encode(&changes)).expect("is ours"), changes);
        let Change::Put(first, _) = &changes[0] else { panic!("is a put") };
        let content = [b"0:", &first.value[..]].concat();
        assert_eq!(row(&field(first.table, &first.key), &content).expect("is ours").as_ref(), Some(first));
    }

    #[test]
    fn what_is_cut_short_is_an_error_wherever_it_is_cut() {
        let whole = encode(&[Change::put(Row::new(Table::KEYS, "key", "value").until(9))]);
        for length in 1..whole.len() {
            assert!(decode(whole[..length].to_vec()).is_err(), "{length}");
        }
        for content in ["", "x:y", "12", ":"] {
            assert!(row("keys\nk", content.as_bytes()).is_err(), "{content}");
        }
    }
}
