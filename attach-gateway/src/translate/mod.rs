//! Between the caller's dialect and the upstream's, through one canonical model.
//!
//! Each dialect has one file that reads and one that writes, so that n dialects need 2n files and not n².
//! Today the callers' side speaks Ollama and the upstreams' side OpenAI.

mod canonical;
mod ollama;
mod openai;
mod plan;
mod stream;

pub(crate) use self::plan::{Plan, Translator};

#[cfg(test)]
mod tests;
