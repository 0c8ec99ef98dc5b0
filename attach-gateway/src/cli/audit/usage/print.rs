//! Sums as tables, JSON and CSV.

use std::io::{self, Write};

use serde_json::{Map, Value};

use super::super::table::Column;
use super::super::{csv, table};
use super::by::By;
use super::sum::{FIGURES, Sums};

/// The widths of the columns of [`FIGURES`], aligned to the right.
const WIDTHS: [i8; 7] = [-9, -9, -13, -13, -13, -10, -13];

pub(super) fn table(out: &mut impl Write, by: &[By], sums: &Sums) -> io::Result<()> {
    let lines = sums.lines();
    let widest = |n: usize| {
        let widths = lines.iter().filter_map(|(key, _)| key.get(n)).map(|part| part.chars().count());
        i8::try_from(widths.max().unwrap_or_default().clamp(5, 36)).unwrap_or(36)
    };
    let parts = by.iter().enumerate().map(|(n, by)| (by.name(), widest(n).max(by.name().len() as i8)));
    let short = ["requests", "refusals", "in", "out", "cached in", "reasoning", "cost usd"];
    let columns: Vec<Column> = parts.chain(short.into_iter().zip(WIDTHS)).collect();
    table::names(out, &columns)?;
    for (key, sum) in &lines {
        let key = key.iter().map(|part| if part.is_empty() { "-".to_owned() } else { part.clone() });
        table::line(out, &columns, key.chain(sum.fields()))?;
    }
    Ok(())
}

pub(super) fn csv(out: &mut impl Write, by: &[By], sums: &Sums) -> io::Result<()> {
    let names: Vec<_> = by.iter().map(|by| by.name()).chain(FIGURES).collect();
    csv::names(out, &names)?;
    for (key, sum) in sums.lines() {
        csv::line(out, key.into_iter().chain(sum.fields()))?;
    }
    Ok(())
}

pub(super) fn json(out: &mut impl Write, by: &[By], sums: &Sums) -> io::Result<()> {
    for (key, sum) in sums.lines() {
        let names = by.iter().map(|by| by.name()).chain(FIGURES).map(str::to_owned);
        let values = key.into_iter().map(Value::from).chain(sum.json());
        writeln!(out, "{}", Value::Object(names.zip(values).collect::<Map<_, _>>()))?;
    }
    Ok(())
}
