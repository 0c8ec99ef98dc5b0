//! What the project wants to reach, and whether it does.

use super::data::Form;
use super::score::{Score, Scores, share};
use super::table::covered;

/// Entities of which every sure test case is to be found.
const WHOLE: [&str; 7] =
    ["EMAIL_ADDRESS", "CREDIT_CARD", "IBAN_CODE", "US_SSN", "IP_ADDRESS", "MAC_ADDRESS", "CRYPTO"];

pub(crate) fn print(scores: &Scores) {
    match scores.form {
        Form::Case => cases(scores),
        Form::Sentence => sentences(scores),
        Form::Secret => secrets(scores),
    }
}

fn goal(what: &str, is: f64, least: f64) {
    if !is.is_nan() {
        let verdict = if is >= least { "met" } else { "MISSED" };
        println!("goal {what}: {is:.3}, wanted {least}: {verdict}");
    }
}

fn cases(scores: &Scores) {
    for entity in WHOLE {
        let score = scores.of(entity);
        goal(&format!("{entity}, share of the sure cases"), share(score.sure_hit, score.sure), 1.0);
    }
    let rest = scores.entities.iter().filter(|(entity, _)| !WHOLE.contains(&entity.as_str()));
    let (sure, hit) = rest.fold((0, 0), |(sure, hit), (_, score)| (sure + score.sure, hit + score.sure_hit));
    goal("all others, share of the sure cases", share(hit, sure), 0.97);
}

fn sentences(scores: &Scores) {
    for entity in ["EMAIL_ADDRESS", "IBAN_CODE", "IP_ADDRESS", "US_SSN"] {
        both(entity, scores.of(entity), 1.0, 1.0);
    }
    goal("CREDIT_CARD, recall", scores.of("CREDIT_CARD").recall(), 0.98);
    both("PHONE_NUMBER", scores.of("PHONE_NUMBER"), 0.75, 0.9);
    goal("PERSON, F1", scores.of("PERSON").f1(), 0.7);
}

fn both(entity: &str, score: Score, recall: f64, precision: f64) {
    goal(&format!("{entity}, recall"), score.recall(), recall);
    goal(&format!("{entity}, precision"), score.precision(), precision);
}

fn secrets(scores: &Scores) {
    let (rules, expected, hit) = covered(scores);
    goal("rules covered", f64::from(rules), 150.0);
    goal("share within the rules covered", share(hit, expected), 0.97);
    let false_hits = scores.of("SECRET").clean_hit;
    let verdict = if false_hits == 0 { "met" } else { "MISSED" };
    println!("goal false hits in the examples that are none: {false_hits}, wanted 0: {verdict}");
}
