use super::wire::{Content, input};
use crate::translate::canonical::Event;

/// The content of an answer, put together from its pieces.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    blocks: Vec<Block>,
    bytes: usize,
}

/// A block of an answer's content.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Block {
    Text(String),
    Thinking { text: String, signature: String },
    RedactedThinking(String),
    Tool { index: u64, id: String, name: String, arguments: String },
}

impl Blocks {
    /// Adds a piece of content; anything else is none.
    pub(super) fn push(&mut self, event: Event) {
        match event {
            Event::Text(piece) => {
                self.bytes += piece.len();
                match self.blocks.last_mut() {
                    Some(Block::Text(text)) => text.push_str(&piece),
                    _ => self.blocks.push(Block::Text(piece)),
                }
            }
            Event::Thinking(piece) => {
                self.bytes += piece.len();
                match self.blocks.last_mut() {
                    Some(Block::Thinking { text, signature }) if signature.is_empty() => {
                        text.push_str(&piece);
                    }
                    _ => self.blocks.push(Block::Thinking { text: piece, signature: String::new() }),
                }
            }
            Event::Signature(piece) => {
                self.bytes += piece.len();
                match self.blocks.last_mut() {
                    Some(Block::Thinking { signature, .. }) if signature.is_empty() => *signature = piece,
                    _ => self.blocks.push(Block::Thinking { text: String::new(), signature: piece }),
                }
            }
            Event::RedactedThinking(data) => {
                self.bytes += data.len();
                self.blocks.push(Block::RedactedThinking(data));
            }
            Event::Tool { index, id, name, arguments } => {
                self.bytes += name.len() + arguments.len();
                self.call(index, id, &name, &arguments);
            }
            Event::Finish(_) | Event::Usage(_) | Event::Error(_) | Event::Done => {}
        }
    }

    /// A call's pieces find it by its number, wherever it stands. Some servers repeat the name in every piece.
    fn call(&mut self, of: u64, id: Option<String>, called: &str, piece: &str) {
        let known = self.blocks.iter_mut().find_map(|block| match block {
            Block::Tool { index, name, arguments, .. } if *index == of => Some((name, arguments)),
            _ => None,
        });
        if let Some((name, arguments)) = known {
            if name.is_empty() {
                name.push_str(called);
            }
            arguments.push_str(piece);
            return;
        }
        let (name, arguments) = (called.to_owned(), piece.to_owned());
        self.blocks.push(Block::Tool { index: of, id: id.unwrap_or_default(), name, arguments });
    }

    /// How many bytes are kept.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The blocks that are whole; a call of no tool is none.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(|block| !matches!(block, Block::Tool { name, .. } if name.is_empty()))
    }
}

impl Block {
    /// The block as a whole answer has it.
    pub(super) fn content(&self) -> Content<'_> {
        match self {
            Self::Text(text) => Content::Text { text },
            Self::Thinking { text, signature } => Content::Thinking { thinking: text, signature },
            Self::RedactedThinking(data) => Content::RedactedThinking { data },
            Self::Tool { id, name, arguments, .. } => Content::ToolUse { id, name, input: input(arguments) },
        }
    }
}
