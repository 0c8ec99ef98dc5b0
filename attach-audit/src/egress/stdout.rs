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
    batch: Batch,
    format: Format,
    done: oneshot::Sender<io::Result<Delivered>>,
}

impl Job {
    /// The records that can be read, and how many cannot.
    fn text(&self) -> (Vec<u8>, u64) {
        let (mut text, mut rejected) = (Vec::new(), 0);
        for line in self.batch.lines() {
            let Ok(entry) = Entry::parse(&line.bytes) else {
                rejected += 1;
                continue;
            };
            self.format.write(&entry, &line.bytes, &mut text);
            text.push(b'\n');
        }
        (text, rejected)
    }
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

    /// Hands a batch to the thread that writes, which is started for the first. A thread of its own, for a runtime waits
    /// for its blocking tasks when it ends, and a write to a reader that is stuck does not return.
    fn hand_over(&self, job: Job) -> io::Result<()> {
        let gone = || io::Error::other("its thread has ended");
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if jobs.is_none() {
            let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or_else(gone)?;
            let (sender, receiver) = channel::<Job>();
            thread::Builder::new().name("attach-audit-stdout".into()).spawn(move || {
                let mut torn = false;
                for job in receiver {
                    let (text, rejected) = job.text();
                    let written = write(&mut *out, &text, &mut torn);
                    // Nobody waits for it any longer when the log has ended.
                    let _ = job.done.send(written.map(|()| Delivered::all_but(rejected)));
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
        let (done, written) = oneshot::channel();
        let handed_over = self.hand_over(Job { batch, format: self.format, done });
        Box::pin(async move {
            let failed = |error: &dyn fmt::Display| SendError::unavailable(error.to_string());
            handed_over.map_err(|error| failed(&error))?;
            match written.await {
                Ok(Ok(delivered)) => Ok(delivered),
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Condvar, MutexGuard};
    use std::time::Duration;

    use super::*;
    use crate::log::{Line, Position};

    /// A reader that takes what it gets, nothing for a while, or part of it.
    #[derive(Clone, Default)]
    struct Pipe(Arc<(Mutex<State>, Condvar)>);

    #[derive(Default)]
    struct State {
        text: Vec<u8>,
        stuck: bool,
        /// How much it takes before it breaks.
        room: Option<usize>,
    }

    impl Pipe {
        fn lock(&self) -> MutexGuard<'_, State> {
            self.0.0.lock().expect("unpoisoned")
        }

        fn text(&self) -> String {
            String::from_utf8(self.lock().text.clone()).expect("text")
        }
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut state = self.0.1.wait_while(self.lock(), |state| state.stuck).expect("unpoisoned");
            let taken = bytes.len().min(state.room.unwrap_or(usize::MAX));
            if taken == 0 {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            state.room = state.room.map(|room| room - taken);
            state.text.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn batch(lines: &[&str]) -> Batch {
        let end: Position = "audit-n-0000000000001-000000.jsonl:1".parse().expect("a position");
        let line = |text: &&str| Line { bytes: text.as_bytes().into(), end: end.clone() };
        Batch::new(lines.iter().map(line).collect())
    }

    #[tokio::test]
    async fn records_are_lines_and_what_is_none_is_counted() {
        let pipe = Pipe::default();
        let stdout = Stdout::over("stdout", pipe.clone());
        let delivered = stdout.send(batch(&["{\"seq\":1}", "no record", "{\"seq\":2}"])).await;
        assert_eq!(delivered, Ok(Delivered::all_but(1)));
        assert_eq!(pipe.text(), "{\"seq\":1}\n{\"seq\":2}\n");
    }

    #[tokio::test]
    async fn a_stuck_reader_only_lags() {
        let pipe = Pipe::default();
        pipe.lock().stuck = true;
        let stdout = Stdout::over("stdout", pipe.clone());
        let mut sending = stdout.send(batch(&["{\"seq\":1}"]));
        tokio::time::timeout(Duration::from_millis(50), &mut sending).await.expect_err("it is stuck");
        pipe.lock().stuck = false;
        pipe.0.1.notify_all();
        assert_eq!(sending.await, Ok(Delivered::all()));
        assert_eq!(pipe.text(), "{\"seq\":1}\n");
    }

    #[tokio::test]
    async fn a_reader_that_went_away_fails_and_a_torn_line_is_ended_first() {
        let pipe = Pipe::default();
        pipe.lock().room = Some(4);
        let stdout = Stdout::over("stdout", pipe.clone());
        let failed = stdout.send(batch(&["{\"seq\":1}"])).await.expect_err("it broke");
        assert!(matches!(failed, SendError::Unavailable { .. }));
        stdout.send(batch(&["{\"seq\":1}"])).await.expect_err("it is still broken");
        pipe.lock().room = None;
        assert_eq!(stdout.send(batch(&["{\"seq\":1}"])).await, Ok(Delivered::all()));
        assert_eq!(pipe.text(), "{\"se\n{\"seq\":1}\n");
    }
}
