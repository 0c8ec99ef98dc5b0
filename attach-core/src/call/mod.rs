//! What is asked of a model: the API, and the call read from the body.
//!
//! [`Call::parse`] knows the fields of every [`Api`]. In the objects it knows it refuses what servers might read
//! differently than we do, and it lists every place where a caller's own words can stand: strings are text unless
//! their position is known to hold none, so a field nobody has heard of is inspected like any other.

mod anthropic;
mod api;
mod error;
mod glob;
mod hosted;
mod leaves;
mod model;
mod ollama;
mod openai;
mod responses;
mod schema;
mod settings;
mod walk;

use crate::json::{Document, NodeId};

use self::schema::Shape;

pub use self::api::{Api, Dialect};
pub use self::error::{CallError, CallErrorKind};
pub use self::glob::{Glob, ModelGlob, ModelGlobError};
pub use self::leaves::{Leaf, Modality, Opaque, Place, StateUse};
pub use self::model::{ModelName, ModelNameError};

/// A call: what the layers need to know of a request body.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Call {
    /// The operation.
    pub api: Api,
    /// The model asked for.
    pub model: ModelName,
    /// Where the model's name stands.
    pub model_node: NodeId,
    /// Whether the answer is to be streamed. Unless said, Ollama's chat and generate stream and nothing else does.
    pub stream: bool,
    /// Whether a stream is to end with its usage (OpenAI's `stream_options.include_usage`).
    pub include_usage: bool,
    /// How many answers are produced, at least 1: `n` or `best_of`, whichever is more, for each prompt.
    pub choices: u32,
    /// The most output tokens of one answer; `None` if the caller set no bound.
    pub output_cap: Option<u64>,
    /// Where the caller's own words stand, in reading order.
    pub leaves: Vec<Leaf>,
    /// What cannot be inspected.
    pub opaque: Vec<Opaque>,
    /// The types of the tools that the provider runs, sorted.
    pub hosted_tools: Vec<Box<str>>,
    /// What refers to or creates things that the provider keeps.
    pub state: Vec<StateUse>,
    /// The bytes of the text leaves as written, for estimates.
    pub text_bytes: usize,
}

impl Call {
    /// Reads the call out of `document`.
    ///
    /// # Errors
    ///
    /// A field of the wrong type, a key that only resembles a known one, a model name that cannot be one, no
    /// model or no messages.
    pub fn parse(api: Api, document: &Document) -> Result<Self, CallError> {
        let root = document.root();
        let mut found = walk::walk(root, shape(api))?;
        if api == Api::OpenAiResponses {
            found.state.extend(responses::references(root));
        }
        let (model, model_node) = settings::model(api, root)?;
        settings::require_messages(api, root)?;
        Ok(Self {
            api,
            model,
            model_node,
            stream: settings::stream(api, root),
            include_usage: settings::include_usage(root),
            choices: settings::choices(api, root)?,
            output_cap: settings::output_cap(api, root),
            leaves: found.leaves,
            opaque: found.opaque,
            hosted_tools: hosted::tools(api, root),
            state: found.state,
            text_bytes: found.text_bytes,
        })
    }
}

fn shape(api: Api) -> &'static Shape {
    match api {
        Api::OpenAiChat => &openai::CHAT,
        Api::OpenAiCompletions => &openai::COMPLETIONS,
        Api::OpenAiEmbeddings => &openai::EMBEDDINGS,
        Api::OpenAiResponses => &responses::RESPONSES,
        Api::AnthropicMessages | Api::AnthropicCountTokens => &anthropic::MESSAGES,
        Api::OllamaChat => &ollama::CHAT,
        Api::OllamaGenerate => &ollama::GENERATE,
        Api::OllamaEmbed => &ollama::EMBED,
        Api::OllamaShow => &ollama::SHOW,
    }
}
