use std::sync::Arc;

use attach_core::json::Edit;
use attach_core::{Api, Dialect, Payload, Rejection};
use bytes::Bytes;

use super::ask::Ask;
use super::canonical::Losses;
use super::speech::Speech;
use super::translator::Translator;
use super::{Operation, bedrock, ollama, only, unsigned};
use crate::config::{Kind, Unsupported, Upstream};

/// What is sent to an upstream, and how its answer comes back.
#[derive(Debug)]
pub(crate) struct Plan {
    operation: Operation,
    model: Arc<str>,
    body: Bytes,
    streamed: bool,
    translator: Option<Translator>,
    dropped: Vec<String>,
}

impl Plan {
    /// How `payload` goes to `upstream` for `model`; `None` if the pair is not translated.
    ///
    /// # Errors
    ///
    /// When the call says something that the upstream's dialect cannot express.
    pub(crate) fn new(
        payload: &Payload,
        model: &Arc<str>,
        upstream: &Upstream,
    ) -> Result<Option<Self>, Rejection> {
        let (call, model) = (payload.call(), Arc::clone(model));
        only::one_name(call.model.as_str(), &model)?;
        if upstream.takes(call.api) {
            let mut losses = Losses::refused(upstream.unsupported == Unsupported::Refuse);
            let anthropic = upstream.kind == Kind::Anthropic;
            let changed = if anthropic { unsigned::left_out(payload, &mut losses)? } else { None };
            return Ok(Some(Self {
                operation: Operation::Api(call.api),
                body: same_dialect(changed.as_ref().unwrap_or(payload), &model)?,
                model,
                streamed: call.stream,
                translator: None,
                dropped: losses.into_names(),
            }));
        }
        Self::translated(payload, model, upstream)
    }

    fn translated(
        payload: &Payload,
        model: Arc<str>,
        upstream: &Upstream,
    ) -> Result<Option<Self>, Rejection> {
        let mut losses = Losses::refused(upstream.unsupported == Unsupported::Refuse);
        let mut speeches = Speech::of(upstream).peekable();
        if speeches.peek().is_none() {
            return Ok(None);
        }
        let Some(ask) = Ask::read(payload, &mut losses)? else { return Ok(None) };
        for speech in speeches {
            let Some((operation, body)) = speech.write(&ask, &model, &mut losses)? else { continue };
            let body = bedrock::guarded(body, upstream);
            let translator = Some(Translator::new(payload, speech));
            let (streamed, dropped) = (payload.call().stream, losses.into_names());
            return Ok(Some(Self { operation, model, body, streamed, translator, dropped }));
        }
        Ok(None)
    }

    /// The whole answer, where the upstream has no word for the question and the gateway knows enough.
    pub(crate) fn answer_here(payload: &Payload, upstream: &Upstream) -> Option<Bytes> {
        let show = payload.call().api == Api::OllamaShow;
        (show && !upstream.speaks(Api::OllamaShow.dialect())).then(ollama::write_show)
    }

    /// The plan with one more member, written as JSON, in the body, which has none of that name.
    pub(crate) fn with_member(mut self, member: &str) -> Self {
        if let Some(rest) = self.body.strip_prefix(b"{") {
            let comma = if rest.trim_ascii_start().starts_with(b"}") { "" } else { "," };
            self.body = [b"{", member.as_bytes(), comma.as_bytes(), rest].concat().into();
        }
        self
    }

    /// The operation the upstream is asked for.
    pub(crate) fn operation(&self) -> Operation {
        self.operation
    }

    /// The dialect that headers are to be in.
    pub(crate) fn dialect(&self) -> Dialect {
        self.operation.api().map_or(Dialect::Problem, Api::dialect)
    }

    /// The model's name there.
    pub(crate) fn model(&self) -> &str {
        &self.model
    }

    /// The body the upstream is sent.
    pub(crate) fn body(&self) -> Bytes {
        self.body.clone()
    }

    /// Whether the answer was asked for as a stream.
    pub(crate) fn is_streamed(&self) -> bool {
        self.streamed
    }

    /// How the answer is translated, if it has to be.
    pub(crate) fn translator(&self) -> Option<&Translator> {
        self.translator.as_ref()
    }

    /// Names of the settings the upstream's dialect has no word for, which were left out.
    pub(crate) fn dropped(&self) -> Option<String> {
        (!self.dropped.is_empty()).then(|| self.dropped.join(", "))
    }
}

/// Same dialect: the bytes pass, at most with the model's name at the upstream in them.
fn same_dialect(payload: &Payload, model: &str) -> Result<Bytes, Rejection> {
    only::one_model(payload)?;
    let call = payload.call();
    if model == call.model.as_str() {
        return not_stored(payload);
    }
    not_stored(&payload.splice(&[Edit::string(call.model_node, model)])?)
}

/// The provider keeps what `/v1/responses` is told unless it is told not to, under a credential that all callers share.
fn not_stored(payload: &Payload) -> Result<Bytes, Rejection> {
    let bytes = payload.bytes();
    if payload.call().api != Api::OpenAiResponses {
        return Ok(bytes.clone());
    }
    match payload.document().root().get("store") {
        None => {
            let inside = bytes.iter().position(|byte| *byte == b'{').map_or(0, |at| at + 1);
            Ok([&bytes[..inside], b"\"store\":false,", &bytes[inside..]].concat().into())
        }
        // The same as nothing to the provider.
        Some(store) if store.raw() == b"null" => {
            Ok(payload.splice(&[Edit::raw(store.id(), "false")])?.bytes().clone())
        }
        Some(_) => Ok(bytes.clone()),
    }
}
