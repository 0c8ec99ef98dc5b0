//! `parameters` of a `[[model]]` or of one of its targets.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What calls say where their callers say nothing, and whatever these say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parameters {
    /// What is put in where it is missing: the parameter, and its value as JSON.
    pub defaults: BTreeMap<Parameter, Box<str>>,
    /// What is put in, and instead of what is there.
    pub overrides: BTreeMap<Parameter, Box<str>>,
}

/// A parameter of a call, by the name it has here; each dialect has its own place for it, if it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Parameter {
    /// How much is left to chance.
    Temperature,
    /// Nucleus sampling.
    TopP,
    /// Sampling among so many.
    TopK,
    /// Longest answer, in tokens.
    MaxTokens,
    /// For answers that are the same each time.
    Seed,
    /// Against saying the same often.
    FrequencyPenalty,
    /// Against saying the same twice.
    PresencePenalty,
    /// How long a model thinks: `low`, `medium`, `high` …
    ReasoningEffort,
}

/// What a value has to be.
#[derive(Clone, Copy)]
enum Kind {
    Number,
    Whole,
    Word,
}

/// As it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Entry {
    defaults: BTreeMap<String, toml::Value>,
    overrides: BTreeMap<String, toml::Value>,
}

impl Parameter {
    const ALL: [Self; 8] = [
        Self::Temperature,
        Self::TopP,
        Self::TopK,
        Self::MaxTokens,
        Self::Seed,
        Self::FrequencyPenalty,
        Self::PresencePenalty,
        Self::ReasoningEffort,
    ];

    /// Its name in the configuration and in records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Temperature => "temperature",
            Self::TopP => "top_p",
            Self::TopK => "top_k",
            Self::MaxTokens => "max_tokens",
            Self::Seed => "seed",
            Self::FrequencyPenalty => "frequency_penalty",
            Self::PresencePenalty => "presence_penalty",
            Self::ReasoningEffort => "reasoning_effort",
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::TopK | Self::MaxTokens | Self::Seed => Kind::Whole,
            Self::ReasoningEffort => Kind::Word,
            _ => Kind::Number,
        }
    }
}

/// A target's own come before those of its model; `None` if there are none at all.
pub(super) fn resolve(model: &Entry, target: Option<&Entry>) -> Result<Option<Parameters>, String> {
    let mut all = Parameters::default();
    for entry in [Some(model), target].into_iter().flatten() {
        read("defaults", &entry.defaults, &mut all.defaults)?;
        read("overrides", &entry.overrides, &mut all.overrides)?;
    }
    // What is overridden anyway needs no default.
    all.defaults.retain(|parameter, _| !all.overrides.contains_key(parameter));
    Ok((all != Parameters::default()).then_some(all))
}

fn read(
    list: &str,
    from: &BTreeMap<String, toml::Value>,
    to: &mut BTreeMap<Parameter, Box<str>>,
) -> Result<(), String> {
    for (name, value) in from {
        let parameter = Parameter::ALL.into_iter().find(|one| one.as_str() == name);
        let parameter =
            parameter.ok_or_else(|| format!("parameters.{list}.{name}: there is no such parameter"))?;
        let json = json(parameter.kind(), value).map_err(|why| format!("parameters.{list}.{name}: {why}"))?;
        to.insert(parameter, json.into());
    }
    Ok(())
}

fn json(kind: Kind, value: &toml::Value) -> Result<String, &'static str> {
    match (kind, value) {
        (Kind::Number, toml::Value::Integer(number)) => Ok(number.to_string()),
        (Kind::Number, toml::Value::Float(number)) if number.is_finite() => Ok(number.to_string()),
        (Kind::Number, _) => Err("a number"),
        (Kind::Whole, toml::Value::Integer(number)) if *number >= 0 => Ok(number.to_string()),
        (Kind::Whole, _) => Err("a whole number"),
        (Kind::Word, toml::Value::String(word)) if word.bytes().all(|byte| byte.is_ascii_lowercase()) => {
            Ok(format!("\"{word}\""))
        }
        (Kind::Word, _) => Err("a word in lower case, such as \"low\""),
    }
}
