//! `attach-gateway explain`: who shows a token, what they may do and why, and the limits they are held to.

use std::fmt::Write as _;
use std::io::Read as _;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use attach_auth::Denial;
use attach_auth::policy::{self, Ask, Policy, Verdict};
use attach_core::call::ModelName;
use attach_core::{Api, Destination, Identity, Peer};
use attach_quota::Allowance;
use clap::Args;

use crate::cli;
use crate::cli::gateway::At;
use crate::config::{Config, ConfigError, Host, access};
use crate::quotas::Quotas;
use crate::resolve::Directory;
use crate::run::{self, StartError};

mod limits;
mod prices;
mod sticky;

/// A call to be explained. The token is named, never given: what stands on a command line others can read.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// File with the token; `-` is standard input.
    #[arg(long, value_name = "FILE", required_unless_present = "token_env", conflicts_with = "token_env")]
    token: Option<PathBuf>,
    /// Environment variable with the token.
    #[arg(long, value_name = "NAME")]
    token_env: Option<String>,
    /// The model to be called.
    #[arg(long)]
    model: String,
    /// The operation, as rules name it.
    #[arg(long, default_value = "openai.chat", value_parser = access::api)]
    api: Api,
    /// The address the call comes from; unknown unless given.
    #[arg(long, value_name = "IP")]
    address: Option<IpAddr>,
    /// A hosted tool that the call uses; may be given several times.
    #[arg(long = "tool", value_name = "TYPE")]
    tools: Vec<Box<str>>,
    /// A running gateway, which is shown the token and says what is left of the limits.
    #[arg(long, value_name = "URL|unix:PATH", value_parser = At::parse)]
    server: Option<At>,
    /// The host that the call names, where there are [[host]]s; --server is called by this name, too.
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Explain {
    /// Whether the call would be allowed; prints why.
    ///
    /// # Errors
    ///
    /// When that cannot be known.
    pub(crate) fn run(&self, env: fn(&str) -> Option<String>) -> Result<bool, StartError> {
        let config = cli::configuration(self.config.as_deref(), env)?;
        let host = self.host(&config)?;
        let token = self.token(env)?;
        let runtime = cli::runtime()?;
        let identity = match runtime.block_on(verify(&config, host, token.trim()))? {
            Ok(identity) => identity,
            Err(denial) if denial.status().is_server_error() => {
                return Err(ConfigError::new(format!("{}: {denial}", denial.reason())).into());
            }
            Err(denial) => {
                let (status, code, why) = (denial.status().as_u16(), denial.code(), denial.reason());
                cli::print(&format!("denied: {status} {code} ({why}): {denial}\n"));
                return Ok(false);
            }
        };
        let directory = Directory::of(&config).map_err(|error| StartError::Io("TLS", error))?;
        let directory = directory.showing(host.and_then(|host| host.models.clone()));
        let model = ModelName::canonical_of(&self.model);
        let destination = directory.destination(self.api, model);
        let peer = self.address.map(|address| Peer::new(SocketAddr::new(address, 0)));
        let mut ask = Ask::model(&identity, model).with_api(Some(self.api)).with_tools(&self.tools);
        ask = ask.with_peer(peer.as_ref());
        let (verdict, _) = policy::decide_route(&*config.rules, ask, Some(&destination));
        let mut out = caller(&identity);
        let limits =
            limits::limits(&config, &identity, (self.server.as_ref(), self.host.as_deref()), token.trim());
        out.push_str(&runtime.block_on(limits));
        let applicable = runtime.block_on(Quotas::new(&config).layer().standings(&identity));
        places(&mut out, (&config, &applicable), (ask, model, self.api), &destination);
        sticky::sticky(&mut out, (&config, &directory), (self.api, model), (ask, &identity));
        let _ = writeln!(out, "answer: {}", shown(&verdict));
        cli::print(&printable(&out));
        Ok(verdict.is_allowed())
    }

    /// What is allowed depends on it, so there is no answer without it.
    fn host<'c>(&self, config: &'c Config) -> Result<Option<&'c Host>, ConfigError> {
        let names = || config.hosts.iter().map(|host| &*host.name).collect::<Vec<_>>().join(", ");
        match &self.host {
            None if config.hosts.is_empty() => Ok(None),
            None => Err(ConfigError::new(format!("say with --host by which name it is called: {}", names()))),
            Some(name) => {
                let host = config.hosts.iter().find(|host| *host.name == **name);
                let none = || ConfigError::new(format!("{name:?} is no [[host]]; there is: {}", names()));
                host.map(|host| Some(&**host)).ok_or_else(none)
            }
        }
    }

    fn token(&self, env: fn(&str) -> Option<String>) -> Result<String, StartError> {
        if let Some(name) = &self.token_env {
            return env(name).ok_or_else(|| ConfigError::new(format!("{name} is not set")).into());
        }
        let mut token = String::new();
        let read = match &self.token {
            Some(path) if path.as_os_str() != "-" => {
                std::fs::File::open(path).and_then(|file| file.take(1 << 20).read_to_string(&mut token))
            }
            _ => std::io::stdin().take(1 << 20).read_to_string(&mut token),
        };
        read.map_err(|error| StartError::Io("token", error))?;
        Ok(token)
    }
}

/// As the gateway would, with the keys fetched now.
async fn verify(
    config: &Config,
    host: Option<&Host>,
    token: &str,
) -> Result<Result<Arc<Identity>, Denial>, StartError> {
    let verifier = run::verifier_at(config, &run::fetch()?, host)?;
    verifier.refresh().await;
    Ok(verifier.verify(token).await)
}

/// Who is calling, without a claim that no rule can mean.
fn caller(identity: &Identity) -> String {
    let mut out = format!(
        "caller: {} {} of directory {} (issuer {}), by {}\n",
        identity.kind.as_str(),
        identity.id,
        identity.directory,
        identity.issuer,
        identity.proof.as_str()
    );
    let groups: Vec<&str> = identity.groups.iter().map(|group| &*group.name).collect();
    let scopes: Vec<&str> = identity.scopes.iter().map(|scope| &**scope).collect();
    let _ = writeln!(out, "  groups: {}", listed(&groups));
    let _ = writeln!(out, "  scopes: {}", listed(&scopes));
    let _ = writeln!(out, "  client: {}", identity.client_id.as_deref().unwrap_or("unknown"));
    let assurance = &identity.assurance;
    let methods: Vec<&str> = assurance.amr.iter().map(|method| &**method).collect();
    let _ = writeln!(
        out,
        "  signed in: {}; acr {}; amr {}",
        assurance.auth_time.map_or_else(|| "unknown when".into(), ago),
        assurance.acr.as_deref().unwrap_or("unknown"),
        listed(&methods)
    );
    out
}

/// The decision for each place the call could go to.
fn places(
    out: &mut String,
    (config, limits): (&Config, &[Allowance]),
    (ask, model, api): (Ask<'_>, &str, Api),
    destination: &Destination,
) {
    if destination.candidates().is_empty() {
        let _ = writeln!(out, "nobody serves this model");
    }
    for candidate in destination.candidates() {
        let verdict = config.rules.allows(&ask.with_candidate(Some(candidate)));
        let _ = writeln!(out, "to {} as {}: {}", candidate.upstream, candidate.model, shown(&verdict));
        if verdict.is_allowed() {
            prices::lines(out, config, (model, api), candidate, limits);
        }
    }
}

/// A verdict in one line.
pub(crate) fn shown(verdict: &Verdict) -> String {
    let decision = &verdict.decision;
    let mut text = match (decision.allowed, &verdict.step_up) {
        (true, _) => "allowed".to_owned(),
        (false, Some(_)) => "denied until signing in again".to_owned(),
        (false, None) => "denied".to_owned(),
    };
    let _ = write!(text, ": {}", decision.reason);
    if let Some(rule) = &decision.rule {
        let _ = write!(text, "; rule={rule}");
    }
    if let Some(requirement) = verdict.requirement {
        let _ = write!(text, "; requirement={requirement}");
    }
    if let Some(step_up) = &verdict.step_up {
        let _ = write!(text, "; acr_values={}", step_up.acr_values.join(" "));
        if let Some(age) = step_up.max_age {
            let _ = write!(text, "; max_age={}", age.as_secs());
        }
    }
    if let Some(shadow) = &verdict.shadow {
        let would = if shadow.allowed { "allow" } else { "deny" };
        let _ = write!(text, "; in shadow {would} {}", shadow.reason);
    }
    text
}

/// Names are the provider's; what would move the terminal's cursor is left out.
fn printable(text: &str) -> String {
    text.chars().filter(|c| *c == '\n' || !c.is_control()).collect()
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn ago(time: SystemTime) -> String {
    let passed = SystemTime::now().duration_since(time).unwrap_or_default();
    format!("{} ago", humantime::format_duration(Duration::from_secs(passed.as_secs())))
}
