//! From the `[redact.ner]` section to a recognizer.

use attach_redact::Builder;

use crate::config::{ConfigError, Ner};

/// Loads the model; takes seconds.
#[cfg(feature = "ner")]
pub(super) fn add(builder: Builder, config: &Ner) -> Result<Builder, ConfigError> {
    let mut loader = attach_redact::ner::Ner::loader_in(&config.model);
    if let Some(threshold) = config.threshold {
        loader = loader.threshold(threshold);
    }
    if let Some(windows) = config.max_windows {
        loader = loader.most_windows(windows);
    }
    if let Some(labels) = &config.labels {
        let entity = |(label, name): (&String, &String)| {
            super::entity(&format!("redact.ner.labels.{label}"), name).map(|entity| (label.clone(), entity))
        };
        loader = loader.labels(labels.iter().map(entity).collect::<Result<Vec<_>, _>>()?);
    }
    let ner = loader.load().map_err(|why| super::wrong("redact.ner", &why))?;
    Ok(builder.recognizer(ner))
}

/// Says that there is nothing to load it with.
#[cfg(not(feature = "ner"))]
pub(super) fn add(_: Builder, config: &Ner) -> Result<Builder, ConfigError> {
    let why = format!(
        "{} cannot be used: this attach-gateway was built without the feature `ner`",
        config.model.display()
    );
    Err(super::wrong("redact.ner", &why))
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn refusal(section: &str) -> String {
        let file = format!(
            "issuer = [{{ issuer = \"https://idp.example.com\", audience = [\"api\"] }}]\n\
             upstream = [{{ name = \"a\", kind = \"openai\", url = \"https://api.openai.com\" }}]\n\
             [redact.ner]\n{section}"
        );
        let built = Config::parse(&file, |_| None).and_then(|config| super::super::build(&config.redact));
        built.expect_err("refused").to_string()
    }

    #[cfg(not(feature = "ner"))]
    #[test]
    fn a_build_without_the_feature_says_so() {
        let said = refusal("model = \"/etc/attach/ner\"");
        assert!(said.contains("redact.ner") && said.contains("without the feature"), "{said}");
    }

    #[cfg(feature = "ner")]
    #[test]
    fn what_is_wrong_with_the_model_is_said_at_start() {
        let said = refusal("model = \"/nowhere/at/all\"");
        assert!(said.contains("redact.ner: /nowhere/at/all/config.json"), "{said}");
        let said = refusal("model = \"/nowhere\"\nthreshold = 7.0");
        assert!(said.contains("threshold 7 is not"), "{said}");
        let said = refusal("model = \"/nowhere\"\nlabels = { PER = \"a person\" }");
        assert!(said.contains("redact.ner.labels.PER"), "{said}");
    }

    #[test]
    fn settings_that_are_missing_or_unknown_are_named() {
        assert!(refusal("threshold = 0.5").contains("model"));
        assert!(refusal("model = \"a\"\ntreshold = 0.5").contains("\"threshold\""));
    }
}
