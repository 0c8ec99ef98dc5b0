use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;

use super::registration::Registration;
use crate::cli::gateway::{At, host_name};

/// How to sign in. The client is one that is registered for native applications: it needs no secret.
#[derive(Debug, Args)]
pub(crate) struct Login {
    /// The identity provider's issuer, letter for letter as in its tokens.
    #[arg(long, value_name = "URL", required_unless_present = "proxy")]
    pub(super) issuer: Option<String>,
    /// The client registered there for people at terminals.
    #[arg(long, value_name = "ID", required_unless_present = "proxy")]
    pub(super) client_id: Option<String>,
    /// What to ask for, separated by spaces; `openid` is always asked for. Default: openid offline_access.
    #[arg(long, value_name = "SCOPES")]
    pub(super) scope: Option<String>,
    /// The API the token is for, where the provider takes it as `audience` (Auth0).
    #[arg(long, value_name = "AUDIENCE", conflicts_with = "resource")]
    pub(super) audience: Option<String>,
    /// The API the token is for, where the provider takes it as `resource` (RFC 8707).
    #[arg(long, value_name = "URI")]
    pub(super) resource: Option<String>,
    /// Sign in on another device, by a code (RFC 8628).
    #[arg(long, conflicts_with_all = ["redirect_port", "redirect_uri", "no_browser"])]
    pub(super) device: bool,
    /// The environment variable with the client's secret, for providers that insist on one (Google).
    #[arg(long, value_name = "NAME")]
    pub(super) client_secret_env: Option<String>,
    /// The port of http://127.0.0.1:PORT/callback, for providers that do not accept any port there.
    #[arg(long, value_name = "PORT", conflicts_with = "redirect_uri")]
    pub(super) redirect_port: Option<u16>,
    /// The whole redirect URI as registered, such as http://localhost:8400/callback; without a port, a free one.
    #[arg(long, value_name = "URI")]
    pub(super) redirect_uri: Option<String>,
    /// Open no browser; print the address only.
    #[arg(long)]
    pub(super) no_browser: bool,
    /// What the provider shall ask the person: login, consent, select_account.
    #[arg(long, value_name = "PROMPT")]
    pub(super) prompt: Option<String>,
    /// Show the ID token to the gateway instead of the access token (always so with Google).
    #[arg(long)]
    pub(super) id_token: bool,
    /// How long to wait for the person.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = humantime::parse_duration)]
    pub(super) timeout: Duration,
    /// Sign nobody in: forward from this loopback address to --server with the token of whoever is logged in, for
    /// programs that cannot send one.
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        requires = "server",
        conflicts_with_all = ["scope", "device", "client_secret_env", "redirect_port", "redirect_uri", "no_browser", "prompt", "id_token"]
    )]
    pub(super) proxy: Option<SocketAddr>,
    /// The gateway that --proxy forwards to: https, a port of this machine, or a socket of this machine.
    #[arg(long, value_name = "URL|unix:PATH", requires = "proxy", value_parser = At::parse)]
    pub(super) server: Option<At>,
    /// The name by which the gateway there is called, where it has several or is reached by another; with TLS its certificate
    /// has to be for this name.
    #[arg(long, value_name = "NAME", requires = "proxy", value_parser = host_name)]
    pub(super) host: Option<String>,
}

/// Which login is meant; nothing is needed where there is only one.
#[derive(Debug, Default, Args)]
pub(crate) struct Which {
    /// The identity provider's issuer.
    #[arg(long, value_name = "URL")]
    pub(super) issuer: Option<String>,
    /// The client.
    #[arg(long, value_name = "ID")]
    pub(super) client_id: Option<String>,
    /// The audience that was asked for.
    #[arg(long, value_name = "AUDIENCE")]
    pub(super) audience: Option<String>,
    /// The resource that was asked for.
    #[arg(long, value_name = "URI")]
    pub(super) resource: Option<String>,
}

impl Login {
    pub(super) fn registration(&self) -> Registration {
        let mut registration = Registration {
            issuer: self.issuer.clone().unwrap_or_default(),
            client_id: self.client_id.clone().unwrap_or_default(),
            client_secret_env: self.client_secret_env.clone(),
            audience: self.audience.clone(),
            resource: self.resource.clone(),
            id_token: self.id_token,
        };
        registration.id_token |= registration.is_google();
        registration
    }

    /// The login that is there already.
    pub(super) fn which(&self) -> Which {
        Which {
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            audience: self.audience.clone(),
            resource: self.resource.clone(),
        }
    }

    /// Whether to sign in by device code: asked for, or the only way that needs no browser here.
    pub(super) fn wants_device(&self, browser: bool, endpoint: bool) -> bool {
        let by_redirect = self.no_browser || self.redirect_port.is_some() || self.redirect_uri.is_some();
        self.device || (!browser && !by_redirect && endpoint)
    }
}

impl Which {
    /// Whether nothing that was said contradicts `registration`.
    pub(super) fn fits(&self, registration: &Registration) -> bool {
        let one = |said: &Option<String>, is: Option<&String>| said.is_none() || said.as_ref() == is;
        one(&self.issuer, Some(&registration.issuer))
            && one(&self.client_id, Some(&registration.client_id))
            && one(&self.audience, registration.audience.as_ref())
            && one(&self.resource, registration.resource.as_ref())
    }
}
