use attach_core::{Api, Dialect, Exchange, Payload, Usage};
use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use super::call_ids::CallIds;
use super::canonical::{Event, ReadAnswer, WriteAnswer};
use super::speech::Speech;
use super::stream::Translation;
use super::{anthropic, ollama, openai};

/// Turns an upstream's answer into one in the caller's dialect.
#[derive(Debug, Clone)]
pub(crate) struct Translator {
    api: Api,
    model: Box<str>,
    speech: Speech,
    streamed: bool,
    /// Whether a stream is to end with its usage, as OpenAI's clients may ask.
    include_usage: bool,
    encoding: openai::Encoding,
}

impl Translator {
    pub(super) fn new(payload: &Payload, speech: Speech) -> Self {
        let call = payload.call();
        Self {
            api: call.api,
            model: call.model.as_str().into(),
            speech,
            streamed: call.stream,
            include_usage: call.include_usage,
            encoding: openai::Encoding::of(payload),
        }
    }

    /// The content type of a translated stream.
    pub(crate) fn stream_content_type(&self) -> HeaderValue {
        HeaderValue::from_static(match self.api.dialect() {
            Dialect::Ollama => "application/x-ndjson",
            _ => "text/event-stream",
        })
    }

    /// A guard that translates a stream of whole events.
    pub(crate) fn stream(&self, exchange: &Exchange) -> Translation {
        Translation::new(self.reader(exchange), self.writer(exchange))
    }

    /// A whole answer; `None` if it is not one.
    pub(crate) fn unary(&self, bytes: &[u8], exchange: &Exchange) -> Option<Bytes> {
        match self.api {
            Api::OllamaEmbed => {
                let embeddings = self.speech.embeddings(bytes)?;
                return ollama::write_embeddings(&embeddings, &self.model, exchange.elapsed());
            }
            Api::OpenAiEmbeddings => {
                let embeddings = self.speech.embeddings(bytes)?;
                return openai::write_embeddings_answer(&embeddings, &self.model, self.encoding);
            }
            _ => {}
        }
        let events = self.reader(exchange).whole(bytes)?;
        self.writer(exchange).whole(events)
    }

    /// Whether the caller asked for a stream.
    pub(crate) fn is_streamed(&self) -> bool {
        self.streamed
    }

    /// A whole answer as the stream that the caller asked for: some servers do not stream. `None` if it is not one.
    pub(crate) fn unary_as_stream(&self, bytes: &[u8], exchange: &Exchange) -> Option<Bytes> {
        let events = self.reader(exchange).whole(bytes)?;
        let is_whole = events.iter().any(|event| matches!(event, Event::Finish(_) | Event::Done));
        if !is_whole || events.iter().any(|event| matches!(event, Event::Error(_))) {
            return None;
        }
        let (mut writer, mut out) = (self.writer(exchange), Vec::with_capacity(bytes.len()));
        events.into_iter().chain([Event::Done]).for_each(|event| writer.write(event, &mut out));
        Some(out.into())
    }

    /// [`unary`](Self::unary), with what the upstream says it used.
    pub(crate) fn unary_with_usage(
        &self,
        bytes: &[u8],
        exchange: &Exchange,
    ) -> Option<(Bytes, Option<Usage>)> {
        let events = self.reader(exchange).whole(bytes)?;
        let usage = events.iter().rev().find_map(Event::usage);
        Some((self.writer(exchange).whole(events)?, usage))
    }

    /// [`error`](Self::error), of a kind that the upstream has named beside it.
    pub(crate) fn named_error(
        &self,
        status: StatusCode,
        (name, bytes): (Option<&str>, &[u8]),
        exchange: &Exchange,
    ) -> Bytes {
        let mut failure = self.speech.reader().failure(bytes);
        failure.code = name.map(str::to_owned).or(failure.code);
        self.writer(exchange).failure(status, &failure)
    }

    /// An upstream's error, in the caller's shape.
    pub(crate) fn error(&self, status: StatusCode, bytes: &[u8], exchange: &Exchange) -> Bytes {
        let failure = self.speech.reader().failure(bytes);
        self.writer(exchange).failure(status, &failure)
    }

    fn reader(&self, exchange: &Exchange) -> Box<dyn ReadAnswer> {
        Box::new(CallIds::new(self.speech.reader(), exchange))
    }

    fn writer(&self, exchange: &Exchange) -> Box<dyn WriteAnswer> {
        match self.api.dialect() {
            Dialect::OpenAi => Box::new(openai::Writer::new(&self.model, self.include_usage, exchange)),
            Dialect::Anthropic => Box::new(anthropic::Writer::new(&self.model, exchange.clone())),
            _ => Box::new(ollama::Writer::new(self.api, &self.model, exchange.clone())),
        }
    }
}
