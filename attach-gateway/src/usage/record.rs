use std::borrow::Cow;
use std::time::SystemTime;

use attach_core::usage::Source;
use attach_core::{Usage, exchange::Route};
use attach_quota::Prices;
use serde::Deserialize;

use crate::moment;

/// What an `outcome` record says about usage.
#[derive(Debug)]
pub(super) struct Used<'a> {
    pub(super) line: Line<'a>,
    /// When the call ended.
    pub(super) at: Option<SystemTime>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Line<'a> {
    #[serde(borrow)]
    pub(super) ts: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) req_id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) actor: Actor<'a>,
    #[serde(borrow, default)]
    pub(super) model: Option<Model<'a>>,
    #[serde(borrow, default)]
    pub(super) usage: Option<Tokens<'a>>,
    #[serde(borrow, default)]
    pub(super) end: Option<Cow<'a, str>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Actor<'a> {
    #[serde(borrow)]
    pub(super) directory: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) sub: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) uid: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) client_id: Option<Cow<'a, str>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Model<'a> {
    #[serde(borrow)]
    pub(super) requested: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) routed: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) upstream: Option<Cow<'a, str>>,
    pub(super) stream: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Tokens<'a> {
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    pub(super) cache_read_input_tokens: u64,
    pub(super) cache_write_input_tokens: u64,
    pub(super) reasoning_output_tokens: u64,
    #[serde(borrow)]
    pub(super) source: Cow<'a, str>,
}

impl<'a> Used<'a> {
    /// What a line of the log says, if it is about a call that was answered.
    pub(super) fn parse(line: &'a [u8]) -> Result<Option<Self>, serde_json::Error> {
        let line: Line<'a> = serde_json::from_slice(line)?;
        // Lists and the like have outcomes too, but ask no model.
        if line.kind != "outcome" || line.usage.is_none() || line.model.is_none() {
            return Ok(None);
        }
        let at = moment::parse(&line.ts);
        Ok(Some(Self { line, at }))
    }

    /// The stable id of whoever called.
    pub(super) fn user(&self) -> &str {
        self.line.actor.uid.as_deref().or(self.line.actor.sub.as_deref()).unwrap_or_default()
    }

    /// The model's name where the call went, else the one asked for.
    pub(super) fn model(&self) -> &str {
        let model = self.line.model.as_ref();
        let name = model.and_then(|model| model.routed.as_deref().or(model.requested.as_deref()));
        name.unwrap_or_default()
    }

    /// Where the figures come from, in the log's words.
    pub(super) fn source(&self) -> &str {
        self.line.usage.as_ref().map_or("none", |usage| &usage.source)
    }

    pub(super) fn upstream(&self) -> &str {
        self.line.model.as_ref().and_then(|model| model.upstream.as_deref()).unwrap_or_default()
    }

    pub(super) fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        if let Some(tokens) = &self.line.usage {
            usage.input = tokens.input_tokens;
            usage.output = tokens.output_tokens;
            usage.cache_read = tokens.cache_read_input_tokens;
            usage.cache_write = tokens.cache_write_input_tokens;
            usage.reasoning = tokens.reasoning_output_tokens;
            usage.source = if tokens.source == "upstream" { Source::Reported } else { Source::Estimated };
        }
        usage
    }

    /// What the call cost, in millionths of a US dollar, by prices that were in force when it ended; `None` if the
    /// model has none.
    pub(super) fn cost(&self, prices: &Prices) -> Option<u64> {
        let route = Route::new(self.upstream().into(), self.model().into());
        let asked = self.line.model.as_ref().and_then(|model| model.requested.as_deref()).unwrap_or_default();
        prices.cost(asked, Some(&route), &self.usage(), self.at?)
    }
}
