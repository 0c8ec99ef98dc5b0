//! TLS handshakes that did not come about.

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Meter};

use super::names as own;
use crate::config::{Channel, Config};
use crate::server::{Role, Unshaken};

/// The instrument. Clones are the same.
#[derive(Clone)]
pub(super) struct Handshakes(Counter<u64>);

impl Handshakes {
    pub(super) fn new(config: &Config, meter: &Meter) -> Self {
        let what = "TLS handshakes that did not come about.";
        let refused = Self(meter.u64_counter(own::HANDSHAKES_REFUSED).with_description(what).build());
        let data = Some((Role::Data, &config.server.channel));
        let admin = config.admin.as_ref().map(|admin| (Role::Admin, &admin.channel));
        for (role, channel) in data.into_iter().chain(admin) {
            // From the start: an alert asks by how much it has grown.
            if matches!(channel, Channel::Tls(_)) {
                Unshaken::ALL.into_iter().for_each(|why| refused.count(role, why, 0));
            }
        }
        refused
    }

    pub(super) fn count(&self, role: Role, why: Unshaken, more: u64) {
        let (role, why) = (role.as_str(), why.as_str());
        self.0.add(more, &[KeyValue::new(own::LISTENER, role), KeyValue::new(own::HANDSHAKE_REASON, why)]);
    }
}
