//! A server that answers what the test wants, where a real one cannot be brought to it.

use std::time::SystemTime;

use attach_quota::{Budget, Period, Scope};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::*;

/// Answers scripts with `answers`, the last one for ever, and everything else with OK. Passes on what scripts got.
async fn serve(answers: Vec<Vec<i64>>) -> (String, mpsc::UnboundedReceiver<Vec<String>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let (heard, hears) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut answers = answers.into_iter().peekable();
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        while let Some(words) = command(&mut stream).await {
            let answer = if words[0] == "EVALSHA" {
                heard.send(words).unwrap();
                let answer = answers.next().unwrap();
                let numbers = answer.iter().map(|number| format!(":{number}\r\n"));
                format!("*{}\r\n{}", answer.len(), numbers.collect::<String>())
            } else {
                "+OK\r\n".into()
            };
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, hears)
}

async fn command(stream: &mut BufReader<TcpStream>) -> Option<Vec<String>> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    let count: usize = line.trim().strip_prefix('*')?.parse().ok()?;
    let mut words = Vec::new();
    for _ in 0..count {
        line.clear();
        stream.read_line(&mut line).await.ok()?;
        let mut word = vec![0; line.trim().strip_prefix('$')?.parse::<usize>().ok()? + 2];
        stream.read_exact(&mut word).await.ok()?;
        word.truncate(word.len() - 2);
        words.push(String::from_utf8(word).ok()?);
    }
    Some(words)
}

#[tokio::test]
async fn a_store_of_which_the_clock_is_in_the_next_period_is_asked_for_that_one() {
    let budget = || Budget::new(1000, Period::Day);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let (start, end) = budget().bounds(now + 86_400);
    let there = i64::try_from(start + 5).unwrap();
    let full_in = i64::try_from(end - start - 5).unwrap() * 1_000_000;
    let (url, mut heard) = serve(vec![vec![3, there, 0, 0], vec![0, there, 0, 1, 900, full_in, -1]]).await;
    let store = RedisStore::new(&url, "test").unwrap().deadline(Duration::from_secs(10));
    let limit = Arc::new(Limit::tokens("daily", budget()).each(Scope::Everyone));
    let mut charges = [charge(&limit, 100)];
    store.reserve(&mut charges).await.unwrap();
    assert_eq!(charges[0].standing().left, 900);
    let first = heard.recv().await.unwrap();
    let second = heard.recv().await.unwrap();
    let period = [start.to_string(), end.to_string()];
    assert!(!first.ends_with(&period), "{first:?}");
    assert!(second.ends_with(&period), "{second:?}");
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_no_answer() {
    for answer in [vec![], vec![0], vec![0, 1, 2, 3, 4], vec![9, -1, -1, -1], vec![2, 1, 1, 0]] {
        let (url, _heard) = serve(vec![answer]).await;
        let store = RedisStore::new(&url, "test").unwrap().deadline(Duration::from_secs(10));
        let limit = Arc::new(Limit::micro_usd("money", Budget::new(1000, Period::Day)));
        assert_eq!(store.reserve(&mut [charge(&limit, 100)]).await, Err(Denied::Unavailable));
        assert_eq!(store.status().queued, 1, "it is taken back");
    }
}
