//! What a guardrail answers.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::Side;
use super::entities::entity;
use super::matches::Matches;
use crate::{Fault, Inspection};

/// The answer to `ApplyGuardrail`, as far as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    action: String,
    assessments: Vec<Assessment>,
    guardrail_coverage: Option<Coverage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assessment {
    sensitive_information_policy: Option<Sensitive>,
    /// `topicPolicy`, `contentPolicy`, `wordPolicy` and whatever comes: lists of things with an `action`.
    #[serde(flatten)]
    policies: BTreeMap<String, Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Sensitive {
    pii_entities: Vec<Filter>,
    regexes: Vec<Filter>,
}

/// `GuardrailPiiEntityFilter`, which has a type, or `GuardrailRegexFilter`, which has a name.
#[derive(Deserialize)]
struct Filter {
    action: String,
    #[serde(default)]
    r#match: String,
    #[serde(alias = "name")]
    r#type: Option<String>,
    detected: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Coverage {
    text_characters: Option<TextCharacters>,
}

#[derive(Deserialize)]
struct TextCharacters {
    guarded: u64,
    total: u64,
}

impl Answer {
    /// Puts down what was found and what is blocked.
    pub(super) fn read(self, side: Side, seen: &mut Inspection, matches: &mut Matches) -> Result<(), Fault> {
        let covered = self.guardrail_coverage.and_then(|coverage| coverage.text_characters);
        if covered.is_some_and(|covered| covered.guarded < covered.total) {
            return Err(Fault::new("the guardrail did not look at all of the text"));
        }
        let mut explained = false;
        for assessment in self.assessments {
            let Sensitive { pii_entities, regexes } =
                assessment.sensitive_information_policy.unwrap_or_default();
            for filter in pii_entities.into_iter().chain(regexes).filter(Filter::is_detected) {
                explained = true;
                filter.read(side, seen, matches)?;
            }
            for (name, policy) in &assessment.policies {
                explained |= blocks(name, policy, seen);
            }
        }
        match self.action.as_str() {
            "NONE" => Ok(()),
            "GUARDRAIL_INTERVENED" => {
                if !explained {
                    seen.refuse("guardrail");
                }
                Ok(())
            }
            _ => Err(Fault::new("the guardrail took an action that is not known")),
        }
    }
}

impl Filter {
    /// With `outputScope` `FULL` also filters that found nothing are there.
    fn is_detected(&self) -> bool {
        self.detected.unwrap_or(self.action != "NONE" || !self.r#match.is_empty())
    }

    fn read(self, side: Side, seen: &mut Inspection, matches: &mut Matches) -> Result<(), Fault> {
        let entity = entity(self.r#type.as_deref().unwrap_or_default());
        match self.action.as_str() {
            "BLOCKED" => seen.refuse(format!("sensitiveInformationPolicy {entity}")),
            // What may leave is said here; what may be shown is the guardrail's to say.
            "NONE" if side == Side::Output => {}
            "ANONYMIZED" | "NONE" => matches.add(self.r#match, entity)?,
            _ => return Err(Fault::new("the guardrail took an action that is not known")),
        }
        Ok(())
    }
}

/// Whether something in `policy` blocks; the rule's kind is put down, never what it matched or how it was named.
fn blocks(name: &str, policy: &Value, seen: &mut Inspection) -> bool {
    let lists = policy.as_object().into_iter().flat_map(|policy| policy.values());
    let filters = lists.filter_map(Value::as_array).flatten();
    let mut any = false;
    for filter in filters.filter(|filter| filter["action"] == "BLOCKED" && filter["detected"] != false) {
        any = true;
        match filter["type"].as_str().filter(|kind| *kind != "DENY" && kind.len() <= 32) {
            Some(kind) => seen.refuse(format!("{name} {kind}")),
            None => seen.refuse(name),
        }
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusals(answer: Value) -> Result<Vec<Box<str>>, Fault> {
        let answer: Answer = serde_json::from_value(answer).map_err(|_| Fault::new("not understood"))?;
        let (mut seen, mut matches) = (Inspection::new(), Matches::default());
        answer.read(Side::Input, &mut seen, &mut matches)?;
        matches.find(&["john@example.com and John"], &mut seen)?;
        Ok(seen.refusals().to_vec())
    }

    fn pii(action: &str, detected: Option<bool>, matched: &str) -> Value {
        json!({"action": "GUARDRAIL_INTERVENED", "assessments": [{"sensitiveInformationPolicy": {
            "piiEntities": [{"match": matched, "type": "NAME", "action": action, "detected": detected}], "regexes": []}}]})
    }

    #[test]
    fn an_intervention_that_nothing_explains_refuses() {
        assert_eq!(
            refusals(json!({"action": "GUARDRAIL_INTERVENED", "assessments": [{}]})).unwrap(),
            [Box::<str>::from("guardrail")]
        );
        let unknown = json!({"action": "GUARDRAIL_INTERVENED", "assessments": [{"nextPolicy": {"rules": [{"action": "BLOCKED"}]}}]});
        assert_eq!(refusals(unknown).unwrap(), [Box::<str>::from("nextPolicy")]);
        assert_eq!(refusals(pii("ANONYMIZED", Some(false), "")).unwrap(), [Box::<str>::from("guardrail")]);
    }

    #[test]
    fn what_cannot_be_understood_is_a_fault() {
        for answer in [
            json!({}),
            json!({"action": "NONE"}),
            json!({"action": "MAYBE", "assessments": []}),
            json!({"action": "NONE", "assessments": [], "guardrailCoverage": {"textCharacters": {"guarded": 3, "total": 4}}}),
            pii("SHRUGGED", None, "John"),
            pii("ANONYMIZED", Some(true), ""),
            pii("ANONYMIZED", Some(true), "Jane"),
        ] {
            assert!(refusals(answer.clone()).is_err(), "{answer}");
        }
    }

    #[test]
    fn what_was_not_detected_does_not_count_and_absent_policies_do_not_matter() {
        let full = json!({"action": "NONE", "assessments": [{
            "topicPolicy": null, "wordPolicy": {"customWords": [{"match": "x", "action": "BLOCKED", "detected": false}]},
            "contentPolicy": {"filters": [{"type": "HATE", "confidence": "NONE", "action": "NONE", "detected": false}]},
            "sensitiveInformationPolicy": null}]});
        assert!(refusals(full).unwrap().is_empty());
        assert!(refusals(pii("ANONYMIZED", None, "John")).unwrap().is_empty());
        assert_eq!(
            refusals(pii("BLOCKED", None, "John")).unwrap(),
            [Box::<str>::from("sensitiveInformationPolicy PERSON")]
        );
    }
}
