//! The file of `state export` and `state import FILE`: JSON lines, a line that says what follows and one for each row.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use attach_auth::state::{Row, Table};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What the first line says it is.
const FORMAT: &str = "attach-state";

/// The only version there is.
const VERSION: u32 = 1;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    format: String,
    version: u32,
    /// How many lines follow: a file that was cut short is not taken for a whole one.
    rows: usize,
}

/// Every other line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    table: String,
    key: Arc<str>,
    /// Seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
    /// As it is kept, where that is JSON on one line; else `base64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

/// Writes a new file that only its user can read.
pub(super) fn write(path: &Path, rows: &[Row]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = BufWriter::new(options.open(path)?);
    let head = Head { format: FORMAT.to_owned(), version: VERSION, rows: rows.len() };
    line(&mut file, &head)?;
    rows.iter().try_for_each(|row| line(&mut file, &Line::of(row)))?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

fn line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

/// Reads a whole file, or nothing of it.
///
/// # Errors
///
/// A sentence about the line that makes no sense.
pub(super) fn read(path: &Path) -> Result<Vec<Row>, String> {
    let wrong = |why: String| format!("{}: {why}", path.display());
    let file = File::open(path).map_err(|error| wrong(error.to_string()))?;
    parse(BufReader::new(file)).map_err(wrong)
}

fn parse(input: impl BufRead) -> Result<Vec<Row>, String> {
    let mut lines = input.lines().enumerate();
    let (_, first) = lines.next().ok_or("it is empty")?;
    let first = first.map_err(|error| error.to_string())?;
    let head: Head = serde_json::from_str(&first).map_err(|_| "it is no file of `state export`")?;
    if head.format != FORMAT || head.version != VERSION {
        return Err(format!("this version reads {FORMAT} {VERSION}, not {} {}", head.format, head.version));
    }
    let rows = lines.map(|(at, text)| {
        let at = |why: String| format!("line {}: {why}", at + 1);
        let text = text.map_err(|error| at(error.to_string()))?;
        // What is in a line may be personal: only its place is told.
        let line: Line = serde_json::from_str(&text)
            .map_err(|error| at(format!("not as it should be (column {})", error.column())))?;
        line.row().map_err(at)
    });
    let rows = rows.collect::<Result<Vec<_>, String>>()?;
    if rows.len() == head.rows {
        return Ok(rows);
    }
    Err(format!(
        "{} rows are announced and {} are there: it was cut short or put together",
        head.rows,
        rows.len()
    ))
}

impl Line {
    fn of(row: &Row) -> Self {
        let json = std::str::from_utf8(&row.value).ok().filter(|text| !text.contains(['\n', '\r']));
        let value = json.and_then(|text| RawValue::from_string(text.to_owned()).ok());
        // Blanks around it would be lost.
        let value = value.filter(|value| value.get().as_bytes() == row.value);
        let base64 = value.is_none().then(|| STANDARD.encode(&row.value));
        let table = row.table.as_str().to_owned();
        Self { table, key: Arc::clone(&row.key), expires_at: row.expires_at, value, base64 }
    }

    fn row(self) -> Result<Row, String> {
        let table = Table::named(&self.table).ok_or_else(|| format!("there is no table {:?}", self.table))?;
        let value = match (self.value, self.base64) {
            (Some(value), None) => value.get().as_bytes().to_vec(),
            (None, Some(text)) => STANDARD.decode(text).map_err(|_| "this is no base64")?,
            _ => return Err("it needs `value` or `base64`, and not both".to_owned()),
        };
        let row = Row::new(table, self.key, value);
        Ok(match self.expires_at {
            Some(end) => row.until(end),
            None => row,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        vec![
            Row::new(Table::KEYS, "a", &br#"{"n":1.0, "owner":"x"}"#[..]).until(99),
            Row::new(Table::FACTS, "b", &b"two\nlines \xff"[..]),
            Row::new(Table::USERS, "c", &b" 1 "[..]),
        ]
    }

    #[test]
    fn what_is_read_is_what_was_written_to_the_byte() {
        let path = std::env::temp_dir().join(format!("attach-export-{}", std::process::id()));
        write(&path, &rows()).expect("written");
        assert!(write(&path, &rows()).is_err(), "an older file is kept");
        assert!(read(&path).expect("read") == rows());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        }
        std::fs::remove_file(path).expect("removed");
    }

    #[test]
    fn a_file_that_is_not_whole_is_refused_without_showing_what_is_in_it() {
        let refusal = |text: &str| parse(text.as_bytes()).expect_err("refused");
        let head = |rows| format!(r#"{{"format":"attach-state","version":1,"rows":{rows}}}"#);
        assert!(refusal("").contains("empty"));
        assert!(refusal("{}").contains("state export"));
        assert!(refusal(r#"{"format":"attach-state","version":2,"rows":0}"#).contains("version"));
        let cut = format!("{}\n{}\n", head(2), r#"{"table":"keys","key":"a","value":1}"#);
        assert!(refusal(&cut).contains("cut short"));
        let unknown = format!("{}\n{}\n", head(1), r#"{"table":"secrets","key":"a","value":1}"#);
        assert!(refusal(&unknown).contains("line 2"));
        let broken = refusal(&format!("{}\n{}\n", head(1), r#"{"table":"keys","key":"jane@example.com""#));
        assert!(broken.contains("line 2") && !broken.contains("jane"), "{broken}");
    }
}
