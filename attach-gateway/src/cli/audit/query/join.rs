//! An intent and its outcome are one line.

use std::collections::HashMap;
use std::io::{self, Write};

use attach_audit::read::Entry;
use memchr::memmem;

use super::super::span::Window;
use super::filter::Filter;
use super::output::Output;

/// Puts records together. Holds the intents that have no outcome yet.
pub(super) struct Join<'a, W> {
    filter: &'a Filter,
    window: Window,
    needles: Vec<memmem::Finder<'static>>,
    orphan: memmem::Finder<'static>,
    open: HashMap<Box<str>, Box<[u8]>>,
    output: Output<'a, W>,
}

impl<'a, W: Write> Join<'a, W> {
    pub(super) fn new(filter: &'a Filter, window: Window, output: Output<'a, W>) -> Self {
        let orphan = memmem::Finder::new("\"kind\":\"orphan\"");
        Self { filter, window, needles: filter.needles(), orphan, open: HashMap::new(), output }
    }

    /// Whether a line has to be parsed. An orphan names its request and nobody else.
    pub(super) fn may_matter(&self, line: &[u8]) -> bool {
        self.needles.iter().all(|needle| needle.find(line).is_some())
            || (!self.open.is_empty() && self.orphan.find(line).is_some())
    }

    pub(super) fn add(&mut self, entry: &Entry<'_>, line: &[u8]) -> io::Result<()> {
        if self.filter.is_single() {
            let wanted = self.filter.concerns(entry) && self.is_wanted(entry);
            return if wanted { self.output.one(entry, line) } else { Ok(()) };
        }
        let intent = entry.intent_id.as_deref().and_then(|id| self.open.remove(id));
        match (&*entry.kind, intent) {
            ("start" | "stop" | "segment" | "checkpoint", _) | ("orphan", None) => Ok(()),
            ("intent", _) => {
                if self.filter.concerns(entry) {
                    self.open.insert((*entry.id).into(), line.into());
                }
                Ok(())
            }
            ("orphan", Some(intent)) => match Entry::parse(&intent) {
                Ok(begun) if self.is_wanted(entry) => self.output.crashed(&begun, entry, [&intent, line]),
                _ => Ok(()),
            },
            _ if self.filter.concerns(entry) && self.is_wanted(entry) => self.output.one(entry, line),
            _ => Ok(()),
        }
    }

    fn is_wanted(&self, entry: &Entry<'_>) -> bool {
        self.filter.decided(entry) && self.window.contains(&entry.ts)
    }

    /// What is still running, or was when the process died.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        let mut left: Vec<_> = std::mem::take(&mut self.open).into_iter().collect();
        // UUIDv7: in the order of time.
        left.sort_unstable();
        for (_, line) in left {
            if let Ok(entry) = Entry::parse(&line)
                && self.is_wanted(&entry)
            {
                self.output.one(&entry, &line)?;
            }
        }
        self.output.finish()
    }
}
