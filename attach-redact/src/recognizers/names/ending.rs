//! Endings that family names have, and few other words.

/// Whether `word` ends as family names do in Slavic, Nordic, Finnish, Greek, Georgian, Armenian, Romanian, Turkish,
/// German, Hungarian or Basque.
pub(super) fn is_telling(word: &str) -> bool {
    (6..=32).contains(&word.len())
        && word.as_bytes().get(1).is_some_and(|second| !second.is_ascii_uppercase())
        && of(word).iter().any(|ending| word.ends_with(ending))
}

/// The endings with the last byte of `word`.
fn of(word: &str) -> &'static [&'static str] {
    match word.as_bytes().last() {
        Some(b'a') => &[
            "ova", "yeva", "aeva", "oeva", "ieva", "leva", "meva", "neva", "reva", "seva", "zeva", "wska",
            "ńska", "nska", "lska", "cka", "etxea", "skaya",
        ],
        Some(b'c') => &["vić", "ovic", "evic", "ovec", "lovec", "movec"],
        Some(b'd') => &["gaard", "gård"],
        Some(b'e') => &["adze", "idze"],
        Some(b'g') => &["enberg", "lberg", "ngborg"],
        Some(b'i') => &["shvili", "wski", "ński", "nski", "lski", "cki", "ányi", "ényi"],
        Some(b'k') => &["chuk", "czuk", "czyk", "czak", "szek", "ček", "ášek"],
        Some(b'm') => &["ström", "strøm", "strom"],
        Some(b'n') => &[
            "sson", "ssen", "rsen", "lsen", "nsen", "dsen", "tsen", "ksen", "inen", "änen", "önen", "mann",
            "ryan", "ntyan", "nyan", "syan", "gyan", "kyan", "dyan", "lyan", "zyan", "tyan", "ersson",
        ],
        Some(b'o') => &["enko"],
        Some(b'r') => &["óttir", "ottir", "datter", "berger", "hofer", "meyer", "meier", "mayer", "bauer"],
        Some(b's') => &["poulos", "idis", "iadis", "akis", "adakis"],
        Some(b't') => &["qvist", "quist", "kvist"],
        Some(b'u') => &["poulou", "escu", "eanu", "oglu", "oğlu"],
        Some(b'v') => &["ov", "yev", "aev", "oev", "iev", "lev", "mev", "nev", "rev", "sev", "zev", "tsev"],
        Some(b'y') => &["vsky", "nsky", "lsky", "ffy", "skiy", "skyy"],
        Some(b'z') => &["wicz", "ász", "ész"],
        // The last byte of ć, č.
        Some(0x87 | 0x8D) => &["ić", "ič"],
        // á, é, ý and the like.
        Some(0xA1) => &["ová", "ská", "cká"],
        Some(0xBD) => &["ský", "cký"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn family_names_of_many_peoples_are_told_by_their_endings() {
        for name in [
            "Umkhayev",
            "Vizirova",
            "Červenková",
            "Vitorović",
            "Steinarsdóttir",
            "Pyykkönen",
            "Shervashidze",
            "Bergqvist",
        ] {
            assert!(is_telling(name), "{name}");
        }
        for word in ["Archive", "Nov", "Kubernetes", "KOV", "Alaska", "Review", "Linen"] {
            assert!(!is_telling(word), "{word}");
        }
    }
}
