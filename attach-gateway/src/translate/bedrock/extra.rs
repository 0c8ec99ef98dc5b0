//! What Converse has no word for, but some models behind it do.
//!
//! Sources: Amazon Bedrock User Guide, "Anthropic Claude Messages API" and "Extended thinking"; Amazon Nova User Guide,
//! "Complete request schema"; Amazon Nova 2 User Guide, "Extended thinking".

use std::collections::BTreeMap;

use attach_core::Rejection;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use crate::translate::canonical::{Chat, Effort, Losses, Reasoning};

/// Least thinking that Anthropic's models can be given, in tokens.
const LEAST: u64 = 1024;

type Fields = BTreeMap<&'static str, Box<RawValue>>;

/// Whose model it is, as far as its id says: an inference profile's ARN says nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Anthropic,
    Nova,
    Nova2,
    Other,
}

impl Family {
    pub(super) fn of(model: &str) -> Self {
        if model.contains("anthropic.claude") {
            Self::Anthropic
        } else if model.contains("amazon.nova-2") {
            Self::Nova2
        } else if model.contains("amazon.nova") {
            Self::Nova
        } else {
            Self::Other
        }
    }
}

/// The fields that say to `family` what Converse cannot.
///
/// # Errors
///
/// When there is none for something, and the configuration wants it refused.
pub(super) fn fields(chat: &Chat<'_>, family: Family, losses: &mut Losses) -> Result<Fields, Rejection> {
    let mut fields = Fields::new();
    if let Some(top_k) = chat.sampling.top_k {
        match family {
            Family::Anthropic => put(&mut fields, "top_k", &top_k),
            Family::Nova | Family::Nova2 => put(&mut fields, "inferenceConfig", &json!({"topK": top_k})),
            Family::Other => losses.setting("top_k")?,
        }
    }
    if let Some(reasoning) = chat.reasoning {
        let said = match family {
            Family::Anthropic => thinking(&mut fields, reasoning, chat.sampling.max_tokens),
            Family::Nova2 => effort(&mut fields, reasoning),
            // It is off where it cannot be switched.
            Family::Nova | Family::Other => reasoning == Reasoning::Off,
        };
        if !said {
            losses.setting("reasoning")?;
        }
    }
    Ok(fields)
}

/// Whether there is room for it: thinking counts as output.
fn thinking(fields: &mut Fields, reasoning: Reasoning, most: Option<u64>) -> bool {
    let budget = match reasoning {
        Reasoning::Off => return true,
        Reasoning::Budget(tokens) => tokens,
        Reasoning::Effort(Effort::Minimal) => LEAST,
        Reasoning::Effort(Effort::Low) => 2 * LEAST,
        Reasoning::On | Reasoning::Effort(Effort::Medium) => 8 * LEAST,
        Reasoning::Effort(Effort::High) => 24 * LEAST,
    };
    let budget = budget.min(most.map_or(u64::MAX, |most| most.saturating_sub(1)));
    if budget < LEAST {
        return false;
    }
    put(fields, "thinking", &json!({"type": "enabled", "budget_tokens": budget}));
    true
}

fn effort(fields: &mut Fields, reasoning: Reasoning) -> bool {
    let effort = match reasoning {
        Reasoning::Off => return true,
        Reasoning::Effort(Effort::Minimal | Effort::Low) => "low",
        Reasoning::On | Reasoning::Effort(Effort::Medium) => "medium",
        Reasoning::Effort(Effort::High) => "high",
        Reasoning::Budget(_) => return false,
    };
    put(fields, "reasoningConfig", &json!({"type": "enabled", "maxReasoningEffort": effort}));
    true
}

/// Values made here can always be written.
fn put(fields: &mut Fields, name: &'static str, value: &impl serde::Serialize) {
    fields.extend(to_raw_value(value).ok().map(|value| (name, value)));
}
