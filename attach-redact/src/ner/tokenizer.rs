use std::ops::Range;
use std::path::Path;

use serde_json::Value;

use super::LoadError;
use super::files::{CONFIG, TOKENIZER, read, read_json};
use super::unicode::Classes;
use super::wordpiece::WordPiece;
use super::words::{How, Words};

/// From text to the numbers a model was trained on, and back to the places.
#[derive(Debug)]
pub(super) struct Tokenizer {
    words: Words,
    pieces: WordPiece,
    /// Begins and ends what a model reads.
    pub(super) frame: [i32; 2],
    /// The highest number it gives.
    pub(super) highest: i32,
}

/// A text as numbers.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    pub(super) ids: Vec<i32>,
    pub(super) words: Vec<Word>,
}

/// One word: where it stands, and which numbers spell it.
#[derive(Debug, Clone)]
pub(super) struct Word {
    pub(super) range: Range<usize>,
    pub(super) tokens: Range<usize>,
}

impl Tokenizer {
    /// Reads `tokenizer.json`, or a list of words with `tokenizer_config.json` beside it.
    pub(super) fn load(file: &Path) -> Result<Self, LoadError> {
        let json = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        if json { Self::of_json(file) } else { Self::of_list(file) }
    }

    /// The format of Hugging Face's `tokenizers`; of its models WordPiece, as BERT and its kin use it.
    fn of_json(file: &Path) -> Result<Self, LoadError> {
        let json = read_json(file, TOKENIZER)?;
        let wrong = |why: String| LoadError::new(file, why);
        let (model, normalizer) = (&json["model"], &json["normalizer"]);
        for (what, part, needed) in [
            ("model", model, "WordPiece"),
            ("normalizer", normalizer, "BertNormalizer"),
            ("pre_tokenizer", &json["pre_tokenizer"], "BertPreTokenizer"),
        ] {
            let kind = part["type"].as_str().unwrap_or("none");
            if kind != needed {
                return Err(wrong(format!("its {what} is {kind}; only {needed} is supported")));
            }
        }
        let entries = model["vocab"].as_object().ok_or_else(|| wrong("model.vocab is missing".into()))?;
        let entries = entries.iter().map(|(entry, id)| {
            let number = id.as_u64().and_then(|id| i32::try_from(id).ok());
            number.map(|id| (entry, id)).ok_or_else(|| wrong("model.vocab has a number that is none".into()))
        });
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let prefix = model["continuing_subword_prefix"].as_str().unwrap_or("##");
        let unknown = model["unk_token"].as_str().unwrap_or("[UNK]");
        let most = model["max_input_chars_per_word"].as_u64().and_then(|most| usize::try_from(most).ok());
        let pieces = WordPiece::new(entries, prefix, unknown, most.unwrap_or(MOST_CHARS).min(MOST_CHARS));
        pieces.and_then(|pieces| Self::new(how(normalizer), pieces)).map_err(|why| LoadError::new(file, why))
    }

    /// The format of BERT's own code: an entry a line, numbered from 0.
    fn of_list(file: &Path) -> Result<Self, LoadError> {
        let text = String::from_utf8(read(file, TOKENIZER)?);
        let text = text.map_err(|_| LoadError::new(file, "is not UTF-8"))?;
        let beside = file.with_file_name("tokenizer_config.json");
        let config = read_json(&beside, CONFIG)?;
        let lowercase = config["do_lower_case"].as_bool().ok_or_else(|| {
            LoadError::new(
                &beside,
                "do_lower_case is missing: whether capitals count, a list of words doesn't say",
            )
        })?;
        let how = How {
            clean: true,
            ideographs: config["tokenize_chinese_chars"].as_bool().unwrap_or(true),
            strip_accents: config["strip_accents"].as_bool().unwrap_or(lowercase),
            lowercase,
        };
        let lines = text.lines().zip(0_i32..);
        WordPiece::new(lines, "##", "[UNK]", MOST_CHARS)
            .and_then(|pieces| Self::new(how, pieces))
            .map_err(|why| LoadError::new(file, why))
    }

    fn new(how: How, pieces: WordPiece) -> Result<Self, Box<str>> {
        let special = |entry: &str| {
            pieces.id(entry).ok_or_else(|| format!("the vocabulary has no {entry:?}").into_boxed_str())
        };
        let frame = [special("[CLS]")?, special("[SEP]")?];
        let classes = Classes::new().ok_or("the tables of characters are faulty")?;
        Ok(Self { words: Words { how, classes }, highest: pieces.highest(), frame, pieces })
    }

    /// `text` as numbers, a word's beside each other; `None` if that takes more than `most`.
    pub(super) fn tokens(&self, text: &str, most: usize) -> Option<Tokens> {
        let mut tokens = Tokens::default();
        self.words.each(text, |range, word| {
            // Spelling is what costs.
            if tokens.ids.len() > most {
                return;
            }
            let before = tokens.ids.len();
            self.pieces.spell(word, &mut tokens.ids);
            tokens.words.push(Word { range, tokens: before..tokens.ids.len() });
        });
        (tokens.ids.len() <= most).then_some(tokens)
    }
}

/// What a `BertNormalizer` does; its defaults are those of `tokenizers`.
fn how(normalizer: &Value) -> How {
    let flag = |name: &str| normalizer[name].as_bool();
    let lowercase = flag("lowercase").unwrap_or(true);
    How {
        clean: flag("clean_text").unwrap_or(true),
        ideographs: flag("handle_chinese_chars").unwrap_or(true),
        strip_accents: flag("strip_accents").unwrap_or(lowercase),
        lowercase,
    }
}

/// Characters of the longest word that is looked up, as in BERT's own code; a higher setting would cost its square.
pub(super) const MOST_CHARS: usize = 100;

#[cfg(test)]
mod tests;
