//! What models are called in metrics. A caller may ask for anything; what is not known is `other`.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use attach_auth::policy::ModelGlob;
use attach_core::Outcome;
use attach_core::exchange::Facts;

use crate::config::Config;

/// So many models that the configuration does not name get a label of their own.
const LEARNED: usize = 200;

/// The longest name that is learned, in bytes.
const LONGEST: usize = 128;

/// The labels of models.
pub(super) struct Models {
    /// Every name that the configuration has for a model, and the first of its names.
    named: HashMap<Box<str>, Arc<str>>,
    /// The same for names that are spelled otherwise, and for patterns.
    patterns: Vec<(ModelGlob, Arc<str>)>,
    /// Further ones that an upstream has answered for.
    learned: RwLock<HashMap<Box<str>, Arc<str>>>,
    other: Arc<str>,
}

impl Models {
    pub(super) fn new(config: &Config) -> Self {
        let (mut named, mut patterns) = (HashMap::new(), Vec::new());
        for model in &config.models {
            let Some(first) = model.names.first() else { continue };
            let label: Arc<str> = first.as_str().into();
            let names = model.dialect_names.iter().map(|(_, name)| name);
            for name in model.names.iter().chain(names) {
                named.insert(name.as_str().into(), Arc::clone(&label));
                patterns.push((name.clone(), Arc::clone(&label)));
            }
        }
        // An exact name beats a pattern, as it does where models are looked up.
        patterns.sort_by_key(|(name, _)| !name.is_exact());
        Self { named, patterns, learned: RwLock::default(), other: super::labels::OTHER.into() }
    }

    /// What the model is called that was asked for in a request that has ended with `outcome`.
    pub(super) fn of(&self, facts: &Facts, (outcome, status): (Outcome, u16)) -> Arc<str> {
        let Some(name) = facts.model.as_deref() else { return Arc::clone(&self.other) };
        if let Some(label) = self.known(name) {
            return label;
        }
        let answered = outcome == Outcome::Complete && (200..300).contains(&status) && facts.route.is_some();
        if answered { self.learn(name) } else { Arc::clone(&self.other) }
    }

    fn known(&self, name: &str) -> Option<Arc<str>> {
        if let Some(label) = self.named.get(name) {
            return Some(Arc::clone(label));
        }
        if let Some((_, label)) = self.patterns.iter().find(|(glob, _)| glob.matches(name)) {
            return Some(Arc::clone(label));
        }
        self.learned.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn learn(&self, name: &str) -> Arc<str> {
        if name.len() > LONGEST || name.chars().any(char::is_control) {
            return Arc::clone(&self.other);
        }
        let mut learned = self.learned.write().unwrap_or_else(PoisonError::into_inner);
        if learned.len() >= LEARNED && !learned.contains_key(name) {
            return Arc::clone(&self.other);
        }
        Arc::clone(learned.entry(name.into()).or_insert_with(|| name.into()))
    }
}

#[cfg(test)]
mod tests {
    use attach_core::Exchange;
    use attach_core::exchange::Route;

    use super::*;

    const FILE: &str = r#"
        [[issuer]]
        issuer = "https://login.example"
        audience = ["api://llm"]
        [[upstream]]
        name = "local"
        kind = "ollama"
        url = "http://127.0.0.1:11434"
        [[model]]
        name = "llama3"
        to = ["local"]
    "#;

    fn models() -> Models {
        Models::new(&Config::parse(FILE, |_| None).expect("a valid configuration"))
    }

    fn label(models: &Models, name: &str, (outcome, status): (Outcome, u16)) -> String {
        let request = http::Request::post("/api/chat").body(());
        let exchange = Exchange::of_request(&mut request.expect("a valid request"));
        exchange.facts(|facts| {
            facts.model = Some(name.into());
            facts.route = Some(Route::new("local".into(), name.into()));
            models.of(facts, (outcome, status)).to_string()
        })
    }

    const WELL: (Outcome, u16) = (Outcome::Complete, 200);

    #[test]
    fn a_model_has_a_label_once_an_upstream_has_answered_for_it() {
        let models = models();
        assert_eq!(label(&models, "llama3", (Outcome::Rejected("x"), 403)), "llama3");
        for ended in [(Outcome::Complete, 404), (Outcome::Rejected("x"), 403), (Outcome::Disconnected, 0)] {
            assert_eq!(label(&models, "qwen3", ended), "other", "{ended:?}");
        }
        assert_eq!(label(&models, "qwen3", WELL), "qwen3");
        assert_eq!(label(&models, "qwen3", (Outcome::Complete, 404)), "qwen3");
    }

    #[test]
    fn so_many_models_have_labels_and_no_more() {
        let models = models();
        let odd = [format!("long{}", "g".repeat(LONGEST)), "line\nfeed".to_owned()];
        for name in &odd {
            assert_eq!(label(&models, name, WELL), "other");
        }
        for n in 0..LEARNED {
            let name = format!("model-{n}");
            assert_eq!(label(&models, &name, WELL), name);
        }
        assert_eq!(label(&models, "one-too-many", WELL), "other");
        assert_eq!(label(&models, "model-7", WELL), "model-7");
        assert_eq!(label(&models, "llama3", WELL), "llama3");
    }
}
