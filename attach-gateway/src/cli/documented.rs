//! Each `attach-gateway …` in the documentation is a command line of this program.

use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use clap::error::ErrorKind;

use super::Cli;

/// Every page of the repository that users read, and the files of `deploy/`.
fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    const ELSEWHERE: [&str; 6] = ["target", "src", "node_modules", ".git", "corpus", "it"];
    const READ: [&str; 5] = ["md", "yaml", "service", "sh", "example"];
    for path in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && !ELSEWHERE.contains(&name) {
            pages(&path, found);
        } else if path.extension().is_some_and(|kind| READ.iter().any(|read| kind == *read)) {
            found.push(path);
        }
    }
}

/// The words from here to the end of a command: a pipe, a comment, the other half of what encloses it.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for letter in text.chars() {
        match (letter, quote) {
            ('"' | '\'', None) => quote = Some(letter),
            (_, Some(open)) if letter == open => quote = None,
            ('|' | '<' | '>' | ';' | '#' | '`' | ')' | '&', None) => break,
            (' ', None) => words.push(std::mem::take(&mut word)),
            _ => word.push(letter),
        }
    }
    words.push(word);
    // What may be left out, and what may be there several times.
    let marks = |word: &String| match word.trim_matches(['[', ']', '…']) {
        "" => word.clone(),
        plain => plain.to_owned(),
    };
    words.iter().map(marks).filter(|word| !word.is_empty()).collect()
}

/// Whether what follows is called here, and not a package, a folder or a file of that name.
fn called(before: &str) -> bool {
    const MARKS: [&str; 5] = ["`", "$(", "$ ", "| ", "=/usr/local/bin/"];
    // `NAME=value attach-gateway`
    let variable = before.ends_with(' ')
        && before
            .split_whitespace()
            .next_back()
            .is_some_and(|word| word.contains('=') && !word.starts_with('-'));
    before.trim().is_empty() || variable || MARKS.iter().any(|mark| before.ends_with(mark))
}

/// The command lines of a page, and whether each is a whole one between fences rather than part of a sentence.
fn commands(page: &str) -> Vec<(bool, Vec<String>)> {
    const NAME: &str = "attach-gateway";
    let (mut found, mut block) = (Vec::new(), false);
    let joined = page.replace("\\\n", " ").replace("\\|", "|");
    for line in joined.lines() {
        block ^= line.trim_start().starts_with("```");
        for (at, _) in line.match_indices(NAME) {
            let (before, after) = (&line[..at], &line[at + NAME.len()..]);
            let whole = block && !before.ends_with('`') || before.ends_with("/bin/");
            let code = whole || before.ends_with('`');
            if code && called(before) && (after.is_empty() || after.starts_with([' ', '`', ')'])) {
                found.push((whole, words(after)));
            }
        }
    }
    found
}

/// In a sentence a command may be named without what it needs, and with a word for any value.
fn named(kind: ErrorKind) -> bool {
    use ErrorKind::{
        DisplayHelpOnMissingArgumentOrSubcommand, InvalidValue, MissingRequiredArgument, MissingSubcommand,
        ValueValidation,
    };
    let missing = [DisplayHelpOnMissingArgumentOrSubcommand, MissingRequiredArgument, MissingSubcommand];
    [InvalidValue, ValueValidation].contains(&kind) || missing.contains(&kind)
}

/// Stands for any command, or for what follows.
fn stands_for_others(word: &str) -> bool {
    ["…", "COMMAND"].contains(&word)
}

#[test]
fn every_command_line_in_the_documentation_is_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (mut all, mut tried, mut wrong) = (Vec::new(), 0, Vec::new());
    pages(&root, &mut all);
    // What was, may have gone.
    all.retain(|page| !page.ends_with("CHANGELOG.md"));
    for page in all {
        let text = std::fs::read_to_string(&page).expect("a page");
        for (whole, mut words) in commands(&text) {
            if !whole {
                words.retain(|word| !stands_for_others(word));
            }
            let line = std::iter::once("attach-gateway").chain(words.iter().map(String::as_str));
            tried += 1;
            match Cli::command().try_get_matches_from(line) {
                Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {}
                Err(error) if !whole && named(error.kind()) => {}
                Err(error) => wrong.push(format!("{}: {words:?}: {error}", page.display())),
                Ok(_) => {}
            }
        }
    }
    assert!(tried > 100, "only {tried} commands were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
