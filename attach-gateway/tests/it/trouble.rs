//! Model servers that are not there, not in time, or not pleased.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::json;

use crate::support::{CHATS, Issuer, Launch, Reply, Upstream, World, assert_shape, question, streamed};

#[tokio::test]
async fn a_model_server_that_is_not_there_is_a_502_in_three_dialects() {
    let nobody = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let place = format!("http://{nobody}");
    let world = World::with(Upstream::model().await, |launch| launch.set("ENGINE_URL", &place)).await;
    for path in CHATS {
        for body in [question(path, "m", "hello"), streamed(path, "m", "hello")] {
            let answer = world.post(path).json(&body).send().await.expect(502);
            assert_shape(path, &answer, "upstream_unreachable");
            assert!(!answer.text().contains(&nobody.port().to_string()), "{}", answer.text());
            let trail = world.gateway.trail(&answer.id());
            assert_eq!((trail.kinds(), trail.end()), (vec!["intent", "outcome"], "upstream_error"));
            assert_eq!(trail.outcome()["decision"]["http_status"], 502);
        }
    }
    world.get("/v1/models").send().await.expect(502);
}

#[tokio::test]
async fn a_model_server_that_hangs_up_is_a_502() {
    let world = World::with(Upstream::with(|_| Reply::close()).await, |launch| launch).await;
    for path in CHATS {
        let answer = world.post(path).json(&question(path, "m", "hello")).send().await.expect(502);
        assert_shape(path, &answer, "upstream_broke");
    }
    // Something may have been sent, so nothing was sent twice.
    assert_eq!(world.upstream.seen().len(), 3);
}

#[tokio::test]
async fn a_model_server_that_does_not_answer_in_time_is_a_504() {
    let text = r#"
        [[issuer]]
        issuer = "{ISSUER}"
        audience = ["api://attach-test"]
        [[upstream]]
        name = "slow"
        kind = "openai"
        dialects = ["openai", "anthropic", "ollama"]
        url = "{UPSTREAM}"
        timeout = { first_byte = "200ms", total = "400ms" }
        [access]
        default = "allow"
    "#;
    let world = World::file(Upstream::with(|_| Reply::never()).await, text).await;
    for path in CHATS {
        // A stream has to begin in time; a whole answer begins when it is finished.
        for body in [streamed(path, "m", "hello"), question(path, "m", "hello")] {
            let answer = world.post(path).json(&body).send().await.expect(504);
            assert_shape(path, &answer, "upstream_timeout");
            assert_eq!(world.gateway.trail(&answer.id()).end(), "upstream_timeout");
        }
    }
}

#[tokio::test]
async fn the_gateways_own_credential_is_not_the_callers_business() {
    for status in [401, 403, 407] {
        let upstream = Upstream::with(move |_| {
            let body = json!({"error": {"message": "Incorrect API key provided: sk-upst***", "code": "invalid_api_key"}});
            Reply::json(status, &body).header("www-authenticate", "Bearer realm=\"upstream\"")
        })
        .await;
        let world = World::with(upstream, |launch| launch.set("ENGINE_API_KEY", "sk-upstream")).await;
        for path in CHATS {
            let answer = world.post(path).json(&question(path, "m", "hello")).send().await.expect(502);
            assert_shape(path, &answer, "upstream_credential_rejected");
            assert!(!format!("{answer:?}").contains("sk-upst"));
            assert_eq!(answer.header("www-authenticate"), None);
            let trail = world.gateway.trail(&answer.id());
            assert!(trail.outcome()["decision"]["detail"].as_str().unwrap().contains(&status.to_string()));
        }
    }
}

#[tokio::test]
async fn other_answers_keep_their_status_and_their_bytes() {
    let upstream = Upstream::with(|seen| {
        let status = seen.json()["model"].as_str().unwrap().parse().unwrap();
        Reply::json(
            status,
            &json!({"error": {"message": format!("said the upstream with {status}"), "type": "its own"}}),
        )
        .header("retry-after", "17")
    })
    .await;
    let world = World::with(upstream, |launch| launch).await;
    for path in CHATS {
        for status in [400, 404, 413, 422, 429, 500, 503, 529] {
            let answer = world
                .post(path)
                .json(&question(path, &status.to_string(), "hello"))
                .send()
                .await
                .expect(status);
            assert_eq!(answer.json()["error"]["message"], format!("said the upstream with {status}"));
            assert_eq!(answer.header("retry-after"), Some("17"));
            let trail = world.gateway.trail(&answer.id());
            assert_eq!(trail.outcome()["decision"]["http_status"], status);
            let end = if status >= 500 { "upstream_error" } else { "complete" };
            assert_eq!(trail.end(), end, "{path} {status}");
        }
    }
}

#[tokio::test]
async fn a_model_server_that_was_restarted_is_found_again() {
    let world = World::start().await;
    for _ in 0..10 {
        for path in CHATS {
            world.post(path).json(&question(path, "m", "hello")).send().await.expect(200);
        }
        world.upstream.hang_up();
        tokio::task::yield_now().await;
    }
    assert_eq!(world.upstream.seen().len(), 30);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let upstream =
        Upstream::with(|_| Reply::json(307, &json!({})).header("location", "http://evil.example/")).await;
    let world = World::with(upstream, |launch| launch).await;
    let answer = world.post(CHATS[0]).json(&question(CHATS[0], "m", "hello")).send().await.expect(502);
    assert_shape(CHATS[0], &answer, "upstream_redirected");
    assert_eq!(answer.header("location"), None);
}

#[tokio::test]
async fn the_next_target_is_tried_when_the_first_cannot_be_reached() {
    let nobody = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let text = format!(
        r#"
        [[issuer]]
        issuer = "{}"
        audience = ["api://attach-test"]
        [[upstream]]
        name = "away"
        kind = "openai"
        url = "http://{nobody}"
        [[upstream]]
        name = "there"
        kind = "openai"
        url = "{}"
        [[model]]
        name = "team-chat"
        to = [{{ upstream = "away", model = "a" }}, {{ upstream = "there", model = "b" }}]
        [access]
        default = "allow"
        "#,
        issuer.url(),
        upstream.url()
    );
    let world = World { gateway: Launch::file(&text).start().await, issuer, upstream };
    let answer =
        world.post(CHATS[0]).json(&question(CHATS[0], "team-chat", "hello")).send().await.expect(200);
    assert_eq!(world.upstream.only().json()["model"], "b");
    let trail = world.gateway.trail(&answer.id());
    let model = &trail.outcome()["model"];
    assert_eq!(
        (&model["upstream"], &model["routed"], &model["attempts"]),
        (&json!("there"), &json!("b"), &json!(2))
    );
    let [away, there]: &[serde_json::Value; 2] =
        model["tried"].as_array().expect("both")[..].try_into().expect("two");
    assert_eq!(
        (&away["upstream"], &away["model"], &away["end"]),
        (&json!("away"), &json!("a"), &json!("connect"))
    );
    assert_eq!(
        (&there["upstream"], &there["end"], &there["status"]),
        (&json!("there"), &json!("ok"), &json!(200))
    );
    assert!(away.get("status").is_none() && away["ms"].is_number());
}

#[tokio::test]
async fn no_more_requests_than_allowed_are_served_at_once() {
    let text = r#"
        [server]
        max_in_flight = 2
        [[issuer]]
        issuer = "{ISSUER}"
        audience = ["api://attach-test"]
        [[upstream]]
        name = "slow"
        kind = "openai"
        url = "{UPSTREAM}"
        [access]
        default = "allow"
    "#;
    let world = World::file(Upstream::with(|_| Reply::never()).await, text).await;
    let call = world.post(CHATS[0]).json(&question(CHATS[0], "m", "hello"));
    let running: Vec<_> = (0..2)
        .map(|_| {
            tokio::spawn({
                let call = call.clone();
                async move { call.send().await }
            })
        })
        .collect();
    crate::support::eventually("two calls", || (world.upstream.seen().len() == 2).then_some(())).await;
    let answer = call.send().await.expect(503);
    assert_eq!((answer.code(), answer.header("retry-after")), ("overloaded".to_owned(), Some("1")));
    world.gateway.get("/healthz").send().await.expect(200);
    running.iter().for_each(tokio::task::JoinHandle::abort);
    // Places are given back when clients leave.
    for _ in 0..500 {
        if world.gateway.post(CHATS[0]).send().await.status == 401 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the places were not given back");
}
