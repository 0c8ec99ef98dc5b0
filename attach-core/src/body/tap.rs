use std::fmt;

use super::gate::Guard;

/// How a body, or the future that was to bring one, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a body cannot end in a fourth way")]
pub enum End {
    /// Everything was read.
    Ended,
    /// It broke.
    Failed,
    /// Nobody reads on: the client is gone, or the service dropped it.
    Dropped,
}

/// Calls a function exactly once with how a body ended.
///
/// Made before the inner service is called, kept in the response future, moved into the body by
/// [`ResponseBody::gated`](crate::ResponseBody::gated): so a future that is dropped before there are headers is
/// noticed as well. The function runs in a destructor at times: it must not block, await or panic.
pub struct Tap<F: FnOnce(End)>(Option<F>);

impl<F: FnOnce(End)> Tap<F> {
    /// Calls `note` at the end.
    #[must_use]
    pub fn new(note: F) -> Self {
        Self(Some(note))
    }

    /// Notes `end` now, unless one was noted before.
    pub fn note(&mut self, end: End) {
        if let Some(note) = self.0.take() {
            note(end);
        }
    }
}

impl<F: FnOnce(End)> Drop for Tap<F> {
    fn drop(&mut self) {
        self.note(End::Dropped);
    }
}

impl<F: FnOnce(End) + Send + 'static> Guard for Tap<F> {
    fn done(&mut self, end: End) {
        self.note(end);
    }
}

impl<F: FnOnce(End)> fmt::Debug for Tap<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tap").field(&self.0.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn the_first_end_is_the_end() {
        let ends = Mutex::new(Vec::new());
        let mut tap = Tap::new(|end| ends.lock().expect("not poisoned").push(end));
        tap.note(End::Failed);
        tap.note(End::Ended);
        drop(tap);
        assert_eq!(*ends.lock().expect("not poisoned"), [End::Failed]);
    }

    #[test]
    fn a_drop_is_an_end() {
        let ends = Mutex::new(Vec::new());
        drop(Tap::new(|end| ends.lock().expect("not poisoned").push(end)));
        assert_eq!(*ends.lock().expect("not poisoned"), [End::Dropped]);
    }
}
