//! Scores the redactor on labelled files and prints a table per file.
//!
//! ```text
//! cargo run --release -p attach-redact --example eval -- [--all] [--goals] FILE.jsonl…
//! ```
//!
//! Three forms of lines are known, told apart by their fields: one entity per text (`entity`, `expected`, `scores`), many
//! entities per text (`spans`), and secrets (`rule`, `text_b64`). Offsets are in characters. A found span counts if it
//! overlaps an expected one of the same entity; an exact match is counted as well. Lines that expect nothing are counted
//! apart. `--all` looks for what is off by default, too, as `attach-gateway redact --entities all` does; `--goals` holds
//! each file against what the project wants to reach; `EVAL_SHOW=ENTITY` lists misses and false hits of one entity.

use std::time::{Duration, Instant};

use attach_redact::{Action, Entity, Redactor};

mod data;
mod goals;
mod score;
mod table;

use self::data::{Line, Span};
use self::score::Scores;

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let (options, files): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|word| word.starts_with("--"));
    let asked = |option: &str| options.iter().any(|word| word == option);
    if let Some(unknown) = options.iter().find(|word| !["--all", "--goals"].contains(&word.as_str())) {
        return Err(format!("there is no {unknown}; --all and --goals are there").into());
    }
    let all = asked("--all") || std::env::var("EVAL_ENTITIES").is_ok_and(|value| value == "all");
    let redactor = redactor(all)?;
    // What is compiled when it is first needed is not timed.
    redactor.candidates("call Anna Schmidt, phone 415-555-2671")?;
    let show = std::env::var("EVAL_SHOW").ok();
    for path in files {
        let mut scores = Scores::default();
        let (mut bytes, mut time) = (0, Duration::ZERO);
        for line in std::fs::read_to_string(&path)?.lines() {
            let line = Line::parse(line)?;
            let start = Instant::now();
            let found = redactor.candidates(&line.text)?;
            time += start.elapsed();
            bytes += line.text.len();
            let chars = |at: usize| line.text[..at].chars().count();
            let span = |finding: attach_redact::Finding| Span {
                start: chars(finding.range.start),
                end: chars(finding.range.end),
                entity: finding.entity.name().to_owned(),
                score: finding.score,
            };
            let found: Vec<_> = found.into_iter().map(span).collect();
            scores.add(&line, &found, show.as_deref());
        }
        println!("{path}, {} entities", if all { "all" } else { "default" });
        table::print(&scores);
        println!("{bytes} bytes in {time:?}: {:.1} MB/s", bytes as f64 / 1e6 / time.as_secs_f64());
        if asked("--goals") {
            goals::print(&scores);
        }
        println!();
    }
    Ok(())
}

/// Looks for everything there is, and for identity numbers without a word that names them, if `all`.
fn redactor(all: bool) -> Result<Redactor, Error> {
    let mut builder = Redactor::builder().key(b"any, for nothing leaves").private_addresses(true);
    for entity in Entity::BUILT_IN.iter().filter(|_| all) {
        builder = builder.entity(entity.clone(), Action::Replace).threshold(entity.clone(), 0.3);
    }
    Ok(builder.build()?)
}
