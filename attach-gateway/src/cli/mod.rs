//! The command line.

use std::io::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::config::{Channel, Config, ConfigError, Source};
use crate::run::{Gateway, StartError};
use crate::server::StopSignals;
use crate::telemetry;

pub(crate) mod audit;
mod build;
mod dial;
#[cfg(test)]
mod documented;
mod exit;
mod explain;
mod gateway;
mod healthcheck;
mod keys;
mod login;
mod policy;
mod quota;
mod redact;
mod shell;
mod state;

use self::audit::AuditCommand;

/// The identity-aware LLM gateway.
///
/// Without a command it serves, configured by the environment alone (AUTH_BACKEND, OIDC_ISSUER, OIDC_AUD, ENGINE_URL,
/// MAX_TOKENS_PER_MIN …) or by one file (--config). `attach-gateway dev` runs the whole product on embedded defaults.
#[derive(Debug, Parser)]
#[command(
    name = "attach-gateway",
    version = build::version(),
    about,
    long_about,
    after_help = exit::CODES,
    args_conflicts_with_subcommands = true,
    term_width = 0
)]
struct Cli {
    #[command(flatten)]
    serve: Serve,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Args)]
struct Serve {
    /// Address to listen on; off loopback the traffic is in clear text.
    #[arg(long, value_name = "ADDRESS")]
    host: Option<IpAddr>,
    /// Port to listen on.
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Validate the configuration and print what is in force.
    Check(Serve),
    /// Say who shows a token, what they may do with a model, and why. Ends with 0 if they may, 1 if not.
    Explain(explain::Explain),
    /// Work with the rules of access.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Decide about the state store, while no gateway runs on this state directory.
    #[command(subcommand)]
    State(StateCommand),
    /// Work with the audit log.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Replace personal data and secrets in a text, or report what is found in it.
    Redact(redact::RedactCommand),
    /// Sign a person in at an identity provider, and keep the tokens for `token`.
    Login(login::Login),
    /// Print a valid token of the person who is logged in, and nothing else.
    Token(login::Which),
    /// Take the tokens back at the provider and delete them here.
    Logout(login::Which),
    /// Make, list and end gateway keys, for tools that only know API keys.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Put right what nodes count together.
    #[command(subcommand)]
    Quota(quota::QuotaCommand),
    /// Run everything on embedded defaults: an issuer with two people, an echoing model, an audit log.
    #[cfg(feature = "dev")]
    Dev(crate::dev::Dev),
    /// Ask the gateway of this machine whether it is ready. Ends with 0 if it is, 1 if not.
    Healthcheck(healthcheck::Healthcheck),
    /// Print a script that completes commands and options; source it, or put it where the shell looks.
    Completions(shell::Completions),
    /// Print the manual page, or write the pages of all commands into a folder.
    Man(shell::Man),
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Hold the rules against a file of cases. Ends with 1 if one fails.
    Test(policy::Rehearse),
}

#[derive(Debug, Subcommand)]
enum StateCommand {
    /// After a loss of Redis: take it as it is, whatever it has forgotten.
    Adopt(Serve),
    /// Write the state (keys, revocations, provisioned people, exceptions from limits) into a new file.
    Export(state::Export),
    /// Read a file of `export` into the state; without one, copy this node's own state.db into the Redis of the
    /// configuration.
    Import(state::Import),
}

/// Runs the program with the process's arguments and environment.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    telemetry::start(env("RUST_LOG").as_deref().or(quieter(cli.command.as_ref())));
    let result = match cli.command {
        None => serve(&cli.serve),
        Some(Command::Check(options)) => return exit::held(check(&options)),
        Some(Command::Healthcheck(healthcheck)) => return exit::held(healthcheck.run(env)),
        Some(Command::State(command)) => decide(&command),
        Some(Command::Explain(explain)) => return exit::answered(explain.run(env)),
        Some(Command::Redact(redact)) => return exit::answered(redact.run(env)),
        Some(Command::Policy(PolicyCommand::Test(rehearse))) => return exit::answered(rehearse.run(env)),
        Some(Command::Audit(command)) => return command.run(),
        Some(Command::Keys(command)) => return command.run(),
        Some(Command::Quota(command)) => return command.run(),
        Some(Command::Login(login)) => return login::login(&login),
        Some(Command::Token(which)) => return login::token(&which),
        Some(Command::Logout(which)) => return login::logout(&which),
        #[cfg(feature = "dev")]
        Some(Command::Dev(dev)) => crate::dev::main(&dev, env),
        Some(Command::Completions(completions)) => completions.run(Cli::command()),
        Some(Command::Man(man)) => man.run(Cli::command()),
    };
    exit::done(result)
}

/// What is logged of a command unless `RUST_LOG` says otherwise, if it is not what a server logs.
fn quieter(command: Option<&Command>) -> Option<&'static str> {
    match command {
        #[cfg(feature = "dev")]
        Some(Command::Dev(_)) => Some(crate::dev::LOGGED),
        _ => None,
    }
}

/// A variable of the process's environment.
pub(crate) fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn serve(options: &Serve) -> Result<(), StartError> {
    let config = Arc::new(options.config()?);
    runtime()?.block_on(async {
        let stop = StopSignals::listen().map_err(|error| StartError::Io("signals", error))?;
        let gateway = Gateway::start(Arc::clone(&config)).await?;
        announce(&config, &gateway);
        gateway.serve(|| stop.next()).await;
        Ok(())
    })
}

fn check(options: &Serve) -> Result<(), StartError> {
    let config = options.config()?;
    crate::redact::build(&config.redact)?;
    crate::run::verifier(&config, &crate::run::fetch()?)?;
    print(&config.describe());
    Ok(())
}

fn decide(command: &StateCommand) -> Result<(), StartError> {
    let done = match command {
        StateCommand::Adopt(options) => runtime()?.block_on(state::adopt(&options.config()?)),
        StateCommand::Export(export) => runtime()?.block_on(export.run()),
        StateCommand::Import(import) => runtime()?.block_on(import.run()),
    };
    print(&done?);
    Ok(())
}

impl Serve {
    fn config(&self) -> Result<Config, ConfigError> {
        let mut config = configuration(self.config.as_deref(), env)?;
        config.server.listen.set(self.host, self.port);
        Ok(config)
    }
}

/// The configuration of the file named, else of `ATTACH_CONFIG`, else of the environment alone.
pub(crate) fn configuration(
    path: Option<&Path>,
    env: fn(&str) -> Option<String>,
) -> Result<Config, ConfigError> {
    let named = || env("ATTACH_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from);
    match path.map(Path::to_path_buf).or_else(named) {
        Some(path) => Config::from_file(&path, env),
        None => Config::from_env(env),
    }
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, StartError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| StartError::Io("async runtime", error))
}

fn announce(config: &Config, gateway: &Gateway) {
    let addr = gateway.addr();
    tracing::info!(%addr, state = %gateway.state_dir().display(), "attach-gateway is listening");
    if let Some(admin) = gateway.admin_addr() {
        tracing::info!(%admin, "administrators are listened to");
    }
    if let Some(telemetry) = gateway.telemetry_addr() {
        tracing::info!(%telemetry, "metrics may be read");
    }
    crate::quotas::warn(config);
    if !addr.is_local() && config.server.channel == Channel::Clear {
        tracing::warn!(
            %addr,
            "CLEAR TEXT: tokens and prompts can be read on the way to this address; set server.tls"
        );
    }
    if config.source == Source::Environment {
        tracing::warn!("configured by the environment alone: every authenticated caller may use every model");
    }
    if config.rules.is_shadow() {
        tracing::warn!(
            "access.shadow: RULES ARE NOT ENFORCED, every authenticated caller may use every model"
        );
    }
    if config.redact.enabled && config.redact.key.is_none() {
        tracing::warn!("no ATTACH_REDACT_KEY: placeholders change with every start and differ between nodes");
    }
    if !config.redact.enabled {
        tracing::warn!("redaction is OFF: prompts leave as they are");
    }
}

/// A closed pipe is the reader's decision, not a failure.
pub(crate) fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

pub(crate) fn complain(error: &dyn std::error::Error) {
    let _ = writeln!(std::io::stderr(), "attach-gateway: {error}");
}
