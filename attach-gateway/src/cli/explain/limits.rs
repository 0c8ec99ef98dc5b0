//! The limits of whoever shows the token, and what is left of them if a running gateway says so.

use std::fmt::Write as _;
use std::sync::Arc;

use attach_core::Identity;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderValue};
use http::{Request, StatusCode};
use serde_json::Value;

use crate::cli::gateway::At;
use crate::config::Config;
use crate::front::ME;
use crate::quotas::{Quotas, limit};

/// In a few lines, by the gateway at `server` if there is one, else by the configuration alone.
pub(super) async fn limits(
    config: &Config,
    identity: &Arc<Identity>,
    (server, host): (Option<&At>, Option<&str>),
    token: &str,
) -> String {
    let why = match server {
        None => "a running gateway counts; name it with --server URL".to_owned(),
        Some(server) => match ask(server, host, token).await {
            Ok(limits) => return lines(&format!("limits in force at {server}"), &limits),
            Err(why) => why,
        },
    };
    let all = Quotas::new(config).layer().standings(identity).await;
    let limits: Vec<Value> = all.into_iter().map(|one| limit(&one.unknown())).collect();
    let mut out = lines("limits by the configuration", &limits);
    if !limits.is_empty() {
        let _ = writeln!(out, "  what is left, and overrides at run time: not known: {why}");
    }
    out
}

/// What the gateway there tells the token's owner.
async fn ask(server: &At, host: Option<&str>, token: &str) -> Result<Vec<Value>, String> {
    let mut credential = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| "this is no token")?;
    credential.set_sensitive(true);
    let request = Request::get(ME)
        .header(AUTHORIZATION, credential)
        .body(Bytes::new())
        .map_err(|error| error.to_string())?;
    let answer = server.fetch(host, request).await.map_err(|error| format!("{server}: {error}"))?;
    if answer.status() != StatusCode::OK {
        return Err(format!("{server} answered {}", answer.status()));
    }
    let mut me: Value = serde_json::from_slice(answer.body())
        .map_err(|_| format!("{server} did not answer as a gateway does"))?;
    match me["limits"].take() {
        Value::Array(limits) => Ok(limits),
        _ => Err(format!("{server} did not answer as a gateway does")),
    }
}

fn lines(title: &str, limits: &[Value]) -> String {
    if limits.is_empty() {
        return format!("{title}: none\n");
    }
    let mut out = format!("{title}:\n");
    for one in limits {
        let _ = writeln!(out, "  {}", line(one));
    }
    out
}

fn line(one: &Value) -> String {
    let text = |name: &str| plain(&one[name]);
    let known = |name: &str| !one[name].is_null();
    let mut line = format!("{}: ", text("id"));
    match (known("amount"), known("period")) {
        (false, _) => line.push_str("unlimited"),
        (true, true) => drop(write!(line, "{} {} per {}", text("amount"), text("unit"), text("period"))),
        (true, false) => drop(write!(line, "{} requests at a time", text("amount"))),
    }
    if known("burst") && one["burst"] != one["amount"] {
        let _ = write!(line, " (burst {})", text("burst"));
    }
    let _ = write!(line, ", each {}, {}", text("each"), text("action"));
    if let Some(subject) = one["for"].as_object() {
        let parts: Vec<String> =
            subject.iter().map(|(name, list)| format!("{name} {}", plain(list))).collect();
        let _ = write!(line, ", for {}", parts.join(" and "));
    }
    if one["overridden"] == true {
        line.push_str(", by an override");
    }
    if one["degraded"] == true && !known("left") {
        line.push_str("; what is left is not known: the counts that nodes share cannot be asked");
    }
    if known("left") {
        let _ = write!(line, "; used {}, left {}", text("used"), text("left"));
        if known("resets_at") {
            let _ = write!(line, ", all of it again at {}", text("resets_at"));
        }
    }
    line
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
