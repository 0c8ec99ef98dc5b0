//! `healthcheck`: whether the gateway of this machine is ready, for containers that have no other program to ask with.

use std::path::PathBuf;
use std::time::Duration;

use attach_core::client::Client;
use attach_core::{BoxError, Fetch as _};
use bytes::Bytes;
use clap::Args;
use http::header::HOST;
use http::{Request, StatusCode, Uri};
use http_body_util::Empty;
use hyper_util::rt::TokioIo;

use super::gateway::socket_of;
use super::{Serve, print, runtime};
use crate::config::ConfigError;
use crate::run::StartError;

mod address;
mod connect;

use self::address::{Address, Place};
pub(super) use self::connect::{Stream, socket};

/// How long an answer may take; a gateway that needs longer is not ready.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is asked.
const PATH: &str = "/readyz";

/// Which gateway is asked: the one that these options and this environment would start.
#[derive(Debug, Args)]
pub(super) struct Healthcheck {
    #[command(flatten)]
    serve: Serve,
    /// Another address to ask, such as http://127.0.0.1:8080 or unix:/run/attach/attach.sock; /readyz is added where
    /// there is no path.
    #[arg(long, value_name = "URL|unix:PATH", value_parser = other, conflicts_with_all = ["host", "port", "config"])]
    url: Option<Other>,
}

/// An address that no configuration names.
#[derive(Debug, Clone)]
enum Other {
    Url(Uri),
    Socket(Address),
}

fn other(text: &str) -> Result<Other, String> {
    let wrong = |error: http::uri::InvalidUri| format!("{text:?} is not a URL: {error}");
    match socket_of(text)? {
        Some(path) => Ok(Other::Socket(Address { place: Place::Socket(path), certificates: None })),
        None => text.parse().map(Other::Url).map_err(wrong),
    }
}

impl Healthcheck {
    /// Asks.
    ///
    /// # Errors
    ///
    /// When the gateway does not answer, or says that it is not ready.
    pub(super) fn run(&self, env: fn(&str) -> Option<String>) -> Result<(), StartError> {
        let asked = async {
            match &self.url {
                Some(Other::Url(url)) => by_url(url).await,
                Some(Other::Socket(address)) => by_address(address).await,
                None => by_address(&self.address(env)?).await,
            }
        };
        let waited = runtime()?.block_on(async { tokio::time::timeout(PATIENCE, asked).await });
        let status = waited.map_err(|_| wrong("no answer in time"))?.map_err(wrong)?;
        if status != StatusCode::OK {
            return Err(wrong(format!("not ready: {status}")));
        }
        print("ready\n");
        Ok(())
    }

    fn address(&self, env: fn(&str) -> Option<String>) -> Result<Address, ConfigError> {
        let named = || env("ATTACH_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from);
        let file = self.serve.config.clone().or_else(named);
        let mut address = file.map_or_else(|| Ok(Address::usual()), |path| Address::of_file(&path))?;
        address.move_to(self.serve.host, self.serve.port);
        Ok(address)
    }
}

fn wrong(why: impl Into<BoxError>) -> StartError {
    ConfigError::new(why.into().to_string()).into()
}

/// As anybody would from elsewhere: TLS by the platform's roots.
async fn by_url(url: &Uri) -> Result<StatusCode, BoxError> {
    let (Some(scheme @ ("http" | "https")), Some(authority)) = (url.scheme_str(), url.authority()) else {
        return Err(format!("{url} is not a URL like http://127.0.0.1:8080").into());
    };
    let path = if url.path() == "/" { PATH } else { url.path() };
    let request = Request::get(format!("{scheme}://{authority}{path}")).body(Bytes::new())?;
    Ok(Client::new()?.fetch(request).await?.status())
}

async fn by_address(address: &Address) -> Result<StatusCode, BoxError> {
    let stream = connect::connect(address).await.map_err(|error| format!("{address}: {error}"))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let asking = async {
        let request = Request::get(PATH).header(HOST, address.authority()).body(Empty::<Bytes>::new())?;
        Ok::<_, BoxError>(sender.send_request(request).await?.status())
    };
    tokio::select! {
        status = asking => status,
        ended = connection => Err(ended.err().map_or_else(|| "no answer".into(), BoxError::from)),
    }
}
