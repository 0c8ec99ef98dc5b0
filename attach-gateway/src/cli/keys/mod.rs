//! `keys`: gateway keys of a running gateway, made, listed and ended by whoever is signed in.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{print, runtime};
use crate::run::StartError;

pub(super) mod server;
pub(super) mod shown;

use self::server::{Refused, Server};

/// A caller's own keys.
const OWN: &str = "/attach/v1/keys";

/// Everybody's, on the admin listener.
const EVERYBODYS: &str = "/admin/v1/keys";

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Make a key: prints it, this once, and nothing else on standard output.
    Create(Create),
    /// List your keys, or everybody's. No key is shown, only its beginning.
    List(List),
    /// End a key.
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// What you call it.
    #[arg(long)]
    name: String,
    /// How long it works, such as 30d.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    expires_in: Duration,
    /// Only this of your groups; may be given several times. Without it, all that you have.
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// Only this of your scopes; may be given several times.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Only models of this pattern; may be given several times.
    #[arg(long = "model", value_name = "PATTERN")]
    models: Vec<String>,
    /// Only this operation, as rules name it (openai.chat); may be given several times.
    #[arg(long = "api", value_name = "API")]
    apis: Vec<String>,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Everybody's: --server is the admin listener then, and the token, if one is needed, an administrator's.
    #[arg(long)]
    all: bool,
    /// As the gateway answers, in JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// The key's id, as `list` shows it: key_…
    id: String,
    /// Anybody's: --server is the admin listener then, and the token, if one is needed, an administrator's.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    server: Server,
}

impl KeysCommand {
    /// 0 is done, 1 is refused, 2 is trouble, 3 says that somebody has to log in.
    pub(super) fn run(&self) -> ExitCode {
        let done = runtime().map_err(Refused::from).and_then(|runtime| {
            runtime.block_on(async {
                match self {
                    Self::Create(create) => create.run().await,
                    Self::List(list) => list.run().await,
                    Self::Revoke(revoke) => revoke.run().await,
                }
            })
        });
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(refused) => {
                say(&refused.to_string());
                refused.exit_code()
            }
        }
    }
}

impl Create {
    async fn run(&self) -> Result<(), Refused> {
        let mut order = json!({
            "name": self.name,
            "expires_in": self.expires_in.as_secs(),
            "models": self.models,
            "apis": self.apis,
        });
        // An empty list would take all of them away.
        for (name, list) in [("groups", &self.groups), ("scopes", &self.scopes)] {
            if !list.is_empty() {
                order[name] = json!(list);
            }
        }
        let key = self.server.ask(Method::POST, OWN, Some(&order)).await?;
        let text = |name: &str| key[name].as_str();
        let secret = text("secret").ok_or(Refused::NotAGateway)?;
        print(&format!("{secret}\n"));
        let (id, end) = (text("id").unwrap_or_default(), text("expires_at").unwrap_or_default());
        say(&shown::printable(&format!("{id} works until {end}; the key is not shown again")));
        Ok(())
    }
}

impl List {
    async fn run(&self) -> Result<(), Refused> {
        let path = if self.all { EVERYBODYS } else { OWN };
        let answer = self.server.ask(Method::GET, path, None).await?;
        if self.json {
            print(&format!("{answer:#}\n"));
            return Ok(());
        }
        let keys = answer["keys"].as_array().ok_or(Refused::NotAGateway)?;
        print(&shown::table(keys, self.all));
        Ok(())
    }
}

impl Revoke {
    async fn run(&self) -> Result<(), Refused> {
        let id = &self.id;
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)) {
            return Err(Refused::No(StatusCode::BAD_REQUEST, format!("{id:?} is not the id of a key")));
        }
        let path = if self.all { EVERYBODYS } else { OWN };
        let _: Value = self.server.ask(Method::DELETE, &format!("{path}/{id}"), None).await?;
        say(&format!("{id} is revoked"));
        Ok(())
    }
}

impl From<StartError> for Refused {
    fn from(error: StartError) -> Self {
        Self::Trouble(error.to_string())
    }
}

/// Tells the person something. Standard output is for what was asked for.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "attach-gateway: {text}");
}
