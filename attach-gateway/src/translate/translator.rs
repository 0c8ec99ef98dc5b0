use attach_core::{Api, Dialect, Exchange, Payload, Usage};
use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use super::call_ids::CallIds;
use super::canonical::{Event, ReadAnswer, WriteAnswer};
use super::speech::Speech;
use super::stream::Translation;
use super::{anthropic, ollama, openai, responses};

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
    /// What an answer repeats of the call, where the caller's interface has it so.
    echo: Option<responses::Echo>,
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
            echo: (call.api == Api::OpenAiResponses).then(|| responses::Echo::of(payload)),
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

    /// A whole answer in the caller's words: a stream if one was asked for, which not every server has. With what the
    /// upstream says it used. `None` if it is no answer.
    pub(crate) fn whole(&self, bytes: &[u8], exchange: &Exchange) -> Option<(Bytes, Option<Usage>)> {
        if let Some(answer) = self.embeddings(bytes, exchange) {
            return Some((answer?, None));
        }
        let events = self.reader(exchange).whole(bytes)?;
        let usage = events.iter().rev().find_map(Event::usage);
        let answer = if self.streamed {
            self.streamed_whole(events, exchange)?
        } else {
            self.writer(exchange).whole(events)?
        };
        Some((answer, usage))
    }

    /// Whether the caller asked for a stream.
    pub(crate) fn is_streamed(&self) -> bool {
        self.streamed
    }

    /// What the caller speaks.
    pub(crate) fn api(&self) -> Api {
        self.api
    }

    /// An upstream's error, in the caller's shape; of the kind that it `name`d beside it, if it did.
    pub(crate) fn error(
        &self,
        status: StatusCode,
        (name, bytes): (Option<&str>, &[u8]),
        exchange: &Exchange,
    ) -> Bytes {
        let mut failure = self.speech.reader().failure(bytes);
        failure.code = name.map(str::to_owned).or(failure.code);
        self.writer(exchange).failure(status, &failure)
    }

    /// `None` if it is not embeddings that were asked for.
    fn embeddings(&self, bytes: &[u8], exchange: &Exchange) -> Option<Option<Bytes>> {
        let write: &dyn Fn(_) -> _ = match self.api {
            Api::OllamaEmbed => &|vectors| ollama::write_embeddings(vectors, &self.model, exchange.elapsed()),
            Api::OpenAiEmbeddings => {
                &|vectors| openai::write_embeddings_answer(vectors, &self.model, self.encoding)
            }
            _ => return None,
        };
        Some(self.speech.embeddings(bytes).as_ref().and_then(write))
    }

    fn streamed_whole(&self, events: Vec<Event>, exchange: &Exchange) -> Option<Bytes> {
        let is_whole = events.iter().any(|event| matches!(event, Event::Finish(_) | Event::Done));
        if !is_whole || events.iter().any(|event| matches!(event, Event::Error(_))) {
            return None;
        }
        let (mut writer, mut out) = (self.writer(exchange), Vec::new());
        events.into_iter().chain([Event::Done]).for_each(|event| writer.write(event, &mut out));
        Some(out.into())
    }

    fn reader(&self, exchange: &Exchange) -> Box<dyn ReadAnswer> {
        Box::new(CallIds::new(self.speech.reader(), exchange))
    }

    fn writer(&self, exchange: &Exchange) -> Box<dyn WriteAnswer> {
        if let Some(echo) = &self.echo {
            return Box::new(responses::Writer::new(&self.model, echo.clone(), exchange));
        }
        match self.api.dialect() {
            Dialect::OpenAi => Box::new(openai::Writer::new(&self.model, self.include_usage, exchange)),
            Dialect::Anthropic => Box::new(anthropic::Writer::new(&self.model, exchange.clone())),
            _ => Box::new(ollama::Writer::new(self.api, &self.model, exchange.clone())),
        }
    }
}
