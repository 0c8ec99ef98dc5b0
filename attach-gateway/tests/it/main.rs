//! The built binary, driven over sockets. Every promise is seen from three sides: what the model server received,
//! what the client received, and what the audit log says.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod access;
mod admin;
mod admin_audit;
mod audit;
mod audit_checkpoint;
mod audit_commands;
mod audit_egress;
mod audit_index;
mod audit_query;
mod audit_siem;
mod authority;
mod bedrock;
mod budget;
mod canary;
mod config;
mod content;
mod corpora;
#[cfg(feature = "dev")]
mod dev;
mod directories;
mod drain;
mod edges;
mod engines;
mod faults_upstream;
mod front_ends;
mod guides;
mod headers;
mod identity;
mod issuers;
mod keys;
mod login;
mod metering;
mod opaque;
mod packaging;
mod passing;
mod policy;
mod proofs;
mod quota;
mod quota_admin;
mod quota_fair;
mod quota_limits;
mod quota_nodes;
mod quota_sdk;
mod real;
mod record;
mod redact_command;
mod redaction;
mod refusals;
mod restoring;
mod retention;
mod revocation;
mod rolling;
mod signals;
mod streams;
mod support;
mod telemetry;
mod translation;
mod translation_anthropic;
mod translation_anthropic_sdk;
mod translation_ollama;
mod translation_openai;
mod translation_to_anthropic;
mod trouble;
mod upstream_tls;
mod upstreams;
mod usage;
mod withheld;
mod workspace;
