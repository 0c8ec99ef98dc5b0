use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};

/// Tool calls without an answer yet. Few of Ollama's have ids, so answers find their call by name, else by order.
///
/// A conversation may have tens of thousands of both: a call is found without looking through the others.
#[derive(Default)]
pub(super) struct OpenCalls<'a> {
    /// All of them in order, with what is left of those that are open.
    calls: Vec<Option<Cow<'a, str>>>,
    by_id: HashMap<Cow<'a, str>, VecDeque<usize>>,
    by_name: HashMap<Cow<'a, str>, VecDeque<usize>>,
    /// No call before it is open.
    first: usize,
    /// The ids that calls of the conversation have, those that are still to come among them.
    taken: HashSet<Cow<'a, str>>,
}

impl<'a> OpenCalls<'a> {
    /// Of a conversation whose calls have these ids.
    pub(super) fn new(ids: impl Iterator<Item = Cow<'a, str>>) -> Self {
        Self { taken: ids.collect(), ..Self::default() }
    }

    /// Notes a call, and says its id: its own, or a new one, which nobody can have answered by.
    pub(super) fn open(&mut self, id: Option<Cow<'a, str>>, name: &Cow<'a, str>) -> Cow<'a, str> {
        let at = self.calls.len();
        if let Some(id) = &id {
            self.by_id.entry(id.clone()).or_default().push_back(at);
        }
        let id = id.unwrap_or_else(|| self.new_id(at + 1).into());
        self.calls.push(Some(id.clone()));
        self.by_name.entry(name.clone()).or_default().push_back(at);
        id
    }

    fn new_id(&self, number: usize) -> String {
        let mut id = format!("call_{number}");
        while self.taken.contains(&*id) {
            id.push('_');
        }
        id
    }

    /// The id of the oldest open call with this id, else with this name, or of any name if none is said; it is open no
    /// more.
    pub(super) fn close(&mut self, id: Option<&str>, name: Option<&str>) -> Option<Cow<'a, str>> {
        let by_id = id.and_then(|id| oldest(&self.calls, self.by_id.get_mut(id)?));
        let at = match (by_id, name) {
            (Some(at), _) => at,
            (None, Some(name)) => oldest(&self.calls, self.by_name.get_mut(name)?)?,
            (None, None) => self.any()?,
        };
        self.calls.get_mut(at)?.take()
    }

    fn any(&mut self) -> Option<usize> {
        while self.calls.get(self.first)?.is_none() {
            self.first += 1;
        }
        Some(self.first)
    }
}

/// The first of `places` that is open; those before it are forgotten.
fn oldest(calls: &[Option<Cow<'_, str>>], places: &mut VecDeque<usize>) -> Option<usize> {
    while let Some(at) = places.pop_front() {
        if calls.get(at).is_some_and(Option::is_some) {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_find_their_call_by_id_by_name_or_by_order() {
        let mut calls = OpenCalls::default();
        for (id, name) in [(None, "a"), (Some("x"), "b"), (None, "a"), (Some("x"), "b"), (None, "c")] {
            calls.open(id.map(Cow::Borrowed), &name.into());
        }
        assert_eq!(calls.close(Some("x"), Some("a")).as_deref(), Some("x"));
        assert_eq!(calls.close(Some("unknown"), Some("a")).as_deref(), Some("call_1"));
        assert_eq!(calls.close(None, None).as_deref(), Some("call_3"), "what is answered is passed over");
        assert_eq!(calls.close(None, Some("b")).as_deref(), Some("x"));
        assert_eq!(calls.close(None, Some("b")), None);
        assert_eq!(calls.close(None, None).as_deref(), Some("call_5"));
        assert_eq!(calls.close(None, None), None);
    }

    #[test]
    fn an_id_that_is_made_up_is_nobodys() {
        let mut calls = OpenCalls::new(["call_1", "call_2"].into_iter().map(Cow::Borrowed));
        let ids = [None, Some("call_1"), Some("call_2"), None];
        let said = ids.map(|id| calls.open(id.map(Cow::Borrowed), &"f".into()));
        assert_eq!(said, ["call_1_", "call_1", "call_2", "call_4"]);
        for answered in ["call_1", "call_2"] {
            assert_eq!(calls.close(Some(answered), None).as_deref(), Some(answered));
        }
        assert_eq!(calls.close(Some("call_4"), Some("f")).as_deref(), Some("call_1_"), "by its name alone");
    }

    #[test]
    fn many_calls_answered_from_the_last_to_the_first_are_found_at_once() {
        const MANY: usize = 60_000;
        let mut calls = OpenCalls::default();
        for n in 0..MANY {
            calls.open(Some(n.to_string().into()), &"f".into());
        }
        let began = std::time::Instant::now();
        for n in (0..MANY).rev() {
            assert!(calls.close(Some(&n.to_string()), None).is_some());
        }
        assert_eq!(calls.close(None, None), None);
        assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
    }
}
