//! Tokens that were found good, by the digest of their bytes.

use std::fmt;
use std::sync::Arc;

use attach_core::Identity;
use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::sync::Cache;

use super::issuer::Verified;
use super::times::Times;

pub(super) type Digest = [u8; 32];

/// Only successes are kept, so a stranger cannot fill it.
pub(super) struct TokenCache(Cache<Digest, Entry>);

#[derive(Clone)]
pub(super) struct Entry {
    pub(super) identity: Arc<Identity>,
    /// The serial of the issuer that verified it.
    pub(super) issuer: u64,
    pub(super) times: Times,
    /// Of the key set that verified it.
    pub(super) generation: u64,
}

impl TokenCache {
    pub(super) fn new(capacity: usize) -> Self {
        Self(Cache::new(capacity))
    }

    pub(super) fn key(token: &str) -> Digest {
        let mut key = [0; 32];
        key.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        key
    }

    pub(super) fn find(&self, key: &Digest) -> Option<Entry> {
        self.0.get(key)
    }

    pub(super) fn keep(&self, key: Digest, issuer: u64, verified: &Verified) {
        let identity = Arc::clone(&verified.identity);
        let entry = Entry { identity, issuer, times: verified.times, generation: verified.generation };
        self.0.insert(key, entry);
    }

    pub(super) fn forget(&self, key: &Digest) {
        self.0.remove(key);
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").field("entries", &self.0.len()).finish()
    }
}
