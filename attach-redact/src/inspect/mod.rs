//! Finding somewhere else: engines behind a network, asked about the texts of a request before it is redacted.

use std::future::Future;
use std::pin::Pin;

use crate::{Fault, Finding};

mod ask;
mod call;
mod read;
mod remember;
mod together;

pub(crate) use self::ask::{Inspector, Seen};
pub(crate) use self::call::inspect;
pub(crate) use self::read::ask_readers;
pub use self::remember::Remembering;
#[cfg(feature = "remote")]
pub(crate) use self::together::together;

/// Finds in the texts of a request, somewhere else: in another process, behind a network.
///
/// It sees what the caller wrote, before anything is replaced; a text that others may read as JSON, or in which escapes
/// hide something (`\u0040`), also with its escapes opened, as a text of its own. What it finds is treated like every other finding: the
/// action of its entity applies, overlaps are united, a name it found is a name in all texts. It is asked once for each
/// request, and whoever leaves before it has answered drops the future.
///
/// ```
/// use attach_redact::{Entity, Fault, Finding, Inspect, Inspection, Redactor, Scope, WhenDown};
///
/// struct Staff;
///
/// impl Inspect for Staff {
///     async fn inspect(&self, texts: &[&str]) -> Result<Inspection, Fault> {
///         let mut seen = Inspection::new();
///         for (index, text) in texts.iter().enumerate() {
///             // Ask the directory here.
///             if let Some(at) = text.find("Nightingale") {
///                 seen.found(index, Finding::new(at..at + 11, Entity::custom("PROJECT").expect("a name"), 1.0));
///             }
///         }
///         Ok(seen)
///     }
/// }
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let redactor = Redactor::builder().inspector(Staff, WhenDown::Closed).build()?;
/// let redacted = redactor.inspect_text(&Scope::anonymous(), "Nightingale is late").await?;
/// assert!(redacted.text().starts_with("PII_PROJECT_"));
/// # Ok(())
/// # }
/// ```
pub trait Inspect: Send + Sync + 'static {
    /// What it is called in the audit record.
    fn name(&self) -> &'static str {
        "inspector"
    }

    /// What is found in `texts`, which all belong to one request. There is at least one, and none without a letter or a
    /// digit.
    ///
    /// # Errors
    ///
    /// When it could not be found out, in time or at all: [`WhenDown`] says what then.
    fn inspect(&self, texts: &[&str]) -> impl Future<Output = Result<Inspection, Fault>> + Send;
}

/// What happens to a request that an inspector could not look at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhenDown {
    /// It is refused: 503 `redaction_failed`.
    #[default]
    Closed,
    /// It goes on with what was found otherwise. The exchange's coverage is partial, and the log says so.
    Open,
}

/// What an [inspector](Inspect) found.
#[derive(Debug, Default)]
pub struct Inspection {
    findings: Vec<(usize, Finding)>,
    refusals: Vec<Box<str>>,
}

impl Inspection {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes down a `finding` in the text at `index`. A range that is out of bounds or off character boundaries is a
    /// fault of the inspector.
    pub fn found(&mut self, index: usize, finding: Finding) {
        self.findings.push((index, finding));
    }

    /// Refuses the request as a whole, as [`Action::Block`](crate::Action::Block) does: 400 `content_blocked` with
    /// `what`, the name of a rule. It is told to the caller, so it must hold nothing of the texts.
    pub fn refuse(&mut self, what: impl Into<Box<str>>) {
        let what = what.into();
        if !self.refusals.contains(&what) {
            self.refusals.push(what);
        }
    }

    /// What was found so far: in which text, and what.
    #[must_use]
    pub fn findings(&self) -> &[(usize, Finding)] {
        &self.findings
    }

    /// Why the request is refused, if it is.
    #[must_use]
    pub fn refusals(&self) -> &[Box<str>] {
        &self.refusals
    }
}

/// An answer under way.
pub(crate) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

/// [`Inspect`] for a list of several kinds.
pub(crate) trait DynInspect: Send + Sync {
    fn name(&self) -> &'static str;

    fn inspect<'a>(&'a self, texts: &'a [&'a str]) -> Answer<'a, Inspection>;
}

impl<I: Inspect> DynInspect for I {
    fn name(&self) -> &'static str {
        Inspect::name(self)
    }

    fn inspect<'a>(&'a self, texts: &'a [&'a str]) -> Answer<'a, Inspection> {
        Box::pin(Inspect::inspect(self, texts))
    }
}
