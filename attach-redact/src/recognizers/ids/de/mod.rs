//! Germany.

mod health;
mod papers;
mod tax;
mod traffic;

pub(super) use self::health::RULES as HEALTH;
pub(super) use self::papers::RULES as PAPERS;
pub(super) use self::tax::RULES as TAX;
pub(super) use self::traffic::RULES as TRAFFIC;

use super::{Rule, Verdict, check};
