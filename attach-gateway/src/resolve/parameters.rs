//! The parameters that a target has values of its own for, put into a call of it.

use std::sync::Arc;

use attach_core::destination::Candidate;
use attach_core::json::{Edit, Value};
use attach_core::{Api, Dialect, Payload, Rejection};

use crate::config::{Parameter, Parameters, Upstream};

/// The parameters of each candidate that has some; travels with the request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Adjustments(Arc<[(Candidate, Arc<Parameters>)]>);

/// A call as one candidate gets it.
#[derive(Debug)]
pub(crate) struct Adjusted {
    pub(crate) payload: Payload,
    /// Values of the caller's that were replaced, for the record.
    pub(crate) overridden: Vec<&'static str>,
}

impl Adjustments {
    pub(super) fn new(list: Vec<(Candidate, Arc<Parameters>)>) -> Self {
        Self(list.into())
    }

    /// The call as `candidate`, which is at `upstream`, gets it; `None` if that is as it came.
    ///
    /// # Errors
    ///
    /// When a value cannot be put in.
    pub(crate) fn apply(
        &self,
        payload: &Payload,
        candidate: &Candidate,
        upstream: &Upstream,
    ) -> Result<Option<Adjusted>, Rejection> {
        let same = |one: &Candidate| one.upstream == candidate.upstream && one.model == candidate.model;
        let Some((_, parameters)) = self.0.iter().find(|(one, _)| same(one)) else { return Ok(None) };
        let mut edits = Edits::of(payload, parameters, upstream);
        if edits.is_empty() {
            return Ok(None);
        }
        let spliced = match payload.splice(&edits.list(payload)) {
            Ok(spliced) => spliced,
            // A layer before has put in the same member, which is not to be seen until it is read again.
            Err(_) => {
                let again = Payload::parse(payload.call().api, payload.bytes().clone())?;
                edits = Edits::of(&again, parameters, upstream);
                again.splice(&edits.list(&again))?
            }
        };
        // Whoever translates has to see what was put in; the same dialect gets the bytes.
        let translated = !upstream.takes(payload.call().api);
        let payload = if translated && edits.insert {
            Payload::parse(payload.call().api, spliced.bytes().clone())?
        } else {
            spliced
        };
        Ok(Some(Adjusted { payload, overridden: edits.overridden }))
    }
}

/// What is to be changed in a call.
#[derive(Default)]
struct Edits {
    list: Vec<Edit>,
    /// Members of the object that holds parameters in this dialect, where the call has no such object.
    within: Vec<(&'static str, String)>,
    object: &'static str,
    insert: bool,
    overridden: Vec<&'static str>,
}

impl Edits {
    fn of(payload: &Payload, parameters: &Parameters, upstream: &Upstream) -> Self {
        let mut edits = Self::default();
        let all = [(&parameters.defaults, false), (&parameters.overrides, true)];
        for (list, always) in all {
            for (parameter, value) in list {
                edits.add(payload, (*parameter, value), always, upstream);
            }
        }
        edits
    }

    fn is_empty(&self) -> bool {
        self.list.is_empty() && self.within.is_empty()
    }

    fn add(
        &mut self,
        payload: &Payload,
        (parameter, value): (Parameter, &str),
        always: bool,
        upstream: &Upstream,
    ) {
        let root = payload.document().root();
        let Some((object, members)) = place(payload.call().api, parameter, upstream) else { return };
        let holder = if object.is_empty() { Some(root) } else { root.get(object) };
        let holder = holder.filter(|holder| !holder.is_null());
        let present: Vec<Value<'_>> = members
            .iter()
            .filter_map(|member| holder?.get(member))
            .filter(|value| !value.is_null())
            .collect();
        if present.is_empty() {
            self.put(holder, (object, members), value);
        } else if always {
            for old in present.iter().filter(|old| old.raw() != value.as_bytes()) {
                self.list.push(Edit::raw(old.id(), value));
                self.overridden.push(parameter.as_str());
            }
        }
    }

    fn put(
        &mut self,
        holder: Option<Value<'_>>,
        (object, members): (&'static str, &[&'static str]),
        value: &str,
    ) {
        let Some(member) = members.first() else { return };
        self.insert = true;
        let Some(holder) = holder else {
            self.object = object;
            self.within.push((member, value.to_owned()));
            return;
        };
        self.list.push(match holder.get(member) {
            Some(null) => Edit::raw(null.id(), value),
            None => Edit::insert(holder.id(), *member, value),
        });
    }

    /// All of them; the object that is missing comes in whole.
    fn list(&self, payload: &Payload) -> Vec<Edit> {
        let mut list = self.list.clone();
        if !self.within.is_empty() {
            let members: Vec<_> =
                self.within.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            let (root, json) = (payload.document().root(), format!("{{{}}}", members.join(",")));
            list.push(match root.get(self.object) {
                Some(null) => Edit::raw(null.id(), json),
                None => Edit::insert(root.id(), self.object, json),
            });
        }
        list
    }
}

/// Where a dialect has a parameter: the object that holds it (empty: the call itself), and its names there, the first of
/// which is written. `None` where it has no place for it.
fn place(
    api: Api,
    parameter: Parameter,
    upstream: &Upstream,
) -> Option<(&'static str, &'static [&'static str])> {
    use Parameter as P;
    let name: &[&str] = match parameter {
        P::Temperature => &["temperature"],
        P::TopP => &["top_p"],
        P::TopK => &["top_k"],
        P::Seed => &["seed"],
        P::FrequencyPenalty => &["frequency_penalty"],
        P::PresencePenalty => &["presence_penalty"],
        P::MaxTokens => &["max_tokens"],
        P::ReasoningEffort => &["reasoning_effort"],
    };
    match (api, parameter) {
        (Api::OpenAiChat, P::MaxTokens) => Some(("", longest(upstream))),
        (Api::OpenAiChat, P::TopK) | (Api::OpenAiCompletions, P::TopK | P::ReasoningEffort) => None,
        (Api::OpenAiResponses, P::MaxTokens) => Some(("", &["max_output_tokens"])),
        (Api::OpenAiResponses, P::ReasoningEffort) => Some(("reasoning", &["effort"])),
        (Api::OpenAiChat | Api::OpenAiCompletions, _)
        | (Api::OpenAiResponses, P::Temperature | P::TopP)
        | (Api::AnthropicMessages, P::Temperature | P::TopP | P::TopK | P::MaxTokens) => Some(("", name)),
        (Api::OllamaChat | Api::OllamaGenerate, P::MaxTokens) => Some(("options", &["num_predict"])),
        (Api::OllamaChat | Api::OllamaGenerate, P::ReasoningEffort) => Some(("", &["think"])),
        (Api::OllamaChat | Api::OllamaGenerate, _) => Some(("options", name)),
        _ => None,
    }
}

/// OpenAI's own models refuse `max_tokens` if they reason; servers that only speak like OpenAI may not know the new name.
fn longest(upstream: &Upstream) -> &'static [&'static str] {
    let host = upstream.url.host().unwrap_or_default();
    let own = host == "api.openai.com" || host.ends_with(".openai.azure.com");
    if own && upstream.speaks(Dialect::OpenAi) {
        &["max_completion_tokens", "max_tokens"]
    } else {
        &["max_tokens", "max_completion_tokens"]
    }
}

#[cfg(test)]
mod tests;
