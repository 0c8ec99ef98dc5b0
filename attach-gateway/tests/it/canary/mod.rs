//! What a caller says is in no output of the gateway but the answers to that caller, whatever happens to the call.

mod calls;
mod remains;

use serde_json::{Value, json};

use self::calls::{
    BLOCKED, FOUND, MAIL, UNKNOWN, chat, forwarded, malformed, messages, ollama, planted, refused, token,
};
use self::remains::Remains;
use crate::support::admin::{admin_address, config};
use crate::support::wire::model_in_words;
use crate::support::{Call, Governed, Issuer, Launch, Reply, Seen, Step, Upstream};

const SETTINGS: &str = r#"
[keys]
[[audit.egress]]
kind = "stdout"
[redact.entities]
STREET_ADDRESS = "replace"
US_SSN = "block"
[[redact.pattern]]
entity = "PROJECT"
regex = '\bNightjar-[A-Z]{3}\b'
"#;

/// A model server for better and for worse.
fn serve(seen: &Seen) -> Reply {
    let model = serde_json::from_slice::<Value>(&seen.body).unwrap_or_default()["model"].clone();
    match model.as_str() {
        Some("fails") => Reply::json(400, &json!({"error": {"message": seen.text(), "type": "bad"}})),
        Some("breaks") => Reply::text("text/html", format!("<p>{}</p>", seen.text())).status(500),
        Some("lies") => Reply::text("application/json", format!("{{{}", seen.text())),
        Some("garbles") => Reply::events("text/event-stream", [format!("data: {{{}\n\n", seen.text())]),
        Some("closes") => Reply::close(),
        Some("lingers") => {
            let event = json!({"choices": [{"index": 0, "delta": {"content": seen.text()}}]});
            let first = Step::Send(format!("data: {event}\n\n").into());
            Reply::stream("text/event-stream", vec![first, Step::Hang])
        }
        _ => model_in_words(seen, 5),
    }
}

/// Sends everything there is, and keeps the heads of all answers.
async fn say_all(governed: &Governed, remains: &mut Remains) {
    let bearer = governed.issuer.token("alice", &[]);
    let mut statuses = Vec::new();
    let post = |path: &str| governed.gateway.post(path).bearer(&bearer);
    for (path, body) in forwarded().into_iter().chain(refused()) {
        let answer = post(path).json(&body).send().await;
        let name = format!("headers of {path} {}", body["model"]);
        remains.add(name, format!("{} {:?}", answer.status, answer.headers));
        statuses.push(answer.status);
    }
    let asked = forwarded().into_iter().zip(&statuses).filter(|((_, body), _)| body["model"] == "m");
    asked.for_each(|((path, _), status)| assert_eq!(*status, 200, "{path}"));
    for status in [400, 422, 502] {
        assert!(statuses.contains(&status), "{status}: {statuses:?}");
    }
    for body in malformed() {
        let answer =
            post("/v1/chat/completions").header("content-type", "application/json").body(body).send().await;
        remains.add("headers of a malformed body", format!("{:?}", answer.headers));
        assert!((400..500).contains(&answer.status), "{}", answer.status);
    }
    // Without a token, with a wrong one, and nowhere.
    let stranger = governed.gateway.post("/v1/chat/completions").json(&chat("m"));
    remains.add("answer to a stranger", format!("{:?}", stranger.send().await.headers));
    let odd = governed.gateway.post("/v1/chat/completions").bearer(&token()).json(&chat("m")).send().await;
    remains.add("answer to an odd token", format!("{:?}", odd.headers));
    let nowhere = post("/v1/nowhere").json(&chat("m")).send().await;
    remains.add("answer from nowhere", format!("{:?}", nowhere.headers));
    let beside = post("/v1/chat/completions").header("x-note", MAIL).json(&chat("m"));
    remains.add("headers of a call with headers", format!("{:?}", beside.send().await.headers));
}

/// Asks everything that others than the caller may see.
async fn look_around(governed: &Governed, remains: &mut Remains) {
    for path in ["/admin/v1/state", "/admin/v1/revocations", "/admin/v1/quotas", "/admin/v1/keys", "/metrics"]
    {
        let answer = governed.admin("GET", path, &["ops", "dco", "keymasters"]).send().await;
        remains.add(
            format!("admin {path}"),
            [answer.body.clone(), format!("{:?}", answer.headers).into()].concat(),
        );
    }
    for path in ["/metrics", "/healthz", "/readyz", "/v1/models"] {
        let mallory = governed.gateway.get(path).bearer(&governed.issuer.token("mallory", &[]));
        remains.add(format!("mallory's {path}"), mallory.send().await.body);
    }
}

async fn governed(more: &str) -> Governed {
    let (issuer, upstream) = (Issuer::start().await, Upstream::with(serve).await);
    let text = config(&issuer, &upstream, &format!("{SETTINGS}{more}"));
    let gateway = Launch::file(&text).set("RUST_LOG", "trace").start().await;
    admin_address(&gateway).await;
    Governed::of(issuer, upstream, gateway).await
}

/// Ends the gateway and adds what it has printed and stored.
async fn end(governed: &mut Governed, remains: &mut Remains) {
    governed.gateway.terminate();
    assert!(governed.gateway.ended().await.success(), "{}", governed.gateway.stderr.text());
    governed.gateway.stderr.ended().await;
    governed.gateway.stdout.ended().await;
    remains.add("stdout", governed.gateway.stdout.text());
    remains.add("stderr", governed.gateway.stderr.text());
    remains.add_folder(governed.gateway.audit_folder().parent().unwrap());
}

#[tokio::test]
async fn planted_values_appear_in_no_output() {
    let mut governed = governed("").await;
    let mut remains = Remains::default();
    say_all(&governed, &mut remains).await;
    let mut lingering = chat("lingers");
    lingering["stream"] = json!(true);
    let call = governed.gateway.post("/v1/chat/completions").bearer(&governed.issuer.token("alice", &[]));
    let mut answer = call.json(&lingering).stream().await;
    answer.until(MAIL).await;
    let id = answer.id();
    drop(answer);
    governed.gateway.finished(&id).await;
    look_around(&governed, &mut remains).await;
    end(&mut governed, &mut remains).await;
    assert!(
        remains.0.iter().any(|(name, bytes)| name == "stderr" && bytes.len() > 10_000),
        "it was told to talk"
    );
    assert!(remains.0.iter().any(|(name, _)| name.ends_with(".jsonl")), "there is an audit log");
    let leaks = remains.leaks(&planted());
    assert!(leaks.is_empty(), "{}", leaks.join("\n\n"));
    does_not_leave(&governed);
}

/// What is found does not reach the model server; what is not found does.
fn does_not_leave(governed: &Governed) {
    let seen = governed.upstream.seen();
    assert!(seen.len() > 20, "{}", seen.len());
    let mut sent = Remains::default();
    seen.iter().for_each(|seen| sent.add(seen.path.clone(), seen.everything()));
    let known: Vec<String> =
        FOUND.into_iter().map(str::to_owned).chain([BLOCKED.to_owned(), token()]).collect();
    assert!(!sent.leaks(&[UNKNOWN.to_owned()]).is_empty(), "what is searched for is there to be found");
    let leaks = sent.leaks(&known);
    assert!(leaks.is_empty(), "{}", leaks.join("\n\n"));
}

#[tokio::test]
async fn planted_values_appear_in_no_output_when_an_engine_is_down() {
    let engine = Upstream::with(|seen| Reply::json(500, &json!({"error": seen.text()}))).await;
    let down =
        format!("[[redact.engine]]\nkind = \"presidio\"\nurl = \"{}\"\ntimeout = \"30s\"\n", engine.url());
    let mut governed = governed(&down).await;
    let mut remains = Remains::default();
    for (path, body) in
        [("/v1/chat/completions", chat("m")), ("/v1/messages", messages("m")), ("/api/chat", ollama("m"))]
    {
        let call: Call = governed.gateway.post(path).bearer(&governed.issuer.token("alice", &[]));
        let answer = call.json(&body).send().await.expect(503);
        remains.add(
            format!("answer of {path}"),
            [answer.body.clone(), format!("{:?}", answer.headers).into()].concat(),
        );
    }
    assert!(governed.upstream.seen().is_empty() && !engine.seen().is_empty());
    end(&mut governed, &mut remains).await;
    let leaks = remains.leaks(&planted());
    assert!(leaks.is_empty(), "{}", leaks.join("\n\n"));
}

#[tokio::test]
async fn content_that_is_kept_does_not_show_what_is_planted() {
    for (keep, clear) in [("redacted", true), ("sealed", false)] {
        let auditors = attach_audit::content::keygen().0;
        let more = format!("[audit]\ncontent = \"{keep}\"\nauditors = [\"{auditors}\"]\n");
        let mut governed = governed(&more).await;
        let mut remains = Remains::default();
        say_all(&governed, &mut remains).await;
        end(&mut governed, &mut remains).await;
        remains.decode();
        assert!(remains.0.iter().filter(|(name, _)| name.ends_with("decoded")).count() > 40);
        // In clear there is, in what was redacted, only what nobody knows that it matters.
        let unknown = remains.leaks(&[UNKNOWN.to_owned()]);
        assert_eq!(!unknown.is_empty(), clear, "{keep}");
        assert!(unknown.iter().all(|leak| leak.contains("/content-")), "{}", unknown.join("\n\n"));
        let known: Vec<String> = planted().into_iter().filter(|value| value != UNKNOWN).collect();
        let leaks = remains.leaks(&known);
        assert!(leaks.is_empty(), "{keep}: {}", leaks.join("\n\n"));
    }
}
