//! What was found of what was expected.

use std::collections::BTreeMap;

use attach_redact::Entity;

use super::data::{Form, Line, Span};

/// From this score on a test case has to be found; a check digit that holds has 1.
const SURE: f32 = 0.3;

/// All that is counted in one file.
#[derive(Default)]
pub(crate) struct Scores {
    pub(crate) form: Form,
    pub(crate) entities: BTreeMap<String, Score>,
    /// Expected and found, by the rule of a secret.
    pub(crate) rules: BTreeMap<String, (u32, u32)>,
    pub(crate) lines: u32,
    /// Lines in which something that was expected was not found.
    pub(crate) lines_missed: u32,
}

/// What is counted of one entity.
#[derive(Default, Clone, Copy)]
pub(crate) struct Score {
    pub(crate) expected: u32,
    pub(crate) hit: u32,
    pub(crate) exact: u32,
    /// Expected where its label is sure, and of these found.
    pub(crate) sure: u32,
    pub(crate) sure_hit: u32,
    pub(crate) found: u32,
    pub(crate) right: u32,
    /// Lines that expect none of it, and of these the ones where one is found.
    pub(crate) clean: u32,
    pub(crate) clean_hit: u32,
}

impl Scores {
    /// Counts one line; misses and false hits of the entity `show` are listed.
    pub(crate) fn add(&mut self, line: &Line, found: &[Span], show: Option<&str>) {
        self.form = line.form;
        self.lines += 1;
        let mut missed = false;
        for entity in entities(line) {
            // The password in a URL is a secret, too.
            let named = |name: &str| name == entity || entity == "SECRET" && name == "URL_CREDENTIALS";
            let want: Vec<&Span> = line.expected.iter().filter(|span| span.entity == entity).collect();
            let of_another = |span: &Span| line.others.iter().any(|other| span.overlaps(other));
            let counts = |span: &&Span| named(&span.entity) && !(want.is_empty() && of_another(span));
            let have: Vec<&Span> = found.iter().filter(counts).collect();
            missed |= self.entities.entry(entity.clone()).or_default().add(&want, &have);
            if let Some(rule) = line.rule.clone().filter(|_| !want.is_empty()) {
                let (expected, hit) = self.rules.entry(rule).or_default();
                *expected += want.len() as u32;
                *hit += want.iter().filter(|span| is_in(span, &have)).count() as u32;
            }
            if show == Some(&entity) {
                list(line, &want, &have);
            }
        }
        self.lines_missed += u32::from(missed);
    }

    pub(crate) fn of(&self, entity: &str) -> Score {
        self.entities.get(entity).copied().unwrap_or_default()
    }
}

impl Score {
    /// Gives whether anything was missed.
    fn add(&mut self, want: &[&Span], have: &[&Span]) -> bool {
        let hit = want.iter().filter(|span| is_in(span, have)).count() as u32;
        let sure: Vec<&&Span> = want.iter().filter(|span| span.score >= SURE).collect();
        self.expected += want.len() as u32;
        self.hit += hit;
        self.exact += want.iter().filter(|span| have.iter().any(|other| span.is_at(other))).count() as u32;
        self.sure += sure.len() as u32;
        self.sure_hit += sure.iter().filter(|span| is_in(span, have)).count() as u32;
        self.found += have.len() as u32;
        self.right += have.iter().filter(|span| is_in(span, want)).count() as u32;
        self.clean += u32::from(want.is_empty());
        self.clean_hit += u32::from(want.is_empty() && !have.is_empty());
        hit < want.len() as u32
    }

    pub(crate) fn recall(&self) -> f64 {
        share(self.hit, self.expected)
    }

    pub(crate) fn precision(&self) -> f64 {
        share(self.right, self.found)
    }

    pub(crate) fn f1(&self) -> f64 {
        let (r, p) = (self.recall(), self.precision());
        2.0 * p * r / (p + r)
    }
}

/// The part; nothing is a share of nothing.
pub(crate) fn share(part: u32, whole: u32) -> f64 {
    if whole == 0 { f64::NAN } else { f64::from(part) / f64::from(whole) }
}

fn entities(line: &Line) -> Vec<String> {
    match &line.entity {
        Some(entity) => vec![entity.clone()],
        None => Entity::BUILT_IN.iter().map(|entity| entity.name().to_owned()).collect(),
    }
}

fn is_in(span: &Span, others: &[&Span]) -> bool {
    others.iter().any(|other| span.overlaps(other))
}

fn list(line: &Line, want: &[&Span], have: &[&Span]) {
    let rule = line.rule.as_deref().unwrap_or_default();
    let print = |what: &str, span: &Span| {
        println!("{what} {rule} {:?} in {:?}", span.of(&line.text).collect::<String>(), line.text);
    };
    want.iter().filter(|span| !is_in(span, have)).for_each(|span| print("miss", span));
    have.iter().filter(|span| !is_in(span, want)).for_each(|span| print("false", span));
}
