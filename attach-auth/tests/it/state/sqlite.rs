//! One node's file: crashes, damage, a second process.

use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use attach_auth::state::{Change, Health, Lost, Sqlite, State, Table};

use super::{Node, key};
use crate::support::TempDir;

const CHILD: &str = "ATTACH_STATE_CHILD";

/// Not a test: the process that the next test kills. Prints the number of every commit that was acknowledged.
#[tokio::test]
async fn child_that_commits_until_it_is_killed() {
    let Some(directory) = std::env::var_os(CHILD) else { return };
    let node = Node::of(reopen(directory.as_ref()).await).await;
    let mut stdout = std::io::stdout();
    for number in 0.. {
        let changes = (0..3).map(|part| Change::insert(key(format!("{number}.{part}")))).collect();
        node.state.commit(changes).await.expect("works");
        writeln!(stdout, "done {number}").and_then(|()| stdout.flush()).expect("somebody reads");
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_kill_in_the_middle_of_commits() {
    let directory = TempDir::new();
    for round in 1..=3_u64 {
        let mut acknowledged = 0;
        let mut child = Command::new(std::env::current_exe().expect("is running"))
            .args(["--exact", "state::sqlite::child_that_commits_until_it_is_killed", "--nocapture"])
            .env(CHILD, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let lines = BufReader::new(child.stdout.take().expect("is piped")).lines();
        let done =
            lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("done ")?.parse::<u64>().ok());
        for number in done {
            acknowledged = number + 1;
            // In the middle of the next one, at a moment of its own in each round.
            if number >= 40 * round {
                std::thread::sleep(Duration::from_micros(300 * round));
                child.kill().expect("SIGKILL");
            }
        }
        child.wait().expect("is over");
        let node = Node::of(reopen(directory.path()).await).await;
        let rows = node.state.scan(Table::KEYS, "");
        assert!(rows.len() as u64 >= acknowledged * 3, "{} rows of {acknowledged} commits", rows.len());
        assert_eq!(rows.len() % 3, 0, "a commit is there whole or not at all");
        // The next round begins at 0 again.
        node.state
            .commit(rows.iter().map(|row| Change::remove(row.table, row.key.clone())).collect())
            .await
            .expect("works");
        assert!(acknowledged > 40 * round, "{acknowledged}");
        drop(node);
        // Only then is the task gone that follows the file.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn rows_survive_a_restart_and_those_that_are_over_do_not() {
    let directory = TempDir::new();
    {
        let node = Node::of(Sqlite::open(directory.path()).await.expect("opens")).await;
        let over = key("over").until(1);
        node.state.commit(vec![Change::put(key("stays")), Change::put(over)]).await.expect("works");
    }
    let sqlite = reopen(directory.path()).await;
    let node = Node::of(sqlite).await;
    assert!(node.has("stays") && node.state.rows().len() == 1);
}

/// The thread that held the file ends soon after the last handle is gone.
async fn reopen(directory: &Path) -> Sqlite {
    for _ in 0..200 {
        if let Ok(sqlite) = Sqlite::open(directory).await {
            return sqlite;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the file stays locked");
}

#[tokio::test]
async fn the_file_is_for_one_process_and_one_user() {
    let directory = TempDir::new();
    let sqlite = Sqlite::open(directory.path()).await.expect("opens");
    let second = Sqlite::open(directory.path()).await.expect_err("is held");
    assert_eq!(second, Lost::Unreachable("another process has its file open".into()));
    let node = Node::of(sqlite).await;
    node.state.commit(vec![Change::put(key("k"))]).await.expect("works");
    for entry in std::fs::read_dir(directory.path()).expect("is readable") {
        let entry = entry.expect("is readable");
        let mode = entry.metadata().expect("is readable").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
    }
}

#[tokio::test]
async fn another_process_is_refused_too() {
    let directory = TempDir::new();
    let mut child = Command::new(std::env::current_exe().expect("is running"))
        .args(["--exact", "state::sqlite::child_that_commits_until_it_is_killed", "--nocapture"])
        .env(CHILD, directory.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut lines = BufReader::new(child.stdout.take().expect("is piped")).lines().map_while(Result::ok);
    lines.find(|line| line.starts_with("done")).expect("it commits");
    let refused = Sqlite::open(directory.path()).await;
    child.kill().expect("SIGKILL");
    child.wait().expect("is over");
    assert!(refused.is_err());
}

type Damage = (&'static str, fn(&Path));

#[tokio::test]
async fn a_file_that_is_damaged_or_emptied_is_never_no_rows() {
    let damages: [Damage; 4] = [
        ("emptied", |path| drop(std::fs::File::create(path).expect("is writable"))),
        ("something else", |path| {
            std::fs::write(path, "not a database, but long enough ".repeat(200)).expect("is writable");
        }),
        ("cut", |path| {
            let file = std::fs::OpenOptions::new().write(true).open(path).expect("is writable");
            file.set_len(4096 * 2).expect("is writable");
        }),
        ("overwritten", |path| {
            let mut file = std::fs::OpenOptions::new().write(true).open(path).expect("is writable");
            file.seek(SeekFrom::Start(4096)).expect("is long enough");
            file.write_all(&[0x5a; 12_000]).expect("is writable");
        }),
    ];
    for (name, damage) in damages {
        let directory = TempDir::new();
        {
            let node = Node::of(Sqlite::open(directory.path()).await.expect("opens")).await;
            let rows = (0..500).map(|number| Change::put(key(format!("k{number}")))).collect();
            node.state.commit(rows).await.expect("works");
        }
        drop(reopen(directory.path()).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
        damage(&directory.path().join("state.db"));
        let opened = Sqlite::open(directory.path()).await;
        assert!(opened.is_err(), "{name}");
    }
}

#[tokio::test]
async fn many_writers_share_the_disk_and_lose_nothing() {
    let directory = TempDir::new();
    let node = Node::of(Sqlite::open(directory.path()).await.expect("opens")).await;
    let start = std::time::Instant::now();
    let writers = (0..32).map(|writer| {
        let state = node.state.clone();
        tokio::spawn(async move {
            for number in 0..50 {
                state.commit(vec![Change::insert(key(format!("{writer}.{number}")))]).await.expect("works");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("no panic");
    }
    println!("1600 commits by 32 writers: {:?}", start.elapsed());
    assert_eq!(node.state.rows().len(), 1600);
    assert_eq!(node.state.health(), Health::Up);
    drop(node);
    let state = State::open(reopen(directory.path()).await, Vec::new()).await.expect("opens");
    assert_eq!(state.rows().len(), 1600);
}
