use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::error::JsonError;
use super::node::{Node, NodeId};
use super::scan;
use super::value::Value;

/// A JSON document: its bytes as received, and where each value stands in them.
///
/// Cheap to clone. `Debug` shows sizes, never content.
#[derive(Clone)]
pub struct Document {
    bytes: Bytes,
    nodes: Arc<Vec<Node>>,
    /// Members that came in by a splice and have no nodes.
    added: Arc<[Added]>,
}

/// A member without a node.
#[derive(Clone)]
pub(super) struct Added {
    pub(super) object: NodeId,
    pub(super) key: Box<str>,
}

impl Document {
    /// Containers within each other that are accepted.
    pub const MAX_DEPTH: usize = 64;

    /// Values, nested ones included, that are accepted. A value takes 28 bytes of memory beside its own bytes,
    /// of which it may have no more than two, so a body limit alone is no limit on memory.
    pub const MAX_VALUES: usize = 1 << 20;

    /// Reads `bytes` as one JSON document that every parser reads alike.
    ///
    /// # Errors
    ///
    /// Whatever [`JsonErrorKind`](super::JsonErrorKind) lists.
    pub fn parse(bytes: Bytes) -> Result<Self, JsonError> {
        let nodes = Arc::new(scan::parse(&bytes)?);
        Ok(Self { bytes, nodes, added: Arc::default() })
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The outermost value.
    #[must_use]
    pub fn root(&self) -> Value<'_> {
        Value::new(self, NodeId(0))
    }

    /// The value that `id` stands for.
    ///
    /// # Panics
    ///
    /// May panic if `id` is of another document.
    #[must_use]
    pub fn value(&self, id: NodeId) -> Value<'_> {
        Value::new(self, id)
    }

    pub(super) fn from_parts(
        bytes: Bytes,
        nodes: Vec<Node>,
        known: &[Added],
        added: impl Iterator<Item = Added>,
    ) -> Self {
        Self { bytes, nodes: Arc::new(nodes), added: known.iter().cloned().chain(added).collect() }
    }

    pub(super) fn added(&self) -> &[Added] {
        &self.added
    }

    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("bytes", &self.bytes.len())
            .field("values", &self.nodes.len())
            .finish()
    }
}
