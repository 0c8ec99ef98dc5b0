//! `attach-gateway dev`: the whole product on embedded defaults, on loopback only.
//!
//! A development OIDC issuer with two people, an echoing model that speaks every dialect, and an audit log in a local
//! folder. What the model saw is printed beside what the client got, so that redaction can be seen.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use attach_auth::{IssuerConfig, Preset};
use clap::{Args, Subcommand};
use tokio::net::TcpListener;

use crate::cli::{print, runtime};
use crate::config::{Config, ConfigError, Secret};
use crate::hex::hex;
use crate::run::{Gateway, StartError};
use crate::server::StopSignals;

mod echo;
mod guide;
mod issuer;
mod serve;
mod transcript;

pub(crate) use self::transcript::Transcript;

/// The audience of development tokens.
const AUDIENCE: &str = "attach-dev";

/// Where the state and the audit log go, below the folder the command runs in.
const FOLDER: &str = "attach-dev";

/// What is logged unless `RUST_LOG` says otherwise: the banner says the rest.
pub(crate) const LOGGED: &str = "warn,attach_auth::oidc=error";

/// The built-in configuration: also an example of a small file.
const CONFIG: &str = include_str!("attach-dev.toml");

/// Run everything on embedded defaults.
#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// Port to listen on; the next free one if it is taken.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Folder for the state and the audit log.
    #[arg(long, value_name = "FOLDER", default_value = FOLDER)]
    dir: PathBuf,
    #[command(subcommand)]
    command: Option<DevCommand>,
}

#[derive(Debug, Subcommand)]
enum DevCommand {
    /// Print a fresh token of a person of the running development gateway.
    Token {
        /// alice (in AI-Power-Users) or bob.
        person: String,
    },
}

/// Runs `dev` or `dev token`.
pub(crate) fn main(dev: &Dev, env: impl Fn(&str) -> Option<String>) -> Result<(), StartError> {
    if let Some(DevCommand::Token { person }) = &dev.command {
        return runtime()?.block_on(token(&dev.dir, person));
    }
    refuse_production(env)?;
    runtime()?.block_on(run(dev))
}

/// A development issuer beside a production one would be a way around it.
fn refuse_production(env: impl Fn(&str) -> Option<String>) -> Result<(), ConfigError> {
    const HARMLESS: [&str; 1] = ["ATTACH_STATE_DIR"];
    let variables = crate::config::VARIABLES.iter().chain(&["ATTACH_CONFIG"]);
    let mut set =
        variables.filter(|name| !HARMLESS.contains(name) && env(name).is_some_and(|value| !value.is_empty()));
    match set.next() {
        None => Ok(()),
        Some(name) => Err(ConfigError::new(format!(
            "{name} is set: `dev` uses its own issuer and model and never runs beside a production setting; unset it"
        ))),
    }
}

async fn run(dev: &Dev) -> Result<(), StartError> {
    let stop = StopSignals::listen().map_err(|error| StartError::Io("signals", error))?;
    let issuer =
        issuer::Issuer::start().await.map_err(|error| StartError::Io("development issuer", error))?;
    let model = echo::start().await.map_err(|error| StartError::Io("development model", error))?;
    let mut config = Config::parse(&CONFIG.replace("{MODEL}", &format!("http://{model}")), |_| None)?;
    config.issuers = vec![trusted(&issuer)?];
    config.server.listen = free_port(dev.port).await?.into();
    config.state_dir = Some(dev.dir.clone());
    // Made at this start, like every other key of `dev`; nobody has to be warned of what the banner says.
    config.redact.key = Some(random_key()?);
    let mut gateway = Gateway::start(std::sync::Arc::new(config)).await?;
    gateway.watch();
    std::fs::write(dev.dir.join("issuer"), issuer.url())
        .map_err(|error| StartError::Io("state directory", error))?;
    print(&guide::text(gateway.addr(), &issuer, &dev.dir));
    gateway.serve(|| stop.next()).await;
    Ok(())
}

fn trusted(issuer: &issuer::Issuer) -> Result<IssuerConfig, ConfigError> {
    let config = IssuerConfig::new(Preset::Generic, issuer.url(), [AUDIENCE.to_owned()]);
    let config = config.map_err(|error| ConfigError::new(error.to_string()))?;
    Ok(config.directory("dev").required_scopes(["llm".to_owned()]).development(true))
}

fn random_key() -> Result<Secret, StartError> {
    let mut key = [0; 32];
    let failed = || StartError::Io("redaction key", std::io::Error::other("no randomness"));
    aws_lc_rs::rand::fill(&mut key).map_err(|_| failed())?;
    Secret::new(&hex(&key)).ok_or_else(failed)
}

/// The port asked for, or the next one that is free.
async fn free_port(first: u16) -> Result<SocketAddr, StartError> {
    for port in first..=first.saturating_add(99) {
        let addr = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(addr).await.is_ok() {
            return Ok(addr);
        }
    }
    Err(ConfigError::new(format!("no free port from {first} on")).into())
}

/// Asks the running development issuer for a token.
async fn token(dir: &Path, person: &str) -> Result<(), StartError> {
    let url = std::fs::read_to_string(dir.join("issuer")).map_err(|_| {
        ConfigError::new("no development gateway has run here; start one with `attach-gateway dev`")
    })?;
    let token = issuer::fetch_token(&url, person).await?;
    print(&format!("{token}\n"));
    Ok(())
}
