use sha2::{Digest, Sha256};

use super::Key;
use crate::Unit;
use crate::limit::Scope;

/// Changes when what stands for a bucket does: old rows are nobody's then.
const FORMAT: &str = "attach-quota/1";

/// Stands for whose bucket of what where others read it: the same in every process, and no name of anybody.
///
/// The first half of a SHA-256 over all that tells buckets apart, each part with its length in front so that no two
/// lists of parts read the same.
pub(super) fn digest(key: &Key, unit: Unit) -> u128 {
    let mut hash = Sha256::new();
    let mut part = |part: Option<&str>| match part {
        Some(text) => {
            hash.update([1]);
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        None => hash.update([0]),
    };
    part(Some(FORMAT));
    part(Some(key.bucket()));
    part(Some(unit.as_str()));
    part(Some(key.scope().as_str()));
    match key.scope() {
        Scope::Claim(path) => part(Some(&path.to_string())),
        _ => part(None),
    }
    part(key.directory());
    part(key.id());
    let whole: [u8; 32] = hash.finalize().into();
    whole.first_chunk().map_or(0, |half| u128::from_be_bytes(*half))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;

    use attach_core::identity::ClaimPath;

    use super::super::Owner;
    use super::*;
    use crate::{Limit, Rate};

    fn key(id: &str, scope: &Scope, directory: Option<&str>, name: Option<&str>) -> Key {
        let limit = Limit::requests(id, Rate::per_minute(1));
        let (directory, name) = (directory.map(Arc::from), name.map(Arc::from));
        Key::new(&limit, Owner::after(&mut None, scope, directory.as_ref(), name.as_ref()))
    }

    #[test]
    fn a_bucket_is_known_again_by_every_version() {
        let claim = Scope::Claim(ClaimPath::literal("/org/unit"));
        let known = digest(&key("monthly", &claim, Some("acme"), Some("r&d")), Unit::MicroUsd);
        assert_eq!(format!("{known:032x}"), "b693684aef5f35035280c1fbc105a479");
    }

    #[test]
    fn what_differs_in_any_part_is_another_bucket() {
        let claim = |path| Scope::Claim(ClaimPath::literal(path));
        let keys = [
            key("a", &Scope::User, Some("d"), Some("i")),
            key("b", &Scope::User, Some("d"), Some("i")),
            key("a", &Scope::Key, Some("d"), Some("i")),
            key("a", &Scope::User, Some("e"), Some("i")),
            key("a", &Scope::User, Some("d"), Some("j")),
            key("a", &Scope::User, Some("di"), Some("")),
            key("a", &Scope::User, Some("di"), None),
            key("a", &Scope::User, None, Some("di")),
            key("a", &claim("x"), Some("d"), Some("i")),
            key("a", &claim("y"), Some("d"), Some("i")),
        ];
        let units = [Unit::Tokens, Unit::Requests];
        let all: HashSet<_> = keys.iter().flat_map(|key| units.map(|unit| digest(key, unit))).collect();
        assert_eq!(all.len(), keys.len() * units.len());
    }
}
