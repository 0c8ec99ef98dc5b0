use serde::{Serialize, Serializer, ser};

use crate::chain;

/// A keyed digest of a text, as records have it: `hmac-sha256:<key id>:<64 hex digits>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digest {
    /// The key's id.
    pub(crate) key: [u8; 4],
    pub(crate) mac: [u8; 32],
}

/// What it begins with.
const KIND: &[u8; 12] = b"hmac-sha256:";

impl Digest {
    pub(crate) const LENGTH: usize = KIND.len() + 8 + 1 + 64;

    /// As text, in ASCII.
    pub(crate) fn text(&self) -> [u8; Self::LENGTH] {
        let mut text = [b':'; Self::LENGTH];
        text[..KIND.len()].copy_from_slice(KIND);
        let (id, mac) = text[KIND.len()..].split_at_mut(8);
        chain::write_hex(&self.key, id);
        chain::write_hex(&self.mac, &mut mac[1..]);
        text
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(str::from_utf8(&self.text()).map_err(ser::Error::custom)?)
    }
}
