//! The tables.

use std::fmt::Write as _;

use crate::rounds::{Figures, Results};
use crate::series::Series;
use crate::target::{Shape, Target};

const HEAD: [&str; 10] = [
    "",
    "req/s",
    "x nginx",
    "CPU/req",
    "CPU/req open",
    "p50",
    "added p50",
    "added p99",
    "first byte",
    "failed",
];

/// The table of one shape of call. Times are in microseconds; `a / b` is best round / median round.
#[must_use]
pub fn table(targets: &[Target], results: &Results, shape: Shape) -> String {
    let figures = |name: &str| {
        let index = targets.iter().position(|target| target.name == name)?;
        results.get(&(index, shape.as_str()))
    };
    let (direct, nginx) = (figures("direct"), figures("nginx"));
    let mut rows = vec![HEAD.map(str::to_owned)];
    for (index, target) in targets.iter().enumerate() {
        if let Some(own) = results.get(&(index, shape.as_str())) {
            rows.push(row(target, own, direct, nginx));
        }
    }
    aligned(&rows)
}

fn row(target: &Target, own: &Figures, direct: Option<&Figures>, nginx: Option<&Figures>) -> [String; 10] {
    let cpu = |series: &Series| if target.is_proxy() { least(series) } else { "-".into() };
    let added = |of: fn(&Figures) -> &Series| match direct {
        Some(direct) if target.is_proxy() => added(of(own), of(direct)),
        _ => "-".into(),
    };
    let ratio = nginx.filter(|_| target.is_proxy()).map_or_else(
        || "-".into(),
        |nginx| {
            let ratios = own.rate.over(&nginx.rate);
            format!("{:.2} / {:.2}", own.rate.most() / nginx.rate.most(), ratios.median())
        },
    );
    [
        target.name.clone(),
        format!("{:.0} / {:.0}", own.rate.most(), own.rate.median()),
        ratio,
        cpu(&own.cpu),
        cpu(&own.cpu_open),
        least(&own.p50),
        added(|figures| &figures.p50),
        added(|figures| &figures.p99),
        least(&own.first),
        own.failed.to_string(),
    ]
}

fn least(series: &Series) -> String {
    format!("{:.1} / {:.1}", series.least(), series.median())
}

/// Best round less best round, and the median of the rounds' own differences.
fn added(own: &Series, direct: &Series) -> String {
    format!("{:.0} / {:.0}", own.least() - direct.least(), own.less(direct).median())
}

/// Resident memory after the run.
#[must_use]
pub fn memory(targets: &[Target]) -> String {
    let mib = |bytes: u64| format!("{:.1}", bytes as f64 / f64::from(1 << 20));
    let mut rows = vec![["".to_owned(), "RSS MiB".into(), "at most".into()]];
    for target in targets.iter().filter(|target| target.is_proxy()) {
        let (now, most) = target.resident();
        rows.push([target.name.clone(), mib(now), mib(most)]);
    }
    aligned(&rows)
}

/// What each row costs more than the first, processor time per plain call.
#[must_use]
pub fn parts(targets: &[Target], results: &Results, base: &str) -> String {
    let find = |name: &str| targets.iter().position(|target| target.name == name);
    let Some(base) = find(base).and_then(|index| results.get(&(index, Shape::Plain.as_str()))) else {
        return String::new();
    };
    let mut rows = vec![["".to_owned(), "CPU us/req more".into()]];
    for (index, target) in targets.iter().enumerate() {
        let Some(own) = results.get(&(index, Shape::Plain.as_str())) else { continue };
        if target.is_proxy() {
            let less = own.cpu.less(&base.cpu).median();
            rows.push([
                target.name.clone(),
                format!("{:+.1} / {less:+.1}", own.cpu.least() - base.cpu.least()),
            ]);
        }
    }
    aligned(&rows)
}

/// Columns as wide as their widest cell; the first to the left, the others to the right.
pub(crate) fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            // Writing to memory cannot fail.
            let _ =
                if column == 0 { write!(line, "{cell:<width$}") } else { write!(line, "  {cell:>width$}") };
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["", "n"], ["long", "10"], ["a", "5"]].map(|row| row.map(str::to_owned));
        assert_eq!(aligned(&rows), "       n\nlong  10\na      5\n");
    }
}
