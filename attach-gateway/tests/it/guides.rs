//! The commands in the provider guides are commands of this program, and the settings in the book are settings.

use crate::support::{Launch, TempDir};

/// The guides: name and text.
fn guides() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut guides: Vec<_> = files
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), path))
        .filter(|(name, _)| name.starts_with("quickstart-"))
        .map(|(name, path)| (name, std::fs::read_to_string(path).unwrap()))
        .collect();
    guides.sort();
    assert_eq!(guides.len(), 6, "{guides:?}");
    guides
}

/// The shell command of a guide that contains `what`, on one line.
fn command(guide: &str, what: &str) -> String {
    let joined = guide.replace("\\\n", " ");
    let found =
        joined.lines().find(|line| line.contains(what) && !line.starts_with('|') && !line.contains('`'));
    found.unwrap_or_else(|| panic!("no {what}")).to_owned()
}

#[tokio::test]
async fn the_start_line_of_each_guide_is_a_configuration() {
    for (name, guide) in guides() {
        let start = command(&guide, "AUTH_BACKEND=");
        let words = start.split_whitespace().filter_map(|word| word.split_once('='));
        let launch = words.fold(Launch::bare(), |launch, (key, value)| launch.set(key, value));
        let checked = launch.check().await;
        assert!(checked.ok, "{name}: {checked:?}");
    }
}

#[tokio::test]
async fn the_login_line_of_each_guide_is_understood() {
    for (name, guide) in guides() {
        let login = command(&guide, "attach-gateway login --issuer");
        // Nobody answers at this address.
        let words = login.split('"').enumerate().flat_map(|(at, part)| match at % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
            _ => vec![part.to_owned()],
        });
        let mut words: Vec<String> = words.skip(1).collect();
        words[2] = "http://127.0.0.1:9".into();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let said = Launch::bare().arguments(&words).run().await;
        assert!(
            said.code == Some(2) && said.stderr.contains("cannot be reached"),
            "{name}: {words:?} {said:?}"
        );
    }
}

fn page(name: &str) -> String {
    std::fs::read_to_string(format!("{}/../docs/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// What stands between fences of TOML.
fn settings(page: &str) -> Vec<&str> {
    let after = page.split("```toml\n").skip(1);
    after.map(|block| block.split_once("```").expect("a closed fence").0).collect()
}

/// What the pieces about limits take for granted.
const AROUND: &str = r#"
[[issuer]]
directory = "acme"
issuer = "https://idp.example"
audience = ["api"]
[[upstream]]
name = "openai"
kind = "openai"
url = "https://api.openai.com"
[[upstream]]
name = "local"
kind = "ollama"
url = "http://localhost:11434"
[[price]]
models = ["gpt-*"]
input = 2.5
output = 10
"#;

#[tokio::test]
async fn every_piece_about_limits_is_a_configuration_with_limits() {
    let page = page("limits.md");
    let pieces = settings(&page);
    assert!(pieces.len() >= 10, "{}", pieces.len());
    for piece in &pieces {
        assert!(piece.lines().count() <= 14, "{piece}");
        let checked = Launch::file(&format!("{AROUND}{piece}")).check().await;
        assert!(checked.ok && checked.stdout.contains("quota "), "{piece}: {checked:?}");
        assert!(!checked.stdout.contains("no limit") && !checked.stdout.contains("warning"), "{checked:?}");
    }
    let together = Launch::file(&format!("{AROUND}{}", pieces.concat())).check().await;
    assert!(together.ok, "{together:?}");
}

#[tokio::test]
async fn every_piece_about_engines_is_a_configuration_with_one() {
    let page = page("redaction-engines.md");
    let files = TempDir::new();
    let token = files.write("pii-token", "secret").display().to_string();
    let pieces = settings(&page);
    assert_eq!(pieces.len(), 3);
    for piece in pieces {
        let piece = piece.replace("/run/secrets/pii-token", &token);
        let launch = Launch::file(&format!("{AROUND}{piece}"));
        let checked =
            launch.set("GUARDRAIL_KEY_ID", "AKIDEXAMPLE").set("GUARDRAIL_SECRET", "secret").check().await;
        assert!(checked.ok && checked.stdout.contains("redact engine "), "{piece}: {checked:?}");
    }
}

#[tokio::test]
async fn the_example_of_a_file_and_the_example_prices_are_configurations() {
    let page = page("configuration.md");
    let [example, prices] = settings(&page)[..] else { panic!("other examples") };
    let files = TempDir::new();
    let key = files.write("anthropic.key", "sk-ant-example").display().to_string();
    let terms = files.write("projects.txt", "Project Alpha\n").display().to_string();
    let example = example.replace("anthropic.key", &key).replace("projects.txt", &terms);
    let checked = Launch::file(&example)
        .set("OPENAI_API_KEY", "sk-example")
        .set("ATTACH_REDACT_KEY", "0123456789abcdef0123456789abcdef");
    let checked = checked.check().await;
    assert!(checked.ok && checked.stdout.contains("500 USD/month in Europe/Berlin"), "{checked:?}");
    assert!(!checked.stdout.contains("warning"), "{checked:?}");
    let checked = Launch::file(&format!("{AROUND}{prices}")).check().await;
    assert!(checked.ok && checked.stdout.contains("price claude-sonnet-4*: input 3"), "{checked:?}");
}
