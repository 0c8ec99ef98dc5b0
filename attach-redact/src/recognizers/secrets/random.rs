//! What a made-up value looks like, and what a sample does.

/// In bits per character; less is a sample such as `XXXX`.
pub(super) const ENTROPY: f64 = 2.2;

/// How much of a value is measured.
const MEASURED: usize = 1024;

/// Whether `secret` has at least `least` bits per character and is no sample.
pub(super) fn is_random(secret: &str, least: f64) -> bool {
    let bytes = secret.as_bytes();
    let samples = ["XXXXXXXX", "xxxxxxxx", "00000000000000", "********", "abcdefghijklmnopqrstuvwxyz"];
    // So many different characters have so many bits at most.
    let different = bytes.iter().fold(0_u128, |all, byte| all | 1 << (byte & 127)).count_ones();
    f64::from(different).log2() >= least
        && entropy(secret) >= least
        && !samples.iter().any(|run| memchr::memmem::find(bytes, run.as_bytes()).is_some())
        && !is_published(secret)
}

/// Shannon's, in bits per byte.
pub(super) fn entropy(text: &str) -> f64 {
    let bytes = &text.as_bytes()[..text.len().min(MEASURED)];
    let mut counts = [0_u32; 256];
    bytes.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    let total = bytes.len() as f64;
    let part = |count: &u32| {
        let share = f64::from(*count) / total;
        -share * share.log2()
    };
    counts.iter().filter(|count| **count > 0).map(part).sum()
}

/// Whether everybody knows `secret`: keys that their issuers print in public samples. Without the first letters, so
/// that nobody takes this file for a leak.
fn is_published(secret: &str) -> bool {
    match secret.strip_prefix("AIza") {
        Some(rest) => GOOGLE.contains(&rest),
        // The samples of Amazon's documentation.
        None => secret.len() == 20 && secret.ends_with("EXAMPLE"),
    }
}

/// The keys of Google's public samples, which gitleaks allows as well.
const GOOGLE: [&str; 15] = [
    "SyAnLA7NfeLquW1tJFpx_eQCxoX-oo6YyIs",
    "SyCkEhVjf3pduRDt6d1yKOMitrUEke8agEM",
    "SyDMAScliyLx7F0NPDEJi1QmyCgHIAODrlU",
    "SyD3asb-2pEZVqMkmL6M9N6nHZRR_znhrh0",
    "yDNSXIbFmlXbIE6mCzDLQAqITYefhixbX4A",
    "SyAdOS2zB6NCsk1pCdZ4-P6GBdi_UUPwX7c",
    "SyASWm6HmTMdYWpgMnjRBjxcQ9CKctWmLd4",
    "SyANUvH9H9BsUccjsu2pCmEkOPjjaXeDQgY",
    "SyA5_iVawFQ8ABuTZNUdcwERLJv_a_p4wtM",
    "SyA4UrcGxgwQFTfaI3no3t7Lt1sjmdnP5sQ",
    "SyDSb51JiIcB6OJpwwMicseKRhhrOq1cS7g",
    "SyBF2RrAIm4a0mO64EShQfqfd2AFnzAvvuU",
    "SyBcE-OOIbhjyR83gm4r2MFCu4MJmprNXsw",
    "SyB8qGxt4ec15vitgn44duC5ucxaOi4FmqE",
    "SyA8vmApnrHNFE0bApF4hoZ11srVL_n0nvY",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_not_random() {
        assert!(is_random("7rzx8740q4yxh26hp05dcxs84kic3d3cglok", 3.0));
        assert!(!is_random("xxxxxxxxxxxxxxxxxxxxxxxxxxxx", 2.0));
        assert!(!is_random("AKIAIOSFODNN7EXAMPLE", 2.0));
        assert!(!is_random(&format!("AIza{}", GOOGLE[0]), 2.0));
    }
}
