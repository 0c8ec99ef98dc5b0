//! Between the caller's dialect and the upstream's, through one canonical model.
//!
//! Each dialect has one file that reads and one that writes, for requests and for answers, so that n dialects need 2n
//! files and not n². A request is read into an [`Ask`](ask::Ask) and written in the upstream's [`Speech`](speech::Speech);
//! an answer is read into pieces, which are written as they come.

mod anthropic;
mod arguments;
mod ask;
mod bedrock;
mod call_ids;
mod canonical;
mod fields;
mod ollama;
mod only;
mod openai;
mod operation;
mod plan;
mod responses;
mod speech;
mod stream;
mod translator;
mod unsigned;

pub(crate) use self::operation::Operation;
pub(crate) use self::plan::Plan;
pub(crate) use self::stream::Translation;
pub(crate) use self::translator::Translator;

#[cfg(test)]
mod tests;
