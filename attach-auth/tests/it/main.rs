//! attach-auth from the outside: over HTTP where a caller would see it.

#![allow(clippy::expect_used, reason = "helpers of tests are tests")]
#![allow(clippy::needless_pass_by_value, reason = "`json!` makes owned values")]

mod support;

mod attacks;
mod challenges;
mod compose;
mod delegation;
mod dpop;
mod entitlement;
#[cfg(feature = "discovery")]
mod introspection;
mod jws_rules;
mod key_life;
mod keys;
mod policy;
mod providers;
mod recipes;
mod revocation;
mod signals;
mod state;
mod vectors;
