//! The table of one file.

use super::data::Form;
use super::score::{Score, Scores, share};

pub(crate) fn print(scores: &Scores) {
    println!(
        "{:<28} {:>5} {:>6} {:>6} {:>6} {:>6} {:>11} {:>11}",
        "entity", "gold", "R", "exact", "P", "F1", "sure", "clean hit"
    );
    let said = |score: &Score| score.expected + score.found > 0 || scores.form != Form::Sentence;
    for (entity, score) in scores.entities.iter().filter(|(_, score)| said(score)) {
        println!(
            "{entity:<28} {:>5} {} {} {} {} {:>11} {:>11}",
            score.expected,
            number(score.recall()),
            number(share(score.exact, score.expected)),
            number(score.precision()),
            number(score.f1()),
            format!("{}/{}", score.sure_hit, score.sure),
            format!("{}/{}", score.clean_hit, score.clean),
        );
    }
    println!("lines {}, with a miss {}", scores.lines, scores.lines_missed);
    if scores.form == Form::Secret {
        rules(scores);
    }
}

fn rules(scores: &Scores) {
    let part: Vec<_> = scores.rules.iter().filter(|(_, (expected, hit))| hit < expected).collect();
    let none = part.iter().filter(|(_, (_, hit))| *hit == 0).count();
    println!("rules {}, covered {}, of these not every example {}", scores.rules.len(), covered(scores).0, {
        part.len() - none
    });
    for (rule, (expected, hit)) in part {
        println!("  {rule}: {hit} of {expected}");
    }
}

/// Rules of which any example is found, and what is expected and found within them.
pub(crate) fn covered(scores: &Scores) -> (u32, u32, u32) {
    let covered = scores.rules.values().filter(|(_, hit)| *hit > 0);
    covered.fold((0, 0, 0), |(rules, all, found), (expected, hit)| (rules + 1, all + expected, found + hit))
}

fn number(share: f64) -> String {
    if share.is_nan() { format!("{:>6}", "-") } else { format!("{share:>6.3}") }
}
