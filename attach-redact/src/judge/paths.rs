//! Where in the events of a stream a member stands, as one number.

use std::hash::{BuildHasher, RandomState};

use attach_core::json::{Kind, Value};

/// Members of an event that say which part of an answer it is about.
const ABOUT: [&str; 4] = ["index", "output_index", "content_index", "summary_index"];

/// Follows a document in reading order, and knows of each value where it stands.
///
/// Elements of an array that say their `index`, as choices and calls of tools do, are known by it, others by their position.
pub(super) struct Paths<'h> {
    hasher: &'h RandomState,
    around: Vec<Container>,
}

struct Container {
    path: u64,
    /// Where it ends.
    end: usize,
    elements: u64,
}

impl<'h> Paths<'h> {
    pub(super) fn new(hasher: &'h RandomState) -> Self {
        Self { hasher, around: Vec::new() }
    }

    /// Where `value` stands, which comes after those that were asked for before, and is in none that was not.
    pub(super) fn of(&mut self, value: Value<'_>) -> u64 {
        let span = value.span();
        while self.around.pop_if(|container| container.end <= span.start).is_some() {}
        let hasher = self.hasher;
        let path = match (self.around.last_mut(), value.key()) {
            (None, _) => of_event(hasher, value),
            (Some(object), Some(key)) => hasher.hash_one((object.path, key)),
            (Some(array), None) => {
                array.elements += 1;
                let index = value.get("index").and_then(Value::as_u64);
                hasher.hash_one((array.path, index, index.map_or(array.elements, |_| 0)))
            }
        };
        if matches!(value.kind(), Kind::Object | Kind::Array) {
            self.around.push(Container { path, end: span.end, elements: 0 });
        }
        path
    }
}

fn of_event(hasher: &RandomState, event: Value<'_>) -> u64 {
    let about = ABOUT.map(|key| event.get(key).and_then(Value::as_u64));
    hasher.hash_one((event.get("type").and_then(Value::as_str), about))
}

#[cfg(test)]
mod tests {
    use attach_core::json::Document;

    use super::*;

    /// Where "x" stands.
    fn of(hasher: &RandomState, json: &str) -> u64 {
        let document = Document::parse(json.as_bytes().to_vec().into()).unwrap();
        let mut paths = Paths::new(hasher);
        let root = document.root();
        let mut all = std::iter::once(root).chain(root.descendants()).map(|value| (paths.of(value), value));
        all.find(|(_, value)| value.as_str().as_deref() == Some("x")).unwrap().0
    }

    #[test]
    fn a_member_is_known_by_where_it_stands() {
        let hasher = RandomState::new();
        let of = |json: &str| of(&hasher, json);
        let first = of(r#"{"choices":[{"index":1,"a":"y","delta":{"d":[{"t":"x"}]}}]}"#);
        assert_eq!(first, of(r#"{"id":[1],"choices":[{},{"delta":{"d":[{"u":{},"t":"x"}]},"index":1}]}"#));
        for other in [
            r#"{"choices":[{"index":0,"delta":{"d":[{"t":"x"}]}}]}"#,
            r#"{"choices":[{"index":1,"delta":{"d":[{},{"t":"x"}]}}]}"#,
            r#"{"choices":[{"index":1,"delta":{"d":[{"u":"x"}]}}]}"#,
            r#"{"choices":[{"index":1,"delta":{"d":[{"index":0,"t":"x"}]}}]}"#,
            r#"{"type":"a","choices":[{"index":1,"delta":{"d":[{"t":"x"}]}}]}"#,
            r#"{"output_index":1,"choices":[{"index":1,"delta":{"d":[{"t":"x"}]}}]}"#,
        ] {
            assert_ne!(first, of(other), "{other}");
        }
    }
}
