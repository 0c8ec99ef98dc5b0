use serde_json::Value;

use crate::{Entity, Fault};

/// What a model's answers mean: which entity, and whether one begins.
#[derive(Debug)]
pub(super) struct Labels {
    all: Vec<Label>,
    pub(super) entities: Vec<Entity>,
}

#[derive(Debug)]
struct Label {
    /// The place in [`Labels::entities`], if it is looked for.
    entity: Option<usize>,
    begins: bool,
}

/// What one word was taken for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Decision {
    pub(super) entity: usize,
    pub(super) begins: bool,
    pub(super) score: f32,
}

/// What the labels of common models stand for.
pub(super) const USUAL: [(&str, &str); 9] = [
    ("PER", "PERSON"),
    ("PERSON", "PERSON"),
    ("LOC", "LOCATION"),
    ("LOCATION", "LOCATION"),
    ("GPE", "LOCATION"),
    ("ORG", "ORGANIZATION"),
    ("ORGANIZATION", "ORGANIZATION"),
    ("ORGANISATION", "ORGANIZATION"),
    ("FAC", "LOCATION"),
];

impl Labels {
    /// Reads `id2label` of a model's description. Of `wanted` every label must be there; without it the usual ones are
    /// looked for, as far as the model has them.
    pub(super) fn read(config: &Value, wanted: Option<&[(String, Entity)]>) -> Result<Self, Box<str>> {
        let names = names(config)?;
        let usual = USUAL.iter().filter_map(|(label, name)| Some(((*label).to_owned(), name.parse().ok()?)));
        let usual: Vec<(String, Entity)> = if wanted.is_some() { Vec::new() } else { usual.collect() };
        let meant = wanted.unwrap_or(&usual);
        let kinds: Vec<&str> = names.iter().map(|name| split(name).1).collect();
        if let Some((absent, _)) =
            wanted.and_then(|wanted| wanted.iter().find(|(label, _)| !kinds.contains(&label.as_str())))
        {
            return Err(format!("the model has no label {absent:?}: it has {}", listed(&kinds)).into());
        }
        let mut entities: Vec<Entity> = Vec::new();
        let all = names.iter().map(|name| {
            let (begins, kind) = split(name);
            let entity = meant.iter().find(|(label, _)| label == kind).map(|(_, entity)| {
                entities.iter().position(|known| known == entity).unwrap_or_else(|| {
                    entities.push(entity.clone());
                    entities.len() - 1
                })
            });
            Label { entity, begins }
        });
        let all = all.collect();
        if entities.is_empty() {
            return Err(
                format!("none of the model's labels says what is looked for: {}", listed(&kinds)).into()
            );
        }
        Ok(Self { all, entities })
    }

    /// How many numbers the model gives for each token.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// What a word is whose first token got `logits`, if that is as probable as `threshold`: the labels of one entity
    /// taken together, by softmax.
    pub(super) fn decide(&self, logits: &[f32], threshold: f32) -> Result<Option<Decision>, Fault> {
        let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if !highest.is_finite() || logits.iter().any(|logit| logit.is_nan()) {
            return Err(Fault::new("the NER model gave what is no number"));
        }
        let powers = || logits.iter().map(|logit| (logit - highest).exp());
        let total: f32 = powers().sum();
        let mut best: Option<Decision> = None;
        for entity in 0..self.entities.len() {
            let share = |begins: bool| {
                let of_it = self.all.iter().zip(powers());
                let of_it = of_it.filter(|(label, _)| label.entity == Some(entity) && label.begins == begins);
                of_it.map(|(_, power)| power).sum::<f32>() / total
            };
            let (begin, inside) = (share(true), share(false));
            let score = (begin + inside).min(1.0);
            if score >= threshold && best.is_none_or(|best| score > best.score) {
                best = Some(Decision { entity, begins: begin > inside, score });
            }
        }
        Ok(best)
    }
}

/// The labels in the order of their numbers.
fn names(config: &Value) -> Result<Vec<String>, Box<str>> {
    let named = config["id2label"].as_object().ok_or("id2label is missing: is this a token classifier?")?;
    let name = |id: usize| named.get(&id.to_string()).and_then(Value::as_str).map(str::to_owned);
    let names: Option<Vec<_>> = (0..named.len()).map(name).collect();
    names
        .filter(|names| !names.is_empty())
        .ok_or_else(|| "id2label has gaps: it must number labels from \"0\" on".into())
}

/// Whether a label begins an entity, and the kind it names: the schemes IOB, IOB2, IOBES and BILOU, or none.
fn split(label: &str) -> (bool, &str) {
    match label.split_once('-') {
        Some(("B" | "S" | "U", kind)) => (true, kind),
        Some(("I" | "E" | "L", kind)) => (false, kind),
        _ => (false, label),
    }
}

fn listed(kinds: &[&str]) -> String {
    let mut kinds: Vec<_> = kinds.iter().copied().filter(|kind| *kind != "O").collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.truncate(20);
    kinds.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn labels() -> Labels {
        let config = json!({"id2label": {"0": "O", "1": "B-PER", "2": "I-PER", "3": "B-MISC"}});
        Labels::read(&config, None).unwrap()
    }

    #[test]
    fn labels_of_one_entity_count_together() {
        let decision = labels().decide(&[1.0, 1.2, 1.1, -9.0], 0.6).unwrap().unwrap();
        assert!(decision.begins && (0.6..0.8).contains(&decision.score), "{decision:?}");
        assert_eq!(labels().decide(&[1.0, 1.2, -9.0, -9.0], 0.6).unwrap(), None);
        assert_eq!(labels().decide(&[0.0, 0.0, 0.0, 99.0], 0.4).unwrap(), None, "MISC is not looked for");
    }

    #[test]
    fn what_is_no_number_is_a_fault() {
        for logits in [[f32::NAN, 0.0, 0.0, 0.0], [f32::INFINITY; 4], [f32::NEG_INFINITY; 4]] {
            assert!(labels().decide(&logits, 0.5).is_err(), "{logits:?}");
        }
    }

    #[test]
    fn every_scheme_of_labels_is_read() {
        assert_eq!(split("B-PER"), (true, "PER"));
        assert_eq!(split("S-PER"), (true, "PER"));
        assert_eq!(split("L-PER"), (false, "PER"));
        assert_eq!(split("PER"), (false, "PER"));
        assert_eq!(split("STREET-NO"), (false, "STREET-NO"));
    }

    #[test]
    fn labels_that_do_not_fit_are_named() {
        let refusal =
            |config: Value, wanted: Option<&[(String, Entity)]>| Labels::read(&config, wanted).unwrap_err();
        assert!(refusal(json!({}), None).contains("id2label"));
        assert!(refusal(json!({"id2label": {"0": "O", "2": "B-PER"}}), None).contains("gaps"));
        assert!(refusal(json!({"id2label": {"0": "LABEL_0"}}), None).contains("LABEL_0"));
        let wanted = [("NAME".to_owned(), Entity::Person)];
        let said = refusal(json!({"id2label": {"0": "O", "1": "B-PER"}}), Some(&wanted));
        assert!(said.contains("NAME") && said.contains("PER"), "{said}");
    }
}
