//! Listeners, and what answers at them.

use std::sync::Arc;

use attach_audit::Audit;

use super::{Current, StartError};
use crate::config::{Admin, Channel, Config, Listen};
use crate::front::Probes;
use crate::server::{Listener, Manners, Role};
use crate::stack::Stack;
use crate::telemetry::Telemetry;

/// A listener and what answers there.
pub(super) struct Side {
    pub(super) listener: Listener,
    pub(super) manners: Manners,
    pub(super) stack: Stack,
}

pub(super) async fn bind(
    what: &'static str,
    listen: &Listen,
    mode: u32,
    channel: &Channel,
) -> Result<Listener, StartError> {
    Listener::bind(listen, mode, channel).await.map_err(|e| StartError::Io(what, e))
}

/// Where administrators are listened to, if the configuration says so.
pub(super) async fn admins(config: &Config) -> Result<Option<Listener>, StartError> {
    let Some(Admin { listen, socket_mode, channel, .. }) = &config.admin else { return Ok(None) };
    bind("admin listening address", listen, *socket_mode, channel).await.map(Some)
}

/// Where metrics are read, if the configuration says so.
pub(super) async fn watchers(
    config: &Config,
    telemetry: &Telemetry,
    (current, audit): (&Current, &Audit),
) -> Result<Option<Side>, StartError> {
    let (current, audit) = (current.clone(), audit.clone());
    let ready = Arc::new(move || current.load().is_ready(&audit));
    let probes = Probes { ready, metadata: None };
    let (Some(listen), Some(stack)) = (config.telemetry.listen, telemetry.stack(probes)) else {
        return Ok(None);
    };
    let listener = bind("telemetry listening address", &listen.into(), 0, &Channel::Clear).await?;
    Ok(Some(Side { listener, manners: Manners::aside(Role::Telemetry, &config.server, telemetry), stack }))
}
