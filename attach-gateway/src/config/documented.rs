//! Each piece of TOML in the documentation, completed to a file, is a configuration.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Config;

/// What pieces take for granted: the parts of a file they do not have.
const ISSUER: &str =
    "[[issuer]]\ndirectory = \"acme\"\nissuer = \"https://idp.example\"\naudience = [\"api\"]\n";
const PRICE: &str = "[[price]]\nmodels = [\"*\"]\ninput = 2.5\noutput = 10\n";
const AUDITOR: &str = "age1ypwtwjjcdj5q85xs6c6lfm4aqpnctpjvcghacfutyx4mqpwuv3uqdv0d5r";

/// Not a configuration of the gateway, or of one with a feature that is not built by default.
fn is_another_file(piece: &str) -> bool {
    piece.contains("[[case]]") || piece.contains("[redact.ner]")
}

fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "md") {
            found.push(path);
        }
    }
}

/// The lines of a piece, where a table that shows some settings has those it cannot be without.
fn whole(piece: &str) -> String {
    let has =
        |key: &str| piece.lines().any(|line| line.split('=').next().is_some_and(|word| word.trim() == key));
    let begun = if piece.lines().any(|line| line.starts_with('[')) {
        piece.to_owned()
    } else {
        format!("[[upstream]]\nname = \"one\"\nkind = \"azure\"\nurl = \"https://a.example\"\n{piece}")
    };
    let missing = |table: &str, keys: &[(&str, &str)]| -> String {
        let absent = keys.iter().filter(|(key, _)| begun == piece && !has(key));
        absent.fold(format!("{table}\n"), |text, (key, value)| format!("{text}{key} = {value}\n"))
    };
    let upstream = [("name", "'one'"), ("kind", "'openai'"), ("url", "'https://a.example'")];
    begun
        .replace("[[upstream]]\n", &missing("[[upstream]]", &upstream))
        .replace("[[model]]\n", &missing("[[model]]", &[("name", "'one'"), ("to", "['openai']")]))
        .replace("command = [\"az\"", "command = [\"echo\"")
        .replace("age1…", AUDITOR)
        .replace("sha256:AB:CD:…", &format!("sha256:{}", "AB".repeat(32)))
}

/// The piece with what it takes for granted, and with files that are there.
fn file(piece: &str, folder: &Path) -> String {
    let mut text = whole(piece);
    if !text.contains("[[issuer]]") {
        text.push_str(&format!("\n{ISSUER}"));
    }
    if !text.contains("[[price]]") {
        text.push_str(&format!("\n{PRICE}"));
    }
    if !text.contains("[[upstream]]") {
        text.push_str(&upstream("openai"));
    }
    let there = |word: &str| match word.rsplit_once('.').map(|(_, kind)| kind) {
        Some("crt" | "pem") => Some(folder.join("cert")),
        Some("key") => Some(folder.join("key")),
        Some("secret" | "token" | "txt") => Some(folder.join("token")),
        _ if word.starts_with("/run/secrets/") => Some(folder.join("secret")),
        _ => None,
    };
    let words =
        text.split('"').map(|word| there(word).map_or(word.to_owned(), |path| path.display().to_string()));
    words.collect::<Vec<_>>().join("\"")
}

/// One that a piece speaks of and does not have.
fn upstream(name: &str) -> String {
    format!("\n[[upstream]]\nname = \"{name}\"\nkind = \"openai\"\nurl = \"https://a.example\"\n")
}

/// What is missing, by what an error says.
fn missing(why: &str) -> Option<String> {
    let named = |before: &str| why.split_once(before)?.1.split('"').next();
    if let Some(directory) = named("no [[issuer]] is of the directory \"") {
        let issuer =
            ISSUER.replace("acme", directory).replace("idp.example", &format!("{directory}.example"));
        return Some(format!("\n{issuer}"));
    }
    named("there is no [[upstream]] named \"").map(upstream)
}

/// A value that serves wherever the documentation has this variable.
fn value(name: &str) -> String {
    match name {
        "REDIS_URL" => "redis://127.0.0.1:1".into(),
        "AUDIT_OTLP_HEADERS" => "authorization=example".into(),
        _ if name.ends_with("_URL") => "https://a.example".into(),
        _ => "user:example-0123456789abcdef0123456789".into(),
    }
}

fn checked(text: &str, folder: &Path) -> Result<(), String> {
    let path = folder.join("attach.toml");
    std::fs::write(&path, text).expect("a file");
    let referred = |name: &str| text.contains(&format!("\"{name}\"")) || name.starts_with("AWS_");
    let config = Config::from_file(&path, |name| referred(name).then(|| value(name)));
    let config = config.map_err(|error| error.to_string())?;
    crate::redact::build(&config.redact).map_err(|error| error.to_string())?;
    Ok(())
}

/// A folder with a certificate, its key and a secret; `None` without a program to make them.
fn files() -> Option<PathBuf> {
    let folder = std::env::temp_dir().join(format!("attach-documented-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("secret"), value("")).expect("a file");
    std::fs::write(folder.join("token"), "example-0123456789abcdef0123456789").expect("a file");
    let line = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key -out cert -subj /CN=x -days 2";
    let made = Command::new("openssl").args(line.split(' ')).current_dir(&folder).output().ok()?;
    made.status.success().then_some(folder)
}

#[test]
fn every_piece_of_toml_in_the_documentation_is_a_configuration() {
    let Some(folder) = files() else {
        eprintln!("SKIPPED: no openssl");
        return;
    };
    let (mut all, mut tried, mut wrong) = (Vec::new(), 0, Vec::new());
    pages(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs"), &mut all);
    for page in all {
        let text = std::fs::read_to_string(&page).expect("a page");
        for rest in text.split("```toml\n").skip(1) {
            let piece = rest.split("```").next().unwrap_or_default();
            if is_another_file(piece) {
                continue;
            }
            tried += 1;
            let mut text = file(piece, &folder);
            while let Err(why) = checked(&text, &folder) {
                let Some(more) = missing(&why) else {
                    wrong.push(format!("{}: {why}\n{piece}", page.display()));
                    break;
                };
                text.push_str(&more);
            }
        }
    }
    std::fs::remove_dir_all(folder).expect("removed");
    assert!(tried > 50, "only {tried} pieces were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
