//! Names, places and organisations found by a model of your own: a token classifier in ONNX, run in this process.
//!
//! The model is one of the BERT family (BERT, DistilBERT, ELECTRA and others with a WordPiece vocabulary), fine-tuned to
//! label tokens and exported by `optimum-cli export onnx`. Nothing is downloaded. It is a [recognizer](crate::Recognize)
//! like any other:
//!
//! ```no_run
//! use attach_redact::ner::Ner;
//! use attach_redact::{Entity, Redactor};
//!
//! let ner = Ner::loader_in("/etc/attach/ner").threshold(0.6).labels([("PER", Entity::Person)]).load()?;
//! let redactor = Redactor::builder().recognizer(ner).build()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A run of the model costs a large part of a second, not microseconds, so a [`RedactLayer`](crate::RedactLayer) needs
//! an [`Offload`](crate::Offload).

use std::fmt;
use std::path::Path;

mod error;
mod files;
mod labels;
mod loader;
mod network;
mod spans;
mod tokenizer;
mod unicode;
mod windows;
mod wordpiece;
mod words;

pub use self::error::LoadError;
pub use self::files::Files;
pub use self::loader::Loader;

use self::labels::{Decision, Labels};
use self::network::Network;
use self::tokenizer::{MOST_CHARS, Tokenizer, Tokens};
use self::windows::{Window, windows};
use crate::{Entity, Fault, Finding, Recognize};

/// A recognizer of named entities by a model in ONNX.
///
/// Text is cut into words as BERT does it; a word is what the model says of its first token. A text too long for the
/// model is read in windows that overlap by an eighth, where each word counts in the window that shows more around it.
/// The same text gives the same findings.
pub struct Ner {
    tokenizer: Tokenizer,
    network: Network,
    labels: Labels,
    threshold: f32,
    /// Tokens that can be read at a time, besides the two of the frame.
    room: usize,
    most_windows: usize,
}

impl Ner {
    /// Loads the model in `folder` with every default.
    ///
    /// # Errors
    ///
    /// As [`Loader::load`].
    pub fn load(folder: impl AsRef<Path>) -> Result<Self, LoadError> {
        Self::loader_in(folder).load()
    }

    /// Sets up the model in `folder`, its files called as `optimum-cli` calls them.
    pub fn loader_in(folder: impl AsRef<Path>) -> Loader {
        Loader::new(Files::in_folder(folder))
    }

    /// Sets up the model in `files`.
    pub fn loader(files: Files) -> Loader {
        Loader::new(files)
    }

    /// What the model makes of `tokens`, in its frame: a row for each, that of the frame's beginning first.
    fn run(&self, tokens: &[i32]) -> Result<Vec<f32>, Box<str>> {
        let [begin, end] = self.tokenizer.frame;
        let tokens = tokens.iter().take(self.room).copied();
        self.network.run(std::iter::once(begin).chain(tokens).chain([end]).collect())
    }

    /// Decides the words of `window`, in order.
    fn decide(
        &self,
        tokens: &Tokens,
        window: &Window,
        into: &mut Vec<Option<Decision>>,
    ) -> Result<(), Fault> {
        let failed = |why: &str| Fault::new(format!("the NER model failed: {why}"));
        let read = tokens.words.get(window.read.clone()).unwrap_or_default();
        let from = read.first().map_or(0, |word| word.tokens.start);
        let until = read.last().map_or(0, |word| word.tokens.end);
        let rows = self.run(tokens.ids.get(from..until).unwrap_or_default()).map_err(|why| failed(&why))?;
        let rows: Vec<_> = rows.chunks_exact(self.labels.len()).collect();
        for word in tokens.words.get(window.decided.clone()).unwrap_or_default() {
            let row = (word.tokens.start - from).checked_add(1).and_then(|at| rows.get(at));
            let row = row.ok_or_else(|| failed("a word has no row"))?;
            into.push(self.labels.decide(row, self.threshold)?);
        }
        Ok(())
    }
}

impl Recognize for Ner {
    fn recognize(&self, text: &str) -> Result<Vec<Finding>, Fault> {
        self.recognize_while(text, &|| Ok(()))
    }

    fn recognize_while(
        &self,
        text: &str,
        go_on: &dyn Fn() -> Result<(), Fault>,
    ) -> Result<Vec<Finding>, Fault> {
        if !text.chars().any(char::is_alphanumeric) {
            return Ok(Vec::new());
        }
        let too_long = || Fault::new("a text is too long for the NER model");
        // What fits into so many windows, the longest word alone in one.
        let most = self.most_windows.saturating_mul(self.room.max(MOST_CHARS));
        let tokens = self.tokenizer.tokens(text, most).ok_or_else(too_long)?;
        let windows =
            windows(&tokens.words, self.room, self.room / 8, self.most_windows).ok_or_else(too_long)?;
        let mut decided = Vec::with_capacity(tokens.words.len());
        for window in &windows {
            go_on()?;
            self.decide(&tokens, window, &mut decided)?;
        }
        Ok(spans::join(&tokens.words, &decided, &self.labels.entities))
    }

    fn entities(&self) -> Vec<Entity> {
        self.labels.entities.clone()
    }

    fn is_slow(&self) -> bool {
        true
    }
}

impl fmt::Debug for Ner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ner")
            .field("labels", &self.labels)
            .field("threshold", &self.threshold)
            .field("room", &self.room)
            .finish_non_exhaustive()
    }
}
