//! Records on the standard output, a line each.

use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc::{Sender, channel};
use std::{fmt, thread};

use tokio::sync::oneshot;

use super::{Batch, Delivered, SendError, SendFuture, Target};
use crate::format::Format;
use crate::read::Entry;

/// The standard output. A reader that does not read, or that went away, keeps nobody waiting but this.
pub struct Stdout {
    name: Box<str>,
    format: Format,
    jobs: Mutex<Option<Sender<Job>>>,
    out: Mutex<Option<Box<dyn Write + Send>>>,
}

struct Job {
    text: Vec<u8>,
    done: oneshot::Sender<io::Result<()>>,
}

impl Stdout {
    /// Under this name, in the native format.
    #[must_use]
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self::over(name, io::stdout())
    }

    /// Writes somewhere else.
    pub(super) fn over(name: impl Into<Box<str>>, out: impl Write + Send + 'static) -> Self {
        let out = Mutex::new(Some(Box::new(out) as _));
        Self { name: name.into(), format: Format::Native, jobs: Mutex::new(None), out }
    }

    /// Replaces the format.
    #[must_use]
    pub fn format(self, format: Format) -> Self {
        Self { format, ..self }
    }

    /// Hands text to the thread that writes, which is started for the first. A thread of its own, for a runtime waits
    /// for its blocking tasks when it ends, and a write to a reader that is stuck does not return.
    fn hand_over(&self, job: Job) -> io::Result<()> {
        let gone = || io::Error::other("its thread has ended");
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if jobs.is_none() {
            let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or_else(gone)?;
            let (sender, receiver) = channel::<Job>();
            thread::Builder::new().name("attach-audit-stdout".into()).spawn(move || {
                let mut torn = false;
                for Job { text, done } in receiver {
                    // Nobody waits for it any longer when the log has ended.
                    let _ = done.send(write(&mut *out, &text, &mut torn));
                }
            })?;
            *jobs = Some(sender);
        }
        jobs.as_ref().ok_or_else(gone)?.send(job).map_err(|_| gone())
    }
}

/// Writes whole lines. What a failure left of a line is ended before the next attempt.
fn write(out: &mut dyn Write, text: &[u8], torn: &mut bool) -> io::Result<()> {
    if *torn {
        out.write_all(b"\n")?;
    }
    *torn = true;
    out.write_all(text)?;
    out.flush()?;
    *torn = false;
    Ok(())
}

impl Target for Stdout {
    fn name(&self) -> &str {
        &self.name
    }

    fn send(&self, batch: Batch) -> SendFuture {
        let (mut text, mut rejected) = (Vec::new(), 0);
        for line in batch.lines() {
            let Ok(entry) = Entry::parse(&line.bytes) else {
                rejected += 1;
                continue;
            };
            self.format.write(&entry, &line.bytes, &mut text);
            text.push(b'\n');
        }
        let (done, written) = oneshot::channel();
        let handed_over = self.hand_over(Job { text, done });
        Box::pin(async move {
            let failed = |error: &dyn fmt::Display| SendError::unavailable(error.to_string());
            handed_over.map_err(|error| failed(&error))?;
            match written.await {
                Ok(Ok(())) => Ok(Delivered::all_but(rejected)),
                Ok(Err(error)) => Err(failed(&error)),
                Err(error) => Err(failed(&error)),
            }
        })
    }
}

impl fmt::Debug for Stdout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stdout")
            .field("name", &self.name)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}
