use std::borrow::Cow;
use std::fmt;

use attach_core::usage::Source;
use attach_core::{Usage, exchange::Route};
use attach_quota::Prices;
use memchr::memmem;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use crate::moment;

/// What a record says about usage: of a call that was answered, or of requests that were refused.
///
/// Fewer members than an [`Entry`](attach_audit::read::Entry) has, and none of them copied: logs are long.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Used<'a> {
    #[serde(borrow)]
    pub(super) ts: Text<'a>,
    #[serde(borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    pub(super) req_id: Text<'a>,
    #[serde(borrow, default)]
    actor: Actor<'a>,
    #[serde(borrow, default)]
    decision: Decision<'a>,
    #[serde(borrow, default)]
    model: Option<Model<'a>>,
    #[serde(borrow, default)]
    usage: Option<Tokens<'a>>,
    #[serde(borrow, default)]
    end: Option<Text<'a>>,
    #[serde(default)]
    fold: Option<Fold>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Actor<'a> {
    #[serde(borrow)]
    directory: Option<Text<'a>>,
    #[serde(borrow)]
    sub: Option<Text<'a>>,
    #[serde(borrow)]
    uid: Option<Text<'a>>,
    #[serde(borrow)]
    client_id: Option<Text<'a>>,
    #[serde(borrow)]
    groups_used: Vec<Text<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Decision<'a> {
    #[serde(borrow)]
    result: Text<'a>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Model<'a> {
    #[serde(borrow)]
    requested: Option<Text<'a>>,
    #[serde(borrow)]
    routed: Option<Text<'a>>,
    #[serde(borrow)]
    upstream: Option<Text<'a>>,
    stream: bool,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Tokens<'a> {
    input_tokens: u64,
    output_tokens: u64,
    cache_read_input_tokens: u64,
    cache_write_input_tokens: u64,
    reasoning_output_tokens: u64,
    #[serde(borrow)]
    source: Text<'a>,
    cost_microusd: Option<u64>,
}

#[derive(Debug, serde::Deserialize)]
struct Fold {
    n: u64,
}

impl<'a> Used<'a> {
    /// Whether a line may be about usage: its kind stands near its beginning.
    pub(super) fn may_matter(line: &[u8]) -> bool {
        let head = &line[..line.len().min(600)];
        let kind = memmem::find(head, b"\"kind\":\"").and_then(|at| head.get(at + 8..));
        kind.is_none_or(|kind| kind.starts_with(b"outcome\"") || kind.starts_with(b"reject\""))
    }

    /// What a line says, if it is about usage.
    pub(super) fn parse(line: &'a [u8]) -> Result<Option<Self>, serde_json::Error> {
        let used: Self = serde_json::from_slice(line)?;
        Ok(Some(used).filter(|used| used.is_call() || used.refusals() > 0))
    }

    /// Whether a model was asked. Lists and the like have outcomes too, but ask no model.
    pub(super) fn is_call(&self) -> bool {
        &*self.kind.0 == "outcome" && self.usage.is_some() && self.model.is_some()
    }

    /// How many requests were refused, or ended by a rule or a limit.
    pub(super) fn refusals(&self) -> u64 {
        match &*self.kind.0 {
            "reject" => self.fold.as_ref().map_or(1, |fold| fold.n),
            _ => u64::from(&*self.decision.result.0 == "deny"),
        }
    }

    pub(super) fn directory(&self) -> &str {
        text(self.actor.directory.as_ref())
    }

    /// The stable id of whoever called.
    pub(super) fn user(&self) -> &str {
        text(self.actor.uid.as_ref().or(self.actor.sub.as_ref()))
    }

    pub(super) fn client(&self) -> &str {
        text(self.actor.client_id.as_ref())
    }

    /// The groups that decided.
    pub(super) fn groups(&self) -> impl Iterator<Item = &str> {
        self.actor.groups_used.iter().map(|group| &*group.0)
    }

    pub(super) fn asked(&self) -> &str {
        text(self.model.as_ref().and_then(|model| model.requested.as_ref()))
    }

    /// The model's name where the call went, else the one asked for.
    pub(super) fn model(&self) -> &str {
        text(self.model.as_ref().and_then(|model| model.routed.as_ref().or(model.requested.as_ref())))
    }

    pub(super) fn upstream(&self) -> &str {
        text(self.model.as_ref().and_then(|model| model.upstream.as_ref()))
    }

    pub(super) fn is_stream(&self) -> bool {
        self.model.as_ref().is_some_and(|model| model.stream)
    }

    pub(super) fn end(&self) -> &str {
        text(self.end.as_ref())
    }

    /// Where the figures come from, in the log's words.
    pub(super) fn source(&self) -> &str {
        self.usage.as_ref().map_or("none", |usage| &usage.source.0)
    }

    pub(super) fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        if let Some(tokens) = &self.usage {
            usage.input = tokens.input_tokens;
            usage.output = tokens.output_tokens;
            usage.cache_read = tokens.cache_read_input_tokens;
            usage.cache_write = tokens.cache_write_input_tokens;
            usage.reasoning = tokens.reasoning_output_tokens;
            usage.source = if &*tokens.source.0 == "upstream" { Source::Reported } else { Source::Estimated };
        }
        usage
    }

    /// What the call cost, in millionths of a US dollar: as the record says, else by prices that were in force when it
    /// ended; `None` if the model has none.
    pub(super) fn cost(&self, prices: &Prices) -> Option<u64> {
        if let Some(cost) = self.usage.as_ref().and_then(|usage| usage.cost_microusd) {
            return Some(cost);
        }
        if prices.is_empty() {
            return None;
        }
        let route = Route::new(self.upstream().into(), self.model().into());
        prices.cost(self.asked(), Some(&route), &self.usage(), moment::parse(&self.ts.0)?)
    }
}

fn text<'a>(text: Option<&'a Text<'_>>) -> &'a str {
    text.map_or("", |text| &text.0)
}

/// Text that is borrowed from the line unless JSON had to escape something in it.
#[derive(Debug, Default)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_of_the_record_goes_before_one_of_the_configuration() {
        let line = |cost: &str| {
            format!(
                r#"{{"ts":"2026-11-22T08:00:00.000000000Z","kind":"outcome","req_id":"r","model":{{"routed":"a\"b"}},"usage":{{"input_tokens":5{cost}}}}}"#
            )
        };
        let priced = line(r#","cost_microusd":7"#);
        let used = Used::parse(priced.as_bytes()).expect("JSON").expect("a call");
        assert_eq!((used.cost(&Prices::new()), used.model()), (Some(7), "a\"b"));
        let plain = line("");
        assert_eq!(Used::parse(plain.as_bytes()).expect("JSON").expect("a call").cost(&Prices::new()), None);
    }

    #[test]
    fn refusals_count_for_as_many_as_they_stand_for() {
        for (line, refusals) in [
            (r#"{"ts":"","kind":"reject","req_id":"r","fold":{"n":9,"first":"","last":""}}"#, 9),
            (r#"{"ts":"","kind":"reject","req_id":"r"}"#, 1),
            (r#"{"ts":"","kind":"outcome","req_id":"r","decision":{"result":"deny"},"end":"cut"}"#, 1),
        ] {
            assert!(Used::may_matter(line.as_bytes()));
            let used = Used::parse(line.as_bytes()).expect("JSON").expect("a refusal");
            assert_eq!((used.refusals(), used.is_call()), (refusals, false), "{line}");
        }
        let intent = br#"{"ts":"","kind":"intent","req_id":"r"}"#;
        assert!(!Used::may_matter(intent) && Used::parse(intent).expect("JSON").is_none());
    }
}
