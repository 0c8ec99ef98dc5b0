//! Who may open the file, and which files are refused.

use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use attach_core::{Body, Identity};
use attach_quota::store::SqliteStore;
use attach_quota::{Budget, Limit, Period, QuotaLayer};
use http::{Request, Response};
use http_body_util::BodyExt;
use tower::{Layer, ServiceExt, service_fn};

use super::support::{Directory, Process, directory_of_child, is_held, open, reopen};

/// Makes one request for each of `users` under a budget of a hundred; what they have left.
async fn count(store: &SqliteStore, users: &[&str]) -> Vec<String> {
    let limits = vec![Limit::requests("monthly", Budget::new(100, Period::Month))];
    let service = QuotaLayer::new(limits).store(store.clone()).layer(service_fn(|_: Request<Body>| async {
        Ok::<_, std::convert::Infallible>(Response::new(Body::default()))
    }));
    let mut left = Vec::new();
    for user in users {
        let identity = Identity::person("acme-directory", *user);
        let request = Request::get("/").extension(identity).body(Body::default()).unwrap();
        let answer = service.clone().oneshot(request).await.unwrap();
        left.push(answer.headers()["x-ratelimit-remaining-requests"].to_str().unwrap().to_owned());
        answer.into_body().collect().await.unwrap();
    }
    left
}

#[tokio::test]
async fn the_file_is_for_one_process_and_one_user_and_names_nobody() {
    let directory = Directory::new();
    let store = open(&directory.path().join("deep/er")).await.unwrap();
    assert_eq!(count(&store, &["alice-of-acme", "alice-of-acme"]).await, ["99", "98"]);
    assert!(is_held(&open(&directory.path().join("deep/er")).await.unwrap_err()));
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory.path().join("deep")), 0o700);
    let mut files = 0;
    for entry in std::fs::read_dir(directory.path().join("deep/er")).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{path:?}");
        let bytes = std::fs::read(&path).unwrap();
        for name in ["alice", "acme", "monthly"] {
            assert!(!bytes.windows(name.len()).any(|part| part == name.as_bytes()), "{name} in {path:?}");
        }
        files += 1;
    }
    assert_eq!(files, 2, "the file and its log");
}

#[tokio::test]
async fn others_lose_the_access_they_had_to_the_file() {
    let directory = Directory::new();
    drop(open(directory.path()).await.unwrap());
    std::fs::set_permissions(directory.file(), PermissionsExt::from_mode(0o644)).unwrap();
    let _store = reopen(directory.path()).await;
    assert_eq!(directory.file().metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

/// Not a test by itself: a process that holds the file until it is killed.
#[tokio::test]
#[ignore = "run by another test, as a process of its own"]
async fn holder() {
    let Some(directory) = directory_of_child() else { return };
    let _store = open(&directory).await.unwrap();
    println!("\nholds");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let directory = Directory::new();
    let mut holder = Process::start("sqlite::damage::holder", directory.path());
    holder.says("holds");
    assert!(is_held(&open(directory.path()).await.unwrap_err()));
    holder.kill();
    open(directory.path()).await.unwrap();
}

#[tokio::test]
async fn clones_share_the_counts_and_a_restart_finds_them() {
    let directory = Directory::new();
    let store = open(directory.path()).await.unwrap();
    assert_eq!(count(&store, &["alice", "bob"]).await, ["99", "99"]);
    assert_eq!(count(&store.clone(), &["alice"]).await, ["98"]);
    drop(store);
    let store = reopen(directory.path()).await;
    assert_eq!(count(&store, &["alice", "bob", "carol"]).await, ["97", "98", "99"]);
}

type Damage = (&'static str, fn(&Path), &'static str);

#[tokio::test]
async fn a_file_that_is_damaged_or_emptied_is_never_nothing_used() {
    let damages: [Damage; 6] = [
        ("emptied", |path| drop(std::fs::File::create(path).unwrap()), "empty"),
        (
            "text",
            |path| std::fs::write(path, "no database, but long enough ".repeat(200)).unwrap(),
            "not a database",
        ),
        ("cut", |path| writable(path).set_len(4096).unwrap(), ""),
        ("overwritten", overwrite, ""),
        ("another's", another, "not ours"),
        (
            "gone but for its log",
            |path| {
                std::fs::rename(path, path.with_file_name("quota.db-wal")).unwrap();
            },
            "gone",
        ),
    ];
    for (name, damage, why) in damages {
        let directory = Directory::new();
        let store = open(directory.path()).await.unwrap();
        fill(store).await;
        // When it can be opened, the one before has let it go.
        drop(reopen(directory.path()).await);
        until_free(&directory).await;
        damage(&directory.file());
        let error = open(directory.path()).await.unwrap_err().to_string();
        assert!(error.contains("quota.db: ") && error.contains(why), "{name}: {error}");
        assert!(!error.contains("another process"), "{name}: {error}");
    }
}

/// Some pages of rows.
async fn fill(store: SqliteStore) {
    let counts = (0..300).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { count(&store, &[&format!("user-{n}")]).await })
    });
    for one in counts.collect::<Vec<_>>() {
        assert_eq!(one.await.unwrap(), ["99"]);
    }
}

fn writable(path: &Path) -> std::fs::File {
    std::fs::OpenOptions::new().write(true).open(path).unwrap()
}

fn overwrite(path: &Path) {
    let mut file = writable(path);
    file.seek(SeekFrom::Start(4096)).unwrap();
    file.write_all(&[0x5a; 8192]).unwrap();
}

fn another(path: &Path) {
    std::fs::remove_file(path).unwrap();
    let other = rusqlite::Connection::open(path).unwrap();
    other.execute_batch("CREATE TABLE used (a, b, c)").unwrap();
}

/// The last process to let a file go takes its log with it.
async fn until_free(directory: &Directory) {
    let log = directory.path().join("quota.db-wal");
    for _ in 0..2000 {
        if !log.exists() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("the file is not let go");
}
