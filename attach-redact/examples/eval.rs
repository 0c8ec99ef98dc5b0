//! Scores the redactor on labelled files and prints a table per file.
//!
//! ```text
//! cargo run --release -p attach-redact --example eval -- FILE.jsonl…
//! ```
//!
//! Three forms of lines are known, told apart by their fields: one entity per text (`entity`, `expected`), many
//! entities per text (`spans`), and secrets (`rule`, `text_b64`). Offsets are in characters. A found span counts if it
//! overlaps an expected one of the same entity; an exact match is counted as well. `EVAL_SHOW=ENTITY` lists misses and
//! false hits of one entity; `EVAL_ENTITIES=all` looks for what is off by default, too.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::Instant;

use attach_redact::{Action, Entity, Redactor};
use serde_json::Value;

type Error = Box<dyn std::error::Error>;

#[derive(Default)]
struct Score {
    expected: u32,
    found: u32,
    hit: u32,
    exact: u32,
    right: u32,
    clean: u32,
    clean_hit: u32,
}

fn main() -> Result<(), Error> {
    let redactor = redactor()?;
    for path in std::env::args().skip(1) {
        let mut lines = String::new();
        std::fs::File::open(&path)?.read_to_string(&mut lines)?;
        let mut scores: BTreeMap<String, Score> = BTreeMap::new();
        let (mut bytes, mut time) = (0, std::time::Duration::ZERO);
        for line in lines.lines() {
            let line: Value = serde_json::from_str(line)?;
            let text = text_of(&line)?;
            let start = Instant::now();
            let found = redactor.candidates(&text)?;
            time += start.elapsed();
            bytes += text.len();
            let found: Vec<_> = found
                .into_iter()
                .map(|finding| {
                    let chars = |at: usize| text[..at].chars().count();
                    (chars(finding.range.start), chars(finding.range.end), finding.entity)
                })
                .collect();
            score(&line, &text, &found, &mut scores);
        }
        print(&path, &scores);
        println!("{bytes} bytes in {time:?}: {:.1} MB/s\n", bytes as f64 / 1e6 / time.as_secs_f64());
    }
    Ok(())
}

/// Looks for everything there is, and for identity numbers without a word that names them, if `EVAL_ENTITIES=all`.
fn redactor() -> Result<Redactor, Error> {
    let mut builder = Redactor::builder().private_addresses(true);
    if std::env::var("EVAL_ENTITIES").is_ok_and(|value| value == "all") {
        for entity in Entity::BUILT_IN {
            builder = builder.entity(entity.clone(), Action::Replace).threshold(entity.clone(), 0.3);
        }
    }
    Ok(builder.build()?)
}

fn text_of(line: &Value) -> Result<String, Error> {
    if let Some(text) = line["text"].as_str() {
        return Ok(text.to_owned());
    }
    Ok(String::from_utf8_lossy(&base64(line["text_b64"].as_str().ok_or("a line without text")?)).into_owned())
}

fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut have, mut out) = (0_u32, 0, Vec::new());
    for value in text.bytes().filter_map(|byte| ALPHABET.iter().position(|known| *known == byte)) {
        bits = bits << 6 | value as u32;
        have += 6;
        if have >= 8 {
            have -= 8;
            out.push((bits >> have) as u8);
        }
    }
    out
}

type Span = (usize, usize, String);

/// What a line expects, by entity, and which entities it says anything about.
fn expected_of(line: &Value) -> (Vec<Span>, Vec<String>) {
    let at = |value: &Value| value.as_u64().unwrap_or(0) as usize;
    let pair = |span: &Value, entity: &str| (at(&span[0]), at(&span[1]), entity.to_owned());
    let none = Vec::new();
    if let Some(spans) = line["spans"].as_array() {
        let spans = spans.iter().map(|span| pair(span, span[2].as_str().unwrap_or_default())).collect();
        return (spans, Entity::BUILT_IN.iter().map(|entity| entity.name().to_owned()).collect());
    }
    let entity = line["entity"].as_str().unwrap_or_default();
    let expected = line["expected"].as_array().unwrap_or(&none);
    (expected.iter().map(|span| pair(span, entity)).collect(), vec![entity.to_owned()])
}

fn score(line: &Value, text: &str, found: &[(usize, usize, Entity)], scores: &mut BTreeMap<String, Score>) {
    let show = std::env::var("EVAL_SHOW").unwrap_or_default();
    let (expected, entities) = expected_of(line);
    let overlaps = |a: &(usize, usize), b: &(usize, usize)| a.0 < b.1 && b.0 < a.1;
    for entity in entities {
        let named = |name: &str| name == entity || (entity == "SECRET" && name == "URL_CREDENTIALS");
        let want: Vec<_> =
            expected.iter().filter(|span| span.2 == entity).map(|span| (span.0, span.1)).collect();
        let mut have: Vec<_> = found.iter().filter(|(_, _, e)| named(e.name())).map(|f| (f.0, f.1)).collect();
        if want.is_empty() {
            have.retain(|span| !of_another(line, span));
        }
        let score = scores.entry(entity.clone()).or_default();
        score.expected += want.len() as u32;
        score.found += have.len() as u32;
        score.exact += want.iter().filter(|span| have.contains(span)).count() as u32;
        let hit = |span: &&(usize, usize)| have.iter().any(|other| overlaps(span, other));
        score.hit += want.iter().filter(hit).count() as u32;
        let right = |span: &&(usize, usize)| want.iter().any(|other| overlaps(span, other));
        score.right += have.iter().filter(right).count() as u32;
        score.clean += u32::from(want.is_empty());
        score.clean_hit += u32::from(want.is_empty() && !have.is_empty());
        if show == entity {
            let piece =
                |span: &(usize, usize)| text.chars().skip(span.0).take(span.1 - span.0).collect::<String>();
            let rule = line["rule"].as_str().unwrap_or_default();
            want.iter()
                .filter(|span| !hit(span))
                .for_each(|span| println!("miss {rule} {:?} in {text:?}", piece(span)));
            have.iter()
                .filter(|span| !right(span))
                .for_each(|span| println!("false {rule} {:?} in {text:?}", piece(span)));
        }
    }
}

/// Whether what is no example of one rule is one of another.
fn of_another(line: &Value, span: &(usize, usize)) -> bool {
    let at = |value: &Value| value.as_u64().unwrap_or(0) as usize;
    let others = line["other_rules"].as_array().into_iter().flatten();
    others.into_iter().any(|other| span.0 < at(&other[2]) && at(&other[1]) < span.1)
}

fn print(path: &str, scores: &BTreeMap<String, Score>) {
    println!("{path}");
    println!(
        "{:<28} {:>5} {:>6} {:>6} {:>6} {:>6} {:>12}",
        "entity", "gold", "R", "exact", "P", "F1", "clean hit"
    );
    for (entity, score) in scores {
        let share =
            |part: u32, whole: u32| if whole == 0 { f64::NAN } else { f64::from(part) / f64::from(whole) };
        let (r, p) = (share(score.hit, score.expected), share(score.right, score.found));
        println!(
            "{entity:<28} {:>5} {r:>6.3} {:>6.3} {p:>6.3} {:>6.3} {:>5}/{}",
            score.expected,
            share(score.exact, score.expected),
            2.0 * p * r / (p + r),
            score.clean_hit,
            score.clean
        );
    }
}
