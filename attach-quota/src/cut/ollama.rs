//! Chat and generate (Ollama `docs/api.md`).

use serde_json::{Value, json};

use super::tracker::{Why, name};

pub(crate) struct Ollama {
    chat: bool,
    model: Option<Value>,
    /// Of the last line.
    created_at: Option<Value>,
    begun: bool,
    over: bool,
}

impl Ollama {
    pub(super) fn chat() -> Self {
        Self::new(true)
    }

    pub(super) fn generate() -> Self {
        Self::new(false)
    }

    fn new(chat: bool) -> Self {
        Self { chat, model: None, created_at: None, begun: false, over: false }
    }

    pub(super) fn line(&mut self, line: &Value) {
        self.begun |= line.get("message").or_else(|| line.get("response")).is_some();
        self.over |= line["done"] == true || line.get("error").is_some();
        if self.model.is_none() {
            self.model = name(&line["model"]);
        }
        if let Some(time) = name(&line["created_at"]) {
            self.created_at = Some(time);
        }
    }

    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Durations that only the server knows are left out, as Ollama leaves out those that are zero.
    pub(super) fn ending(&self, why: &Why<'_>) -> String {
        let mut line = json!({
            "done": true,
            "done_reason": "length",
            "total_duration": u64::try_from(why.elapsed.as_nanos()).unwrap_or(u64::MAX),
            "prompt_eval_count": why.usage.input,
            "eval_count": why.usage.output,
            "attach": why.mark(),
        });
        for (key, value) in [("model", &self.model), ("created_at", &self.created_at)] {
            if let Some(value) = value {
                line[key] = value.clone();
            }
        }
        if self.chat {
            line["message"] = json!({"role": "assistant", "content": ""});
        } else {
            line["response"] = json!("");
        }
        format!("{line}\n")
    }
}
