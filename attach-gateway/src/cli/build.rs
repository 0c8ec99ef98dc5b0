//! Which build this is.

use std::sync::LazyLock;

/// Optional parts that this build has.
const FEATURES: &[(&str, bool)] = &[
    ("dev", cfg!(feature = "dev")),
    ("tiktoken", cfg!(feature = "tiktoken")),
    ("ner", cfg!(feature = "ner")),
];

/// Version, commit if `ATTACH_COMMIT` was set when it was built, platform, kind of build, optional parts.
pub(super) fn version() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let commit = option_env!("ATTACH_COMMIT").map(|commit| format!("{commit}, ")).unwrap_or_default();
        let kind = if cfg!(debug_assertions) { "debug" } else { "release" };
        let parts: Vec<_> = FEATURES.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
        let parts = if parts.is_empty() { String::new() } else { format!(", with {}", parts.join(", ")) };
        format!(
            "{} ({commit}{}-{}, {kind}{parts})",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::ARCH,
            std::env::consts::OS
        )
    });
    &TEXT
}
