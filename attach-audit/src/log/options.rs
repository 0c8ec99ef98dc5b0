#[cfg(feature = "checkpoints")]
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "checkpoints")]
use crate::checkpoint::Signer;

/// How a [`Log`](crate::Log) is kept.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// The node's name, in every record and in the names of the files.
    pub node: String,
    /// The build of the program.
    pub build: String,
    /// A digest of the configuration in force.
    pub config_hash: String,
    /// Protections that are off, for the `start` record; what this version of the log lacks is added by itself.
    pub protections_off: Vec<Box<str>>,
    /// Whether records are sent elsewhere as well; the `start` record says if they are not.
    pub egress: bool,
    /// A segment that has reached this many bytes is followed by a new one. Restarting reads one segment.
    pub segment_bytes: u64,
    /// A segment that is this old is followed by a new one, if it has a record of somebody's: who takes closed segments away
    /// is not to wait for a node that has little to do. However old unless set.
    pub segment_age: Option<Duration>,
    /// How long a record may wait for the disk before its request is refused. A disk that has not failed is given a
    /// tenth of a second at least.
    pub patience: Duration,
    /// How long the log waits before it tries a failed disk again.
    pub retry: Duration,
    /// How long a record that nobody waits for may stay in memory.
    pub linger: Duration,
    /// What signs checkpoints; without it there are none, and the `start` record says so.
    #[cfg(feature = "checkpoints")]
    pub signer: Option<Arc<Signer>>,
    /// How old a record may grow before a checkpoint covers it.
    pub checkpoint_age: Duration,
    /// How many records may be durable that no checkpoint covers; the next write has one then.
    pub checkpoint_records: u64,
    /// Bytes kept on the disk for the records of running requests, for when it is full.
    pub reserve: u64,
}

impl Options {
    /// The defaults for `node`: segments of 64 MiB, half a second of patience, a quarter between attempts, 50 ms of
    /// lingering, 32 MiB in reserve, a checkpoint each second or 1,000 records if there is a signer.
    #[must_use]
    pub fn new(node: impl Into<String>) -> Self {
        Self {
            node: node.into(),
            build: String::new(),
            config_hash: String::new(),
            protections_off: Vec::new(),
            egress: false,
            segment_bytes: 64 << 20,
            segment_age: None,
            patience: Duration::from_millis(500),
            retry: Duration::from_millis(250),
            linger: Duration::from_millis(50),
            #[cfg(feature = "checkpoints")]
            signer: None,
            checkpoint_age: Duration::from_secs(1),
            checkpoint_records: 1000,
            reserve: 32 << 20,
        }
    }

    /// Names the build of the program.
    #[must_use]
    pub fn build(self, build: impl Into<String>) -> Self {
        Self { build: build.into(), ..self }
    }

    /// Sets the digest of the configuration in force.
    #[must_use]
    pub fn config_hash(self, hash: impl Into<String>) -> Self {
        Self { config_hash: hash.into(), ..self }
    }

    /// Adds to the protections that the `start` record says are off.
    #[must_use]
    pub fn without(mut self, protection: impl Into<Box<str>>) -> Self {
        self.protections_off.push(protection.into());
        self
    }

    /// Says whether records are sent elsewhere as well.
    #[must_use]
    pub fn egress(self, egress: bool) -> Self {
        Self { egress, ..self }
    }

    /// Sets the size at which a segment is followed by a new one.
    #[must_use]
    pub fn segment_bytes(self, bytes: u64) -> Self {
        Self { segment_bytes: bytes, ..self }
    }

    /// Sets how old a segment grows before it is followed by a new one.
    #[must_use]
    pub fn segment_age(self, age: Option<Duration>) -> Self {
        Self { segment_age: age, ..self }
    }

    /// Sets how long the log waits before it tries a failed disk again.
    #[must_use]
    pub fn retry(self, retry: Duration) -> Self {
        Self { retry, ..self }
    }

    /// Signs a checkpoint each second or 1,000 records, while there are records, and at the end.
    #[cfg(feature = "checkpoints")]
    #[must_use]
    pub fn signer(self, signer: Signer) -> Self {
        Self { signer: Some(Arc::new(signer)), ..self }
    }

    /// Sets how long a record may wait for the disk.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Sets how many bytes are kept on the disk for when it is full; 0 keeps none.
    #[must_use]
    pub fn reserve(self, bytes: u64) -> Self {
        Self { reserve: bytes, ..self }
    }
}
