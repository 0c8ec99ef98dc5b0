//! The user and the password given to `curl`.

use std::ops::Range;

use super::push;
use super::random::is_random;
use crate::engine::{Hits, ceil};

/// How far before the option `curl` may stand, and how long what is given may be.
const REACH: usize = 1024;
const LONGEST: usize = 256;

/// Words that manuals write for a password.
const SAMPLES: [&str; 21] = [
    "user",
    "username",
    "password",
    "passwd",
    "pass",
    "pwd",
    "secret",
    "token",
    "test",
    "changeme",
    "changeit",
    "key",
    "apikey",
    "api_key",
    "api-key",
    "yourpassword",
    "your_password",
    "your-password",
    "foo",
    "bar",
    "example",
];

/// The user and the password given after `-u` or `--user`, which ends at `at`.
pub(crate) fn scan(hits: &mut Hits<'_>, at: usize) {
    let text = hits.text;
    let start = ceil(text, at.saturating_sub(REACH));
    if hits.is_secret(at) || !text.get(start..at).is_some_and(|before| before.contains("curl")) {
        return;
    }
    if let Some(given) = given(text, at)
        && let Some((user, password)) = text.get(given.clone()).and_then(|given| given.split_once(':'))
        && is_made_up(user, password)
    {
        push(hits, given, 0.8);
    }
}

/// What stands at `at`: in quotes, or parts of it in quotes.
fn given(text: &str, at: usize) -> Option<Range<usize>> {
    let rest = text.get(at..ceil(text, at.saturating_add(LONGEST)))?;
    let at = at + rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let rest = rest.trim_start_matches([' ', '\t']);
    let first = part(rest);
    let quoted = rest.starts_with(['"', '\'']);
    match rest.get(first..)?.strip_prefix(':') {
        Some(password) if quoted => Some(at..at + first + 1 + part(password)),
        _ if quoted => Some(at + 1..at + first - 1),
        _ => {
            let colon = rest.get(..first)?.find(':')?;
            let password = part(rest.get(colon + 1..)?);
            Some(at..at + colon + 1 + password)
        }
    }
}

/// How long the word at the beginning of `text` is, its quotes included.
fn part(text: &str) -> usize {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    match quote.and_then(|quote| text.get(1..)?.find(quote)) {
        Some(length) => length + 2,
        None => text.find(char::is_whitespace).unwrap_or(text.len()),
    }
}

/// Neither words of a manual, nor variables, nor blanks to fill in.
fn is_made_up(user: &str, password: &str) -> bool {
    let bare = |word: &str| word.trim_matches(['"', '\'']).to_owned();
    let (user, password) = (bare(user), bare(password));
    // A key is given as a user without a password.
    let secret = if password.is_empty() { &user } else { &password };
    let blank =
        secret.starts_with(['$', '<', '[', '%', '*']) || secret.contains("{{") || secret.contains("${");
    let hidden = secret.bytes().all(|byte| matches!(byte, b'*' | b'x' | b'X' | b'.'));
    let sample =
        SAMPLES.contains(&secret.to_ascii_lowercase().as_str()) || *secret == user && !password.is_empty();
    let least = if password.is_empty() { 16 } else { 3 };
    secret.len() >= least && !blank && !hidden && !sample && is_random(&format!("{user}:{password}"), 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_read_with_its_quotes() {
        for (text, wanted) in [
            ("me:hunter22 https://x", "me:hunter22"),
            ("\"me:hunter22\" -v", "me:hunter22"),
            ("  'me:hunter 22' -v", "me:hunter 22"),
            ("me:'hunter22' -v", "me:'hunter22'"),
            ("\"me\":\"{hunter22}\" -v", "\"me\":\"{hunter22}\""),
            ("\":hunter22\"", ":hunter22"),
        ] {
            assert_eq!(given(text, 0).and_then(|range| text.get(range)), Some(wanted), "{text}");
        }
    }

    #[test]
    fn samples_and_variables_are_not_made_up() {
        for given in
            ["user:pass", "test:test", "$USER:$PASS", "\"${a}\":\"${b}\"", "<user>:<key>", "me:", "me:xxxx"]
        {
            let (user, password) = given.split_once(':').expect("two parts");
            assert!(!is_made_up(user, password), "{given}");
        }
        assert!(is_made_up("api", "f9NtM02sQk!r"));
        assert!(is_made_up("qk3hV9pLw2xTz7Rb5nYd", ""));
    }
}
