//! Measures a model of your own: how long it takes to load, and to read 2 KB. Prints what it finds in standard input, if
//! that is not a terminal.
//!
//! ```text
//! echo "Zbigniew met Anna in Oslo." | cargo run --release -p attach-redact --features ner --example ner -- FOLDER
//! ```

use std::io::{IsTerminal, Read};
use std::time::{Duration, Instant};

use attach_redact::Recognize;
use attach_redact::ner::Ner;

const PROSE: &str = "The committee met on Thursday to discuss the proposal, and after a long debate it was agreed that \
    nothing should be decided before the autumn. Some members felt that the figures were too optimistic; others said \
    the risks of waiting were greater than the risks of going ahead. ";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder =
        std::env::args().nth(1).ok_or("which folder has model.onnx, tokenizer.json and config.json?")?;
    let start = Instant::now();
    let ner = Ner::load(folder)?;
    println!("load: {:.0?}", start.elapsed());
    let text: String = PROSE.chars().cycle().take(2 << 10).collect();
    println!("2 KB: {:.2?}", median(|| ner.recognize(&text).map(drop))?);
    println!("a line of 60 characters: {:.2?}", median(|| ner.recognize(&text[..60]).map(drop))?);
    let mut input = String::new();
    if !std::io::stdin().is_terminal() {
        std::io::stdin().read_to_string(&mut input)?;
    }
    for found in ner.recognize(&input)? {
        println!("{} {:.2} {:?}", found.entity, found.score, input.get(found.range).unwrap_or_default());
    }
    Ok(())
}

/// How long `work` takes, the median of five times.
fn median<E>(work: impl Fn() -> Result<(), E>) -> Result<Duration, E> {
    let mut times = [Duration::ZERO; 5];
    for time in &mut times {
        let start = Instant::now();
        work()?;
        *time = start.elapsed();
    }
    times.sort_unstable();
    Ok(times[2])
}
