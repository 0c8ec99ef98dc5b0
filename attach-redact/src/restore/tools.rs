//! Tools whose arguments get no values back: what runs them is outside the perimeter.

use std::collections::BTreeMap;
use std::sync::Arc;

use attach_core::call::Glob;
use attach_core::json::{Kind, Value};

use super::delta::{Field, ItemText, Slot};

/// Names of more tool calls than one answer can sensibly have are not kept.
const MOST: usize = 1024;
/// The longest name that is put together from pieces, in bytes.
const LONGEST_NAME: usize = 1024;

/// The tools that are configured to be external.
#[derive(Debug, Clone, Default)]
pub(crate) struct External(Arc<[Glob]>);

impl External {
    pub(crate) fn new(names: Vec<Glob>) -> Self {
        Self(names.into())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In any ASCII case: a placeholder too many is better than a value too many.
    fn matches(&self, name: &str) -> bool {
        self.0.iter().any(|glob| glob.matches(name, true))
    }

    /// Whether `value` is the arguments of a call of such a tool that states its name next to them: OpenAI's
    /// `function` and `custom`, items of the Responses API, Anthropic's `tool_use` blocks, Ollama's `function`.
    pub(super) fn has_arguments(&self, value: Value<'_>) -> bool {
        !self.is_empty()
            && matches!(value.raw_key(), Some(b"arguments" | b"input"))
            && value
                .parent()
                .and_then(|call| call.get("name")?.as_str())
                .is_some_and(|name| self.matches(&name))
    }
}

/// The names of a stream's tool calls, which are stated only when a call begins.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Whether the call is of an external tool, and its name as far as it is known.
    known: BTreeMap<Slot, (bool, String)>,
}

impl Calls {
    /// Reads the names that `event` states; whether there are any.
    pub(super) fn read(&mut self, event: Value<'_>, external: &External) -> bool {
        if external.is_empty() {
            return false;
        }
        let mut any = false;
        if let Some(choices) = event.get("choices") {
            for (at, choice) in choices.elements().enumerate() {
                let index = number(choice, "index").unwrap_or(at as u64);
                any |= self.choice(choice, index, external);
            }
        } else if let Some(block) = event.get("content_block") {
            let slot = Slot::new(number(event, "index").unwrap_or(0), Field::BlockJson, 0);
            any = self.name(slot, block.get("name"), external, true);
        } else if let Some(item) = event.get("item") {
            let slot = item_slot(event);
            any = self.name(slot, item.get("name"), external, true);
        }
        any
    }

    fn choice(&mut self, choice: Value<'_>, index: u64, external: &External) -> bool {
        let Some(delta) = choice.get("delta") else { return false };
        let function = delta.get("function_call").and_then(|call| call.get("name"));
        let mut any = self.name(Slot::new(index, Field::FunctionCall, 0), function, external, false);
        for (at, call) in delta.get("tool_calls").into_iter().flat_map(Value::elements).enumerate() {
            let slot = Slot::new(index, Field::ToolCall, number(call, "index").unwrap_or(at as u64));
            let name = ["function", "custom"].into_iter().find_map(|kind| call.get(kind)?.get("name"));
            any |= self.name(slot, name, external, false);
        }
        any
    }

    /// A name may come in pieces, or again with every piece of the arguments: once external, always external, unless
    /// another call begins.
    fn name(&mut self, slot: Slot, name: Option<Value<'_>>, external: &External, begins: bool) -> bool {
        let Some(name) = name.filter(|name| name.kind() == Kind::String).and_then(Value::as_str) else {
            return false;
        };
        if self.known.len() >= MOST && !self.known.contains_key(&slot) {
            return true;
        }
        let (is_external, whole) = self.known.entry(slot).or_default();
        if begins {
            (*is_external, *whole) = (false, String::new());
        }
        if whole.len() + name.len() <= LONGEST_NAME {
            whole.push_str(&name);
        }
        *is_external |= external.matches(&name) || external.matches(whole);
        true
    }

    /// Whether nothing may be restored into `slot`. A call whose name was never stated is taken for external.
    pub(super) fn keeps(&self, slot: Slot, external: &External) -> bool {
        let call = match slot.field {
            Field::ToolCall | Field::FunctionCall | Field::BlockJson => slot,
            Field::CustomCall => Slot::new(slot.choice, Field::ToolCall, slot.item),
            Field::Item(ItemText::Arguments | ItemText::CustomInput) => {
                Slot::new(slot.choice, Field::Item(ItemText::Arguments), 0)
            }
            _ => return false,
        };
        !external.is_empty() && self.known.get(&call).is_none_or(|(is_external, _)| *is_external)
    }

    /// Whether `value` is the whole arguments of such a call in an event that ends it:
    /// `response.function_call_arguments.done`.
    pub(super) fn keeps_whole(&self, value: Value<'_>, external: &External) -> bool {
        matches!(value.raw_key(), Some(b"arguments" | b"input"))
            && value.parent().is_some_and(|event| {
                event.parent().is_none()
                    && event.get("type").is_some()
                    && self.keeps(item_slot(event), external)
            })
    }
}

fn item_slot(event: Value<'_>) -> Slot {
    Slot::new(number(event, "output_index").unwrap_or(0), Field::Item(ItemText::Arguments), 0)
}

fn number(value: Value<'_>, key: &str) -> Option<u64> {
    value.get(key)?.as_u64()
}
