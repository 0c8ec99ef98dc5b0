use serde::Serialize;

use super::claude::Claude;
use crate::translate::canonical::{Chat, Effort, Message, Reasoning, Said, ToolChoice};

/// The least that may be thought, in tokens.
const LEAST: u64 = 1024;

/// What the model thinks by default where it is only told to think, in tokens.
const MIDDLE: u64 = 8192;

/// How a model is told to think.
#[derive(Debug, Default)]
pub(super) struct Thinking {
    pub(super) config: Option<Config>,
    pub(super) effort: Option<&'static str>,
    /// What is thought counts towards the cap of the answer: so many tokens more have to be allowed for.
    pub(super) tokens: u64,
    /// It was asked for, and this model or this call does not allow it so.
    pub(super) lost: bool,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Config {
    Enabled {
        budget_tokens: u64,
    },
    /// `display`: today's models say nothing of their thoughts unless they are asked to.
    Adaptive {
        display: &'static str,
    },
    Disabled {},
}

impl Thinking {
    /// How `claude` is told to think as `chat` wants it to.
    pub(super) fn of(chat: &Chat<'_>, claude: Claude) -> Self {
        match chat.reasoning {
            None => Self::default(),
            Some(Reasoning::Off) => Self::off(claude),
            Some(_) if claude.is_claude && forces_a_tool(chat) => Self::lost(),
            Some(reasoning) if claude.adaptive => Self::adaptive(reasoning),
            Some(_) if claude.is_claude && answers_a_thoughtless_call(chat) => Self::lost(),
            Some(reasoning) => Self::budget(reasoning, chat.sampling.max_tokens),
        }
    }

    /// Whether there is something to be thought.
    pub(super) fn is_on(&self) -> bool {
        matches!(self.config, Some(Config::Enabled { .. } | Config::Adaptive { .. }))
    }

    fn lost() -> Self {
        Self { lost: true, ..Self::default() }
    }

    /// Some of today's models cannot but think; they are told to think little.
    fn off(claude: Claude) -> Self {
        if claude.sampling == super::claude::Sampling::None {
            return Self { effort: Some("low"), lost: true, ..Self::default() };
        }
        Self { config: Some(Config::Disabled {}), ..Self::default() }
    }

    fn adaptive(reasoning: Reasoning) -> Self {
        let effort = match reasoning {
            Reasoning::Effort(Effort::Minimal | Effort::Low) | Reasoning::Budget(..4096) => Some("low"),
            Reasoning::Effort(Effort::Medium) | Reasoning::Budget(..16_384) => Some("medium"),
            Reasoning::Effort(_) | Reasoning::Budget(_) => Some("high"),
            _ => None,
        };
        let config = Some(Config::Adaptive { display: "summarized" });
        Self { config, effort, tokens: tokens(reasoning), lost: false }
    }

    /// A budget is less than the cap, and an effort leaves half of it to the answer.
    fn budget(reasoning: Reasoning, cap: Option<u64>) -> Self {
        let wanted = tokens(reasoning);
        let most = match (cap, reasoning) {
            (None, _) => wanted,
            (Some(cap), Reasoning::Budget(_)) => cap.saturating_sub(1),
            (Some(cap), _) => cap / 2,
        };
        if most < LEAST {
            return Self::lost();
        }
        let tokens = wanted.min(most);
        Self { config: Some(Config::Enabled { budget_tokens: tokens }), tokens, ..Self::default() }
    }
}

fn tokens(reasoning: Reasoning) -> u64 {
    match reasoning {
        Reasoning::Off => 0,
        Reasoning::Effort(Effort::Minimal) => LEAST,
        Reasoning::Effort(Effort::Low) => 4096,
        Reasoning::On | Reasoning::Effort(Effort::Medium) => MIDDLE,
        Reasoning::Budget(tokens) => tokens.max(LEAST),
        Reasoning::Effort(_) => 16_384,
    }
}

/// Claude does not think about a tool that it is made to use.
fn forces_a_tool(chat: &Chat<'_>) -> bool {
    !chat.tools.is_empty() && matches!(chat.tool_choice, Some(ToolChoice::Required | ToolChoice::Named(_)))
}

/// Claude with a budget goes on after a tool's result only from the thoughts that led to the call, which no other
/// dialect keeps.
fn answers_a_thoughtless_call(chat: &Chat<'_>) -> bool {
    let mut back = chat.messages.iter().rev();
    let Some(Message::ToolResult { .. }) = back.next() else { return false };
    let said = back.find_map(|message| match message {
        Message::Assistant(said) => Some(said),
        _ => None,
    });
    let thought = |said: &Said<'_>| {
        matches!(said, Said::Thinking { signature: Some(_), .. } | Said::RedactedThinking(_))
    };
    said.is_some_and(|said| !said.iter().any(thought))
}
