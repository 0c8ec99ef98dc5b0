use std::path::Path;

use super::files::{CONFIG, Files, MODEL, read, read_json};
use super::labels::Labels;
use super::network::Network;
use super::tokenizer::Tokenizer;
use super::{LoadError, Ner};
use crate::Entity;
use crate::finding::THRESHOLD;

/// Sets up a [`Ner`]; made by [`Ner::loader`].
#[derive(Debug, Clone)]
#[must_use]
pub struct Loader {
    files: Files,
    threshold: f32,
    labels: Option<Vec<(String, Entity)>>,
    most_windows: usize,
}

/// Tokens that BERT and its kin read at a time.
const LENGTH: usize = 512;
/// A model that reads less at a time cannot have been meant for text.
const SHORTEST: usize = 8;

impl Loader {
    pub(super) fn new(files: Files) -> Self {
        Self { files, threshold: 0.5, labels: None, most_windows: 64 }
    }

    /// How probable it must be that a word is part of a name, from 0.4 to 1; 0.5 unless set.
    pub fn threshold(self, threshold: f32) -> Self {
        Self { threshold, ..self }
    }

    /// Which of the model's labels are looked for, without `B-` and the like, and what they are. Unless set: `PER`,
    /// `LOC`, `ORG` and their longer spellings, as far as the model has them.
    pub fn labels<T: Into<String>>(self, labels: impl IntoIterator<Item = (T, Entity)>) -> Self {
        Self {
            labels: Some(labels.into_iter().map(|(label, entity)| (label.into(), entity)).collect()),
            ..self
        }
    }

    /// How many windows of (mostly) 512 tokens a text may have, of some 2 KB of English each; a longer text is a
    /// fault, which refuses the request. 64 unless set: mind that each is a run of the model.
    pub fn most_windows(self, windows: usize) -> Self {
        Self { most_windows: windows, ..self }
    }

    /// Reads the files and runs the model once, on as much text as it can read at a time. Takes seconds; do it at start.
    ///
    /// # Errors
    ///
    /// When a file is missing, too large (2 GiB for the model) or not what it should be, when they don't fit each
    /// other, or when a setting makes no sense.
    pub fn load(self) -> Result<Ner, LoadError> {
        let Files { model, tokenizer, config } = &self.files;
        if !(THRESHOLD..=1.0).contains(&self.threshold) {
            return Err(LoadError::new(model, format!("threshold {} is not from 0.4 to 1", self.threshold)));
        }
        let about = read_json(config, CONFIG)?;
        let wrong = |file: &Path, why: Box<str>| LoadError::new(file, why);
        let labels = Labels::read(&about, self.labels.as_deref()).map_err(|why| wrong(config, why))?;
        let positions = about["max_position_embeddings"].as_u64().map(usize::try_from);
        let length = positions.map_or(LENGTH, |positions| positions.unwrap_or(LENGTH).min(LENGTH));
        if length < SHORTEST {
            return Err(LoadError::new(
                config,
                format!("max_position_embeddings is {length}: too few to read text"),
            ));
        }
        let words = Tokenizer::load(tokenizer)?;
        let network = Network::load(read(model, MODEL)?, labels.len()).map_err(|why| wrong(model, why))?;
        let ner = Ner {
            tokenizer: words,
            network,
            labels,
            threshold: self.threshold,
            room: length - 2,
            most_windows: self.most_windows,
        };
        // With the highest number of the vocabulary, at every place: what the model cannot take shows now.
        let longest = vec![ner.tokenizer.highest; ner.room];
        ner.run(&longest).map_err(|why| {
            let tokenizer = tokenizer.display();
            let highest = ner.tokenizer.highest;
            LoadError::new(
                model,
                format!("cannot be run on {length} tokens numbered up to {highest}, as {tokenizer} has them: {why}"),
            )
        })?;
        Ok(ner)
    }
}
