use attach_core::json::Edit;
use attach_core::{Api, Dialect, Exchange, Payload, Rejection};
use bytes::Bytes;
use http::HeaderValue;

use super::stream::Translation;
use super::{ollama, openai};
use crate::config::Upstream;

/// What is sent to an upstream, and how its answer comes back.
#[derive(Debug)]
pub(crate) struct Plan {
    upstream_api: Api,
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
        model: &str,
        upstream: &Upstream,
    ) -> Result<Option<Self>, Rejection> {
        let call = payload.call();
        if upstream.speaks(call.api.dialect()) {
            return Ok(Some(Self {
                upstream_api: call.api,
                body: same_dialect(payload, model)?,
                streamed: call.stream,
                translator: None,
                dropped: Vec::new(),
            }));
        }
        if call.api.dialect() != Dialect::Ollama || !upstream.speaks(Dialect::OpenAi) {
            return Ok(None);
        }
        ollama_over_openai(payload, model)
    }

    /// The whole answer, where the upstream has no word for the question and the gateway knows enough.
    pub(crate) fn answer_here(payload: &Payload, upstream: &Upstream) -> Option<Bytes> {
        let show = payload.call().api == Api::OllamaShow;
        let translated = !upstream.speaks(Dialect::Ollama) && upstream.speaks(Dialect::OpenAi);
        (show && translated).then(ollama::write_show)
    }

    /// The operation the upstream is asked for.
    pub(crate) fn upstream_api(&self) -> Api {
        self.upstream_api
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
    let call = payload.call();
    if model == call.model.as_str() {
        return Ok(not_stored(payload));
    }
    Ok(not_stored(&payload.splice(&[Edit::string(call.model_node, model)])?))
}

/// The provider keeps what `/v1/responses` is told unless it is told not to, under a credential that all callers share.
fn not_stored(payload: &Payload) -> Bytes {
    let bytes = payload.bytes();
    if payload.call().api != Api::OpenAiResponses || payload.document().root().get("store").is_some() {
        return bytes.clone();
    }
    let inside = bytes.iter().position(|byte| *byte == b'{').map_or(0, |at| at + 1);
    [&bytes[..inside], b"\"store\":false,", &bytes[inside..]].concat().into()
}

fn ollama_over_openai(payload: &Payload, model: &str) -> Result<Option<Plan>, Rejection> {
    let call = payload.call();
    let root = payload.document().root();
    let mut dropped = Vec::new();
    let (upstream_api, body) = match call.api {
        Api::OllamaChat => {
            let chat = ollama::read_chat(root, call, &mut dropped)?;
            (Api::OpenAiChat, openai::write_chat(&chat, model))
        }
        Api::OllamaGenerate => {
            let chat = ollama::read_generate(root, call, &mut dropped)?;
            (Api::OpenAiChat, openai::write_chat(&chat, model))
        }
        Api::OllamaEmbed => {
            let embed = ollama::read_embed(root, &mut dropped)?;
            (Api::OpenAiEmbeddings, openai::write_embeddings(&embed, model))
        }
        _ => return Ok(None),
    };
    let translator = Translator { api: call.api, model: call.model.as_str().into() };
    Ok(Some(Plan { upstream_api, body, streamed: call.stream, translator: Some(translator), dropped }))
}

/// Turns an OpenAI answer into an Ollama one.
#[derive(Debug, Clone)]
pub(crate) struct Translator {
    api: Api,
    model: Box<str>,
}

impl Translator {
    /// The content type of a translated stream.
    pub(crate) fn stream_content_type(&self) -> HeaderValue {
        HeaderValue::from_static("application/x-ndjson")
    }

    /// A guard that translates a stream of whole events.
    pub(crate) fn stream(&self, exchange: &Exchange) -> Translation {
        Translation::new(self.writer(exchange))
    }

    /// A whole answer; `None` if it is not one.
    pub(crate) fn unary(&self, bytes: &[u8], exchange: &Exchange) -> Option<Bytes> {
        if self.api == Api::OllamaEmbed {
            return ollama::write_embeddings(
                &openai::read_embeddings(bytes)?,
                &self.model,
                exchange.elapsed(),
            );
        }
        let mut writer = self.writer(exchange);
        writer.whole(openai::read_answer(bytes)?)
    }

    /// An upstream's error, in the caller's shape.
    pub(crate) fn error(&self, bytes: &[u8]) -> Bytes {
        ollama::write_error(&openai::read_error(bytes))
    }

    fn writer(&self, exchange: &Exchange) -> ollama::Writer {
        ollama::Writer::new(self.api, &self.model, exchange.clone())
    }
}
