//! SIGHUP: other rules under running calls.

use serde_json::json;

use super::Site;

const FEW: &str = "[[access.allow]]\nid = \"few\"\nmodels = [\"llama3\"]\n";
const MORE: &str = "[[access.allow]]\nid = \"more\"\nmodels = [\"llama3\", \"gpt-4o\"]\n";

impl Site {
    fn reload(&self, rules: &str) {
        self.gateway.reload(&format!("{}\n{rules}", self.head));
    }
}

#[tokio::test]
async fn changed_rules_are_in_force_without_a_restart() {
    let site = Site::new(FEW).await;
    site.ask(json!({}), "gpt-4o").await.expect(403);
    site.reload(MORE);
    let line = site.gateway.stderr.line("configuration reloaded").await;
    assert!(line.contains("allow more"), "{line}");
    let answer = site.ask(json!({}), "gpt-4o").await.expect(200);
    let trail = site.gateway.finished(&answer.id()).await;
    assert_eq!(trail.outcome()["decision"]["rule_ids"], json!(["more"]));
    site.reload("");
    site.gateway
        .stderr
        .find("a second reload", |line| {
            (line.contains("configuration reloaded") && !line.contains("allow more")).then_some(())
        })
        .await;
    site.ask(json!({}), "llama3").await.expect(403);
}

#[tokio::test]
async fn rules_that_would_open_everything_to_everybody_have_to_say_so() {
    for slip in [
        "[[access.allow]]\nid = \"all\"\n",
        "[access]\nshadow = true\n",
        "[[access.allow]]\nid = \"all\"\nmodels = [\"*\"]\n",
    ] {
        let site = Site::new(FEW).await;
        site.reload(slip);
        let line = site.gateway.stderr.line("configuration not reloaded").await;
        assert!(line.contains("default = \\\"allow\\\""), "{line}");
        site.ask(json!({}), "gpt-4o").await.expect(403);
        site.ask(json!({}), "llama3").await.expect(200);
        site.reload("[access]\ndefault = \"allow\"\n");
        site.gateway.stderr.line("configuration reloaded").await;
        site.ask(json!({}), "gpt-4o").await.expect(200);
    }
}

#[tokio::test]
async fn what_cannot_be_reloaded_is_said_and_everything_stays() {
    for (change, said) in [
        ("this is no TOML", "not valid TOML"),
        ("[[access.allow]]\nid = \"x\"\nmodles = [\"*\"]\n", "did you mean"),
        ("[[access.allow]]\nid = \"x\"\nnetworks = [\"nowhere\"]\n", "is not a network"),
        (
            "[server]\nmax_connections = 9\n[[access.allow]]\nid = \"x\"\nmodels = [\"gpt-4o\"]\n",
            "server.max_connections changed, which needs a restart",
        ),
    ] {
        let site = Site::new(FEW).await;
        site.reload(change);
        let line = site.gateway.stderr.line("configuration not reloaded").await;
        assert!(line.contains(said), "{line}");
        site.ask(json!({}), "gpt-4o").await.expect(403);
        site.ask(json!({}), "llama3").await.expect(200);
    }
}

#[tokio::test]
async fn without_a_file_there_is_nothing_to_read_again() {
    let world = crate::support::World::start().await;
    world.gateway.reload("");
    let line = world.gateway.stderr.line("configuration not reloaded").await;
    assert!(line.contains("without a file"), "{line}");
    let question = crate::support::question(crate::support::CHATS[0], "m", "hello");
    world.post(crate::support::CHATS[0]).json(&question).send().await.expect(200);
}
