//! A model in a folder of its own, made by the test.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use attach_redact::ner::{LoadError, Ner};
use serde_json::{Value, json};

use super::onnx::Classifier;

pub(crate) const LABELS: [&str; 7] = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "B-MISC"];

/// Each entry of the vocabulary, and the label it always gets.
pub(crate) const WORDS: [(&str, usize); 22] = [
    ("[PAD]", 0),
    ("[UNK]", 0),
    ("[CLS]", 0),
    ("[SEP]", 0),
    ("met", 0),
    (",", 0),
    (".", 0),
    ("Zo", 1),
    ("##ë", 3),
    ("Müller", 2),
    ("-", 2),
    ("Łukasz", 2),
    ("Anna", 1),
    ("Köln", 3),
    ("am", 4),
    ("Rhein", 4),
    ("Acme", 5),
    ("Jazz", 6),
    ("in", 0),
    ("李", 1),
    ("明", 2),
    ("the", 0),
];

/// The label of a token gets this; the others 0.
pub(crate) const SURE: f32 = 8.0;

pub(crate) struct Tiny {
    pub(crate) folder: PathBuf,
}

impl Tiny {
    /// The files as `optimum-cli` writes them: a cased WordPiece vocabulary, BIO labels, 512 tokens at a time.
    pub(crate) fn new() -> Self {
        Self::sure(|_| SURE)
    }

    /// As [`new`](Self::new), and of the token `n` as sure as `sure(n)`.
    pub(crate) fn sure(sure: impl Fn(usize) -> f32) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("attach-ner-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let tiny = Self { folder };
        tiny.write_model(&["input_ids", "attention_mask", "token_type_ids"], "logits", &table(sure));
        tiny.write("tokenizer.json", &tokenizer());
        tiny.write("config.json", &config(512));
        tiny
    }

    pub(crate) fn write(&self, name: &str, json: &Value) {
        std::fs::write(self.folder.join(name), json.to_string()).unwrap();
    }

    pub(crate) fn write_model(&self, inputs: &[&str], output: &str, table: &[Vec<f32>]) {
        let model = Classifier { inputs, output, table };
        std::fs::write(self.folder.join("model.onnx"), model.bytes()).unwrap();
    }

    pub(crate) fn load(&self) -> Result<Ner, LoadError> {
        Ner::load(&self.folder)
    }

    pub(crate) fn refusal(&self) -> String {
        self.load().expect_err("refused").to_string()
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn table(sure: impl Fn(usize) -> f32) -> Vec<Vec<f32>> {
    let row = |(token, (_, label)): (usize, &(&str, usize))| {
        let mut row = vec![0.0; LABELS.len()];
        row[*label] = sure(token);
        row
    };
    WORDS.iter().enumerate().map(row).collect()
}

pub(crate) fn tokenizer() -> Value {
    let vocabulary: serde_json::Map<_, _> =
        WORDS.iter().enumerate().map(|(id, (word, _))| ((*word).to_owned(), json!(id))).collect();
    json!({
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": false},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocabulary},
    })
}

pub(crate) fn config(positions: usize) -> Value {
    let labels: serde_json::Map<_, _> =
        LABELS.iter().enumerate().map(|(id, label)| (id.to_string(), json!(label))).collect();
    json!({"model_type": "bert", "max_position_embeddings": positions, "id2label": labels})
}
