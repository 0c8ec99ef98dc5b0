//! A gateway in front of several model servers, for what happens when some of them fail.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{CHATS, Call, Gateway, Issuer, Launch, question};

/// A model of two upstreams, and of one.
pub(crate) const BOTH: &str = "[[model]]\nname = \"m\"\nto = [\"a\", \"b\"]\n";
pub(crate) const ONE: &str = "[[model]]\nname = \"m\"\nto = [\"a\"]\n";

/// Issuer and gateway; the model servers are the test's.
pub(crate) struct Fleet {
    _issuer: Issuer,
    pub(crate) gateway: Gateway,
    token: String,
}

impl Fleet {
    /// `upstreams` are a name, a URL, and what else is said of each; they speak OpenAI's interface. `more` has the models.
    pub(crate) async fn start(upstreams: &[(&str, &str, &str)], more: &str) -> Self {
        let issuer = Issuer::start().await;
        let text = Self::file(&issuer, upstreams, more);
        Self::launch(issuer, Launch::file(&text)).await
    }

    /// With another file.
    pub(crate) async fn launch(issuer: Issuer, launch: Launch) -> Self {
        let gateway = launch.start().await;
        let token = issuer.token("alice", &[]);
        Self { _issuer: issuer, gateway, token }
    }

    /// The configuration file that [`start`](Self::start) writes.
    pub(crate) fn file(issuer: &Issuer, upstreams: &[(&str, &str, &str)], more: &str) -> String {
        let entries = upstreams.iter().map(|(name, url, settings)| {
            format!("[[upstream]]\nname = \"{name}\"\nkind = \"openai\"\nurl = \"{url}\"\n{settings}\n")
        });
        format!(
            "[server]\ntelemetry_listen = \"127.0.0.1:0\"\n[[issuer]]\nissuer = \"{}\"\naudience = [\"api://attach-test\"]\n{}\n\
             [access]\ndefault = \"allow\"\n{more}\n",
            issuer.url(),
            entries.collect::<String>()
        )
    }

    /// Alice asks `model` for a whole answer.
    pub(crate) fn chat(&self, model: &str) -> Call {
        self.gateway.post(CHATS[0]).bearer(&self.token).json(&question(CHATS[0], model, "hello"))
    }

    /// Alice's.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) fn post(&self, path: &str) -> Call {
        self.gateway.post(path).bearer(&self.token)
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.gateway.get(path).bearer(&self.token)
    }

    /// The number behind a metric with this text in its labels; zero where there is none.
    pub(crate) async fn metric(&self, name: &str, labels: &str) -> f64 {
        let address = |line: &str| {
            let line: serde_json::Value = serde_json::from_str(line).ok()?;
            let telemetry = line["fields"]["telemetry"].as_str()?;
            telemetry.parse::<SocketAddr>().ok()
        };
        let addr = self.gateway.stderr.find("the telemetry address", address).await;
        let text = Call::new(addr, "GET", "/metrics").send().await.expect(200).text();
        let lines =
            text.lines().filter(|line| line.starts_with(&format!("{name}{{")) && line.contains(labels));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }
}

/// A place where nobody listens.
pub(crate) fn nobody() -> String {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// A server that reads a request, waits, writes these bytes and closes; how often it was asked.
pub(crate) async fn raw(wait: Duration, bytes: impl Into<Vec<u8>>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let (url, asked) = (format!("http://{}", listener.local_addr().unwrap()), Arc::new(AtomicUsize::new(0)));
    let (bytes, count): (Arc<[u8]>, _) = (bytes.into().into(), Arc::clone(&asked));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (bytes, count) = (Arc::clone(&bytes), Arc::clone(&count));
            tokio::spawn(async move {
                if read_request(&mut stream).await.is_none() {
                    return;
                }
                count.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(wait).await;
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (url, asked)
}

/// Head and body, by its Content-Length.
async fn read_request(stream: &mut tokio::net::TcpStream) -> Option<()> {
    let mut read = Vec::new();
    loop {
        let mut more = [0; 4096];
        let n = stream.read(&mut more).await.ok().filter(|n| *n > 0)?;
        read.extend_from_slice(&more[..n]);
        let text = String::from_utf8_lossy(&read).to_ascii_lowercase();
        let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.split("content-length:").nth(1).and_then(|rest| rest.split("\r\n").next());
        let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
        if read.len() >= head.len() + 4 + length {
            return Some(());
        }
    }
}
