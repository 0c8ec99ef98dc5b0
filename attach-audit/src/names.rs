//! The names that records, metrics and spans go by in OpenTelemetry, in one place, because they are still moving.
//!
//! `gen_ai.*` are those of the [GenAI semantic conventions](https://github.com/open-telemetry/semantic-conventions-genai),
//! status Development: they left `semantic-conventions` with its version 1.42, whose own constants are deprecated since.
//! `attach.*` are ours. The others are of
//! [semantic-conventions 1.42](https://opentelemetry.io/docs/specs/semconv/registry/attributes/).

/// What is done: `chat`, `text_completion`, `embeddings`, …
pub const GEN_AI_OPERATION_NAME: &str = "gen_ai.operation.name";
/// Who answers: `openai`, `anthropic`, …; a value of the provider's own for engines that the conventions do not list.
pub const GEN_AI_PROVIDER_NAME: &str = "gen_ai.provider.name";
/// The model as it was asked for.
pub const GEN_AI_REQUEST_MODEL: &str = "gen_ai.request.model";
/// Whether a stream was asked for.
pub const GEN_AI_REQUEST_STREAM: &str = "gen_ai.request.stream";
/// The model that answered, in the upstream's words.
pub const GEN_AI_RESPONSE_MODEL: &str = "gen_ai.response.model";
/// The answer's id.
pub const GEN_AI_RESPONSE_ID: &str = "gen_ai.response.id";
/// Why generating ended, a list.
pub const GEN_AI_RESPONSE_FINISH_REASONS: &str = "gen_ai.response.finish_reasons";
/// Until the first chunk of an answer, in seconds.
pub const GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK: &str = "gen_ai.response.time_to_first_chunk";
/// Tokens read, cached ones among them.
pub const GEN_AI_USAGE_INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
/// Tokens written, reasoning among them.
pub const GEN_AI_USAGE_OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
/// Tokens read from a cache.
pub const GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: &str = "gen_ai.usage.cache_read.input_tokens";
/// Tokens written to a cache.
pub const GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS: &str = "gen_ai.usage.cache_creation.input_tokens";
/// Tokens written as reasoning.
pub const GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: &str = "gen_ai.usage.reasoning.output_tokens";
/// `input` or `output`, of the metric of tokens.
pub const GEN_AI_TOKEN_TYPE: &str = "gen_ai.token.type";
/// The conversation.
pub const GEN_AI_CONVERSATION_ID: &str = "gen_ai.conversation.id";

/// Metric: tokens per call, `{token}`.
pub const GEN_AI_CLIENT_TOKEN_USAGE: &str = "gen_ai.client.token.usage";
/// Metric: how long calls to an upstream take, in seconds.
pub const GEN_AI_CLIENT_OPERATION_DURATION: &str = "gen_ai.client.operation.duration";
/// Metric: until the first chunk from an upstream, in seconds.
pub const GEN_AI_CLIENT_OPERATION_TIME_TO_FIRST_CHUNK: &str = "gen_ai.client.operation.time_to_first_chunk";
/// Metric: between chunks from an upstream, in seconds.
pub const GEN_AI_CLIENT_OPERATION_TIME_PER_OUTPUT_CHUNK: &str =
    "gen_ai.client.operation.time_per_output_chunk";
/// Metric: how long requests take, in seconds.
pub const GEN_AI_SERVER_REQUEST_DURATION: &str = "gen_ai.server.request.duration";
/// Metric: until the first token of an answer, in seconds.
pub const GEN_AI_SERVER_TIME_TO_FIRST_TOKEN: &str = "gen_ai.server.time_to_first_token";
/// Metric: between tokens of an answer, in seconds.
pub const GEN_AI_SERVER_TIME_PER_OUTPUT_TOKEN: &str = "gen_ai.server.time_per_output_token";

/// The caller's address.
pub const CLIENT_ADDRESS: &str = "client.address";
/// The caller's port.
pub const CLIENT_PORT: &str = "client.port";
/// The class of an error; absent where there was none.
pub const ERROR_TYPE: &str = "error.type";
/// The request's method.
pub const HTTP_REQUEST_METHOD: &str = "http.request.method";
/// The answer's status.
pub const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";
/// An upstream's host.
pub const SERVER_ADDRESS: &str = "server.address";
/// An upstream's port.
pub const SERVER_PORT: &str = "server.port";
/// The service, of a resource.
pub const SERVICE_NAME: &str = "service.name";
/// The node, of a resource.
pub const SERVICE_INSTANCE_ID: &str = "service.instance.id";
/// The program's version, of a resource.
pub const SERVICE_VERSION: &str = "service.version";
/// The version of TLS.
pub const TLS_PROTOCOL_VERSION: &str = "tls.protocol.version";
/// The request's path, without its query.
pub const URL_PATH: &str = "url.path";
/// The `User-Agent`.
pub const USER_AGENT_ORIGINAL: &str = "user_agent.original";
/// The caller's stable id in their directory.
pub const USER_ID: &str = "user.id";

/// A record's id, which a receiver tells duplicates by.
pub const ATTACH_AUDIT_ID: &str = "attach.audit.id";
/// A record's place in its chain.
pub const ATTACH_AUDIT_SEQ: &str = "attach.audit.seq";
/// A record's chain.
pub const ATTACH_AUDIT_CHAIN: &str = "attach.audit.chain";
/// A record's hash.
pub const ATTACH_AUDIT_HASH: &str = "attach.audit.hash";
/// What a record is about.
pub const ATTACH_AUDIT_KIND: &str = "attach.audit.kind";
/// How many events a record stands for, where it is more than one.
pub const ATTACH_AUDIT_EVENTS: &str = "attach.audit.events";
/// When the record was durable: `strict`, `overlap`, `relaxed` or `single`.
pub const ATTACH_AUDIT_MODE: &str = "attach.audit.mode";
/// The request.
pub const ATTACH_REQUEST_ID: &str = "attach.request.id";
/// The intent that an outcome ends.
pub const ATTACH_INTENT_ID: &str = "attach.intent.id";
/// `user`, `service`, `anonymous`, `admin` or `system`.
pub const ATTACH_ACTOR_KIND: &str = "attach.actor.kind";
/// The directory of the caller.
pub const ATTACH_ACTOR_DIRECTORY: &str = "attach.actor.directory";
/// The OAuth client.
pub const ATTACH_ACTOR_CLIENT_ID: &str = "attach.actor.client_id";
/// `allow`, `deny`, `modify` or `error`.
pub const ATTACH_DECISION: &str = "attach.decision";
/// A decision's reason, a stable code.
pub const ATTACH_DECISION_REASON: &str = "attach.decision.reason";
/// The rules that decided, a list.
pub const ATTACH_DECISION_RULES: &str = "attach.decision.rules";
/// How the request ended.
pub const ATTACH_END: &str = "attach.end";
/// The API that was called, as `openai.chat`.
pub const ATTACH_API: &str = "attach.api";
/// The upstream's name in the configuration.
pub const ATTACH_UPSTREAM: &str = "attach.upstream";
/// What a call cost, in millionths of a US dollar.
pub const ATTACH_COST_MICROUSD: &str = "attach.cost_microusd";
