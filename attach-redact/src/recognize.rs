use crate::{Entity, Fault, Finding};

/// Finds something of its own in a text.
///
/// Closures that cannot fail are recognizers as they are:
///
/// ```
/// use attach_redact::{Entity, Finding, Redactor};
///
/// let badge = Entity::custom("BADGE")?;
/// let redactor = Redactor::builder()
///     .recognizer(move |text: &str| {
///         let at = text.find("badge #").map(|at| at + 7);
///         at.map(|at| Finding::new(at..at + 4, badge.clone(), 0.9)).into_iter().collect::<Vec<_>>()
///     })
///     .build()?;
/// assert_eq!(redactor.find("my badge #0042 is lost")[0].range, 10..14);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Recognize: Send + Sync + 'static {
    /// Everything found in `text`. Ranges off character boundaries or out of bounds are a fault.
    ///
    /// # Errors
    ///
    /// A fault refuses the request: what could not be looked at does not leave.
    fn recognize(&self, text: &str) -> Result<Vec<Finding>, Fault>;

    /// The same for one that takes long: it asks `go_on` before each piece of its work, and gives back the fault that this
    /// is once the [budget](crate::Builder::budget) is used up.
    ///
    /// # Errors
    ///
    /// As [`recognize`](Self::recognize), and what `go_on` says.
    fn recognize_while(
        &self,
        text: &str,
        go_on: &dyn Fn() -> Result<(), Fault>,
    ) -> Result<Vec<Finding>, Fault> {
        go_on()?;
        self.recognize(text)
    }

    /// The entities of its own that it finds, so that their placeholders are known for what they are.
    fn entities(&self) -> Vec<Entity> {
        Vec::new()
    }

    /// Whether it takes long even for a short text. If so, every body is worked on elsewhere, where there is an
    /// [`Offload`](crate::Offload).
    fn is_slow(&self) -> bool {
        false
    }
}

impl<F> Recognize for F
where
    F: Fn(&str) -> Vec<Finding> + Send + Sync + 'static,
{
    fn recognize(&self, text: &str) -> Result<Vec<Finding>, Fault> {
        Ok(self(text))
    }
}
