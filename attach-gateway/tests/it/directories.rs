//! More than one issuer: each vouches for its own people, and nobody else's.

use serde_json::json;

use crate::support::{CHATS, Issuer, Launch, Response, Upstream, question};

struct Two {
    acme: Issuer,
    partner: Issuer,
    upstream: Upstream,
}

impl Two {
    async fn new() -> Self {
        Self {
            acme: Issuer::start().await,
            partner: Issuer::start().await,
            upstream: Upstream::model().await,
        }
    }

    fn launch(&self, rest: &str) -> Launch {
        let issuer = |directory: &str, issuer: &Issuer| {
            format!(
                "[[issuer]]\ndirectory = \"{directory}\"\nissuer = \"{}\"\naudience = [\"api://attach-test\"]\n",
                issuer.url()
            )
        };
        let upstream =
            format!("[[upstream]]\nname = \"one\"\nkind = \"openai\"\nurl = \"{}\"\n", self.upstream.url());
        Launch::file(&format!(
            "{}{}{upstream}{rest}",
            issuer("acme", &self.acme),
            issuer("partner", &self.partner)
        ))
    }
}

async fn ask(gateway: &crate::support::Gateway, token: &str) -> Response {
    gateway.post(CHATS[0]).bearer(token).json(&question(CHATS[0], "m", "hello")).send().await
}

#[tokio::test]
async fn a_group_is_one_of_its_own_directory_alone() {
    let two = Two::new().await;
    let gateway = two.launch("[[access.allow]]\nid = \"eng\"\ngroups = [\"acme/eng\"]\n").start().await;
    let answer = ask(&gateway, &two.acme.token("alice", &["eng"])).await.expect(200);
    assert_eq!(gateway.trail(&answer.id()).outcome()["actor"]["directory"], "acme");
    // The same name in the other directory, and the other directory pretending.
    ask(&gateway, &two.partner.token("alice", &["eng"])).await.expect(403);
    ask(&gateway, &two.partner.token("alice", &["acme/eng"])).await.expect(403);
    assert_eq!(two.upstream.seen().len(), 1);
}

#[tokio::test]
async fn with_two_directories_a_rule_has_to_say_whose_group_it_means() {
    let two = Two::new().await;
    let said = two.launch("[[access.allow]]\nid = \"everyone\"\ngroups = [\"eng\"]\n").refusal().await;
    assert!(said.contains("everyone") && said.contains("eng"), "{said}");
    let said = two.launch("[[access.allow]]\nid = \"everyone\"\ngroups = [\"acem/eng\"]\n").refusal().await;
    assert!(said.contains("acem/eng"), "{said}");
}

#[tokio::test]
async fn people_of_the_same_name_in_two_directories_share_no_limit() {
    let two = Two::new().await;
    let rest = "[access]\ndefault = \"allow\"\n[[quota]]\nid = \"one\"\nrequests = \"1/h\"\n";
    let gateway = two.launch(rest).start().await;
    ask(&gateway, &two.acme.token("alice", &[])).await.expect(200);
    ask(&gateway, &two.partner.token("alice", &[])).await.expect(200);
    let answer = ask(&gateway, &two.acme.token("alice", &[])).await.expect(429);
    assert_eq!(gateway.trail(&answer.id()).reject()["quota"]["key"], json!("one"));
}

#[tokio::test]
async fn a_token_is_checked_by_the_issuer_that_it_names() {
    let two = Two::new().await;
    two.partner.set_down(true);
    let gateway = two.launch("[access]\ndefault = \"allow\"\n").start().await;
    ask(&gateway, &two.acme.token("alice", &[])).await.expect(200);
    ask(&gateway, &two.partner.token("alice", &[])).await.expect(503);
    gateway.get("/readyz").send().await.expect(200);
}
