//! The commands in the provider guides are commands of this program.

use crate::support::Launch;

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
            said.code == Some(1) && said.stderr.contains("cannot be reached"),
            "{name}: {words:?} {said:?}"
        );
    }
}
