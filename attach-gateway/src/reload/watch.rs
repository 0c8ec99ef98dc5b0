//! Whether the file, or a file that it names, is another than it was.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use toml::{Table, Value};

/// How often is looked. A change is taken when it has not gone on for as long.
const EACH: Duration = Duration::from_millis(250);

/// Settings whose text is the name of a file, wherever they stand.
const NAMES: &[&str] = &["ca", "cert", "client_ca", "file", "key"];

/// Looks at files from time to time: that works with editors that rename, with volumes whose links are exchanged
/// (Kubernetes), and with file systems that tell nobody.
#[derive(Debug)]
pub(super) struct Watch {
    config: PathBuf,
    paths: Vec<PathBuf>,
    /// As they were when they were read.
    read: Vec<Option<Stamp>>,
    /// As they were when they were looked at last.
    seen: Vec<Option<Stamp>>,
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    /// The device, and the file's number on it.
    place: (u64, u64),
}

impl Watch {
    /// Looks at the file `config`, which is `written`, and the files that it names.
    pub(super) async fn new(config: PathBuf, written: &Table) -> Self {
        let mut watch = Self { config, paths: Vec::new(), read: Vec::new(), seen: Vec::new() };
        watch.follow(written).await;
        // It was read when the process began, which may be a while ago.
        if read(watch.config.clone()).await.as_ref() != Some(written) {
            watch.read.clear();
        }
        watch
    }

    /// Ready when something has changed, and goes on changing no more.
    pub(super) async fn changed(&mut self) {
        loop {
            tokio::time::sleep(EACH).await;
            let now = stamps(&self.paths).await;
            let settled = now == self.seen;
            self.seen = now;
            if settled && self.seen != self.read {
                return;
            }
        }
    }

    /// The files are read now.
    pub(super) async fn note(&mut self) {
        self.read = stamps(&self.paths).await;
        self.seen.clone_from(&self.read);
    }

    /// From now on the files that `written` names are looked at. Those that were before are known as they were read.
    pub(super) async fn follow(&mut self, written: &Table) {
        let mut paths = vec![self.config.clone()];
        named(written, &mut paths);
        paths.sort();
        paths.dedup();
        if paths == self.paths {
            return;
        }
        let now = stamps(&paths).await;
        let known = |path: &PathBuf| self.paths.iter().position(|known| known == path);
        let read = paths.iter().zip(now).map(|(path, now)| match known(path) {
            Some(place) => self.read.get(place).cloned().flatten(),
            None => now,
        });
        self.read = read.collect();
        self.seen.clone_from(&self.read);
        self.paths = paths;
    }
}

/// The names of files in a table.
fn named(table: &Table, paths: &mut Vec<PathBuf>) {
    for (key, value) in table {
        match value {
            Value::String(path) if NAMES.contains(&key.as_str()) => paths.push(path.into()),
            // Of a listener: whoever listens reads them again, and nothing else.
            Value::Table(_) if key == "tls" => {}
            Value::Table(inner) => named(inner, paths),
            Value::Array(items) => {
                items.iter().filter_map(Value::as_table).for_each(|inner| named(inner, paths));
            }
            _ => {}
        }
    }
}

async fn read(path: PathBuf) -> Option<Table> {
    let text = tokio::task::spawn_blocking(move || fs::read_to_string(path).ok()).await.ok()??;
    text.parse().ok()
}

async fn stamps(paths: &[PathBuf]) -> Vec<Option<Stamp>> {
    let paths = paths.to_vec();
    let looked = tokio::task::spawn_blocking(move || paths.iter().map(|path| stamp(path)).collect());
    looked.await.unwrap_or_default()
}

/// `None` if there is nothing. A link stands for what it leads to.
fn stamp(path: &Path) -> Option<Stamp> {
    let facts = fs::metadata(path).ok()?;
    #[cfg(unix)]
    let place = {
        use std::os::unix::fs::MetadataExt;
        (facts.dev(), facts.ino())
    };
    #[cfg(not(unix))]
    let place = (0, 0);
    Some(Stamp { length: facts.len(), modified: facts.modified().ok(), place })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that goes with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("attach-watch-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).expect("a folder");
            Self(path)
        }

        fn write(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.join(name);
            fs::write(&path, text).expect("written");
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    async fn is_seen(watch: &mut Watch) {
        tokio::time::timeout(Duration::from_secs(60), watch.changed()).await.expect("it is seen");
        watch.note().await;
    }

    #[tokio::test]
    async fn a_change_between_the_start_and_the_first_look_is_seen() {
        let folder = Folder::new("early");
        let path = folder.write("attach.toml", "later = 1");
        let before: Table = "before = 1".parse().expect("TOML");
        is_seen(&mut Watch::new(path, &before).await).await;
    }

    #[tokio::test]
    async fn whatever_becomes_of_a_file_is_seen() {
        let folder = Folder::new("file");
        let path = folder.write("attach.toml", "");
        let mut watch = Watch::new(path.clone(), &Table::new()).await;
        folder.write("attach.toml", "other");
        is_seen(&mut watch).await;
        fs::rename(folder.write("new", "OTHER"), &path).expect("renamed");
        is_seen(&mut watch).await;
        fs::remove_file(&path).expect("removed");
        is_seen(&mut watch).await;
        folder.write("attach.toml", "again");
        is_seen(&mut watch).await;
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_is_what_it_leads_to() {
        use std::os::unix::fs::symlink;
        let folder = Folder::new("link");
        for version in ["1", "2"] {
            fs::create_dir(folder.0.join(version)).expect("a folder");
            folder.write(&format!("{version}/attach.toml"), "");
        }
        symlink(folder.0.join("1"), folder.0.join("..data")).expect("a link");
        symlink("..data/attach.toml", folder.0.join("attach.toml")).expect("a link");
        let mut watch = Watch::new(folder.0.join("attach.toml"), &Table::new()).await;
        symlink(folder.0.join("2"), folder.0.join("..next")).expect("a link");
        fs::rename(folder.0.join("..next"), folder.0.join("..data")).expect("exchanged");
        is_seen(&mut watch).await;
    }

    #[tokio::test]
    async fn files_that_the_file_names_are_looked_at_as_well() {
        let folder = Folder::new("named");
        let terms = folder.write("terms.txt", "a");
        let text = format!("[[redact.terms]]\nentity = \"X\"\nfile = \"{}\"", terms.display());
        let mut watch =
            Watch::new(folder.write("attach.toml", &text), &text.parse().expect("valid TOML")).await;
        folder.write("terms.txt", "ab");
        is_seen(&mut watch).await;
        watch.follow(&Table::new()).await;
        assert_eq!(watch.paths.len(), 1);
    }

    #[tokio::test]
    async fn a_listeners_certificate_is_no_matter_of_the_configuration() {
        let text = "[server]\ntls = { cert = \"a.crt\", key = \"a.key\", client_ca = \"ca.crt\" }\n\
                    [[upstream]]\nca = \"b.crt\"";
        let mut watch = Watch::new("attach.toml".into(), &Table::new()).await;
        watch.follow(&text.parse().expect("valid TOML")).await;
        assert_eq!(watch.paths, [PathBuf::from("attach.toml"), PathBuf::from("b.crt")]);
    }
}
