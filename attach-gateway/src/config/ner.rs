use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

/// `[redact.ner]`: names found by a model of the operator's own.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Ner {
    /// The folder of the model's files.
    pub model: PathBuf,
    /// How probable it must be that a word is part of a name.
    pub threshold: Option<f32>,
    /// Which of the model's labels are looked for, and the entities they are.
    pub labels: Option<BTreeMap<String, String>>,
    /// How many windows of (mostly) 512 tokens a text may have.
    pub max_windows: Option<usize>,
}

/// As `check` shows it.
impl fmt::Display for Ner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "names by the model in {}", self.model.display())?;
        if let Some(threshold) = self.threshold {
            write!(f, ", threshold {threshold}")?;
        }
        if let Some(windows) = self.max_windows {
            write!(f, ", at most {windows} windows")?;
        }
        let labels = self.labels.iter().flatten();
        labels.into_iter().try_for_each(|(label, entity)| write!(f, ", {label} is {entity}"))
    }
}
