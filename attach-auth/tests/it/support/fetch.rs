use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use attach_core::Fetch;
use attach_core::fetch::{FetchError, FetchFuture};
use bytes::Bytes;
use http::{Request, Response};
use tokio::sync::Semaphore;

/// What a URL answers.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Json(String),
    Status(u16),
    Html,
    Timeout,
}

/// Answers from a table, counts, and can be made to wait.
#[derive(Debug, Clone)]
pub(crate) struct TestFetch {
    replies: Arc<Mutex<HashMap<String, Reply>>>,
    asked: Arc<Mutex<Vec<String>>>,
    /// Each answer takes a permit and gives it back.
    pub(crate) gate: Arc<Semaphore>,
}

impl Default for TestFetch {
    fn default() -> Self {
        Self { replies: Arc::default(), asked: Arc::default(), gate: Arc::new(Semaphore::new(1000)) }
    }
}

impl TestFetch {
    pub(crate) fn set(&self, url: &str, reply: Reply) {
        self.replies.lock().expect("no panic").insert(url.to_owned(), reply);
    }

    /// How often URLs with this end were asked for.
    pub(crate) fn count(&self, end: &str) -> usize {
        self.asked.lock().expect("no panic").iter().filter(|url| url.ends_with(end)).count()
    }

    #[cfg(feature = "discovery")]
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

impl Fetch for TestFetch {
    fn fetch(&self, request: Request<Bytes>) -> FetchFuture {
        let url = request.uri().to_string();
        self.asked.lock().expect("no panic").push(url.clone());
        let this = self.clone();
        Box::pin(async move {
            let _permit = this.gate.acquire().await.expect("is open");
            let reply = this.replies.lock().expect("no panic").get(&url).cloned();
            let answer = |status: u16, kind: &str, body: String| {
                let response = Response::builder().status(status).header("content-type", kind);
                Ok(response.body(Bytes::from(body)).expect("a response"))
            };
            match reply {
                Some(Reply::Json(body)) => answer(200, "application/json", body),
                Some(Reply::Status(status)) => answer(status, "text/plain", String::new()),
                Some(Reply::Html) => answer(200, "text/html", "<html>sign in</html>".to_owned()),
                Some(Reply::Timeout) => Err(FetchError::Timeout),
                None => Err(FetchError::Connect("nobody there".into())),
            }
        })
    }
}
