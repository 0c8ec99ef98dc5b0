use std::time::SystemTime;

use attach_quota::{Alert, Unit};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::{dollars, moment};

/// An alert as it is sent, however often.
pub(super) struct Message {
    id: String,
    body: String,
}

impl Message {
    pub(super) fn of(alert: &Alert) -> Self {
        let digest = hex(&Sha256::digest(alert.id.as_bytes()));
        let body = json!({
            "type": "quota.used",
            "timestamp": moment::shown(SystemTime::now()),
            "data": {
                "limit": &*alert.limit,
                "unit": alert.unit.as_str(),
                "scope": alert.key.scope().as_str(),
                "directory": alert.key.directory(),
                "id": alert.key.id(),
                "percent": alert.percent,
                "used": figure(alert.unit, alert.used),
                "amount": figure(alert.unit, alert.amount),
                "resets_at": moment::shown(alert.resets_at),
            },
        });
        Self { id: format!("quota_{}", digest.get(..32).unwrap_or(&digest)), body: body.to_string() }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn body(&self) -> &str {
        &self.body
    }
}

/// Money is a decimal text, so that no reader rounds it.
fn figure(unit: Unit, amount: u64) -> Value {
    match unit {
        Unit::MicroUsd => dollars::exact(amount).into(),
        _ => amount.into(),
    }
}
