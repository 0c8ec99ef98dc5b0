use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a path of a [`RealProvider`] answers.
#[derive(Debug, Clone)]
pub(crate) enum Page {
    Json(String),
    Html,
    Status(u16),
    /// A redirect to there.
    To(String),
    /// Ends in the middle of what it announced.
    Truncated,
    /// This many mebibytes.
    Huge(usize),
    /// A byte each second.
    Trickle,
}

/// What was asked of a provider.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) authorization: String,
    pub(crate) accept: String,
    pub(crate) body: String,
}

/// A provider on a socket of its own.
#[derive(Clone)]
pub(crate) struct RealProvider {
    url: Arc<str>,
    pages: Arc<Mutex<HashMap<String, Page>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    down: Arc<AtomicBool>,
}

impl RealProvider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let provider =
            Self { url: url.into(), pages: Arc::default(), asked: Arc::default(), down: Arc::default() };
        let serving = provider.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        provider
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(crate) fn set(&self, path: &str, page: Page) {
        self.pages.lock().expect("no panic").insert(path.to_owned(), page);
    }

    /// Whether connections are closed as soon as they are made.
    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// What was asked of `path`.
    pub(crate) fn asked(&self, path: &str) -> Vec<Asked> {
        let asked = self.asked.lock().expect("no panic");
        asked.iter().filter(|asked| asked.path == path).cloned().collect()
    }

    async fn serve(self, mut stream: TcpStream) {
        if self.down.load(Ordering::SeqCst) {
            return;
        }
        let mut head = [0; 256];
        let Ok(read) = stream.peek(&mut head).await else { return };
        let line = String::from_utf8_lossy(&head[..read]).into_owned();
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        match self.page(&path) {
            Some(Page::Truncated) => {
                self.note_raw(&path);
                let _ = stream.read(&mut head).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"keys\":[").await;
            }
            Some(Page::Trickle) => {
                self.note_raw(&path);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await;
                while stream.write_all(b" ").await.is_ok() {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            _ => {
                let service = service_fn(move |request| {
                    let provider = self.clone();
                    async move { Ok::<_, Infallible>(provider.answer(request).await) }
                });
                // A connection for each request: the next one may be one of those above.
                let mut server = http1::Builder::new();
                let _ = server.keep_alive(false).serve_connection(TokioIo::new(stream), service).await;
            }
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let header =
            |name: &str| parts.headers.get(name).map_or("", |value| value.to_str().unwrap_or("?")).to_owned();
        let (authorization, accept) = (header("authorization"), header("accept"));
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let body = String::from_utf8_lossy(&body).into_owned();
        let path = parts.uri.path().to_owned();
        self.note(Asked { path: path.clone(), authorization, accept, body });
        let response = Response::builder();
        let (status, name, value, body) = match self.page(&path) {
            Some(Page::Json(json)) => (200, "content-type", "application/json".to_owned(), json),
            Some(Page::Html) => {
                (200, "content-type", "text/html".to_owned(), "<html>hello</html>".to_owned())
            }
            Some(Page::Status(status)) => (status, "x-none", String::new(), String::new()),
            Some(Page::To(url)) => (302, "location", url, String::new()),
            Some(Page::Huge(mebibytes)) => (200, "x-none", String::new(), " ".repeat(mebibytes << 20)),
            _ => (404, "x-none", String::new(), String::new()),
        };
        response.status(status).header(name, value).body(Full::from(body)).expect("a response")
    }

    fn page(&self, path: &str) -> Option<Page> {
        self.pages.lock().expect("no panic").get(path).cloned()
    }

    fn note_raw(&self, path: &str) {
        self.note(Asked {
            path: path.to_owned(),
            authorization: String::new(),
            accept: String::new(),
            body: String::new(),
        });
    }

    fn note(&self, asked: Asked) {
        self.asked.lock().expect("no panic").push(asked);
    }
}
