//! OTLP logs ([specification 1.9](https://opentelemetry.io/docs/specs/otlp/)), over HTTP and over gRPC.
//!
//! One log record per audit record. Its body is the record in the chosen [`Format`](crate::format::Format), as a string:
//! with [`Format::Native`](crate::format::Format::Native) the line byte for byte, so that its hash can be checked where it
//! has arrived. Its attributes are those of [`names`](crate::names), for searching; its event name is
//! `attach.audit.<kind>`.
//!
//! A receiver that takes a part only ([partial
//! success](https://opentelemetry.io/docs/specs/otlp/#partial-success)) is not sent the rest again: the specification says
//! so, and it does not say which ones they were. They are counted, and the log in the directory has them.

mod answer;
mod attributes;
#[cfg(feature = "otlp-grpc")]
mod grpc;
mod http;
mod logs;
mod settings;

#[cfg(feature = "otlp-grpc")]
pub use self::grpc::OtlpGrpc;
pub use self::http::OtlpHttp;
