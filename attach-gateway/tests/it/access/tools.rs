//! `explain` and `policy test`: the answers beforehand.

use serde_json::{Value, json};

use super::Site;
use crate::support::gateway::Finished;
use crate::support::issuer::now;
use crate::support::{Launch, TempDir};

const RULES: &str = r#"
[[access.allow]]
id = "engineers"
groups = ["eng"]
models = ["gpt-4o"]
require = { acr = ["phr"], auth_age = "12h", zero_retention = true }

[[access.allow]]
id = "search"
groups = ["eng"]
models = ["llama3"]
tools = ["web_search*"]

[[access.allow]]
id = "office"
networks = ["10.0.0.0/8"]
models = ["llama3"]

[[access.allow]]
id = "operators"
groups = ["ops"]
verbs = ["audit.*"]
"#;

impl Site {
    /// What a program of ours says that reads this site's configuration.
    async fn run(&self, arguments: &[&str], token: Option<&str>) -> Finished {
        let home = TempDir::new();
        let config = home.write("attach.toml", &format!("{}\n{RULES}", self.head)).display().to_string();
        let launch = Launch::bare().arguments(arguments).arguments(&["--config", &config]);
        match token {
            Some(token) => launch.set("THE_TOKEN", token).run().await,
            None => launch.run().await,
        }
    }

    async fn explain(&self, claims: Value, more: &[&str]) -> Finished {
        let token = self.token(&claims);
        let finished =
            self.run(&[&["explain", "--token-env", "THE_TOKEN"], more].concat(), Some(&token)).await;
        for part in token.split('.') {
            assert!(!finished.stdout.contains(part) && !finished.stderr.contains(part), "the token is shown");
        }
        finished
    }
}

#[tokio::test]
async fn explain_says_who_what_and_why() {
    let site = Site::new(RULES).await;
    let strong = json!({"acr": "phr", "auth_time": now() - 60});
    let allowed = site.explain(strong.clone(), &["--model", "gpt-4o"]).await;
    assert_eq!(allowed.code, Some(0), "{}{}", allowed.stdout, allowed.stderr);
    for line in [
        "caller: person alice of directory acme",
        "groups: eng",
        "acr phr",
        "to outside as gpt-4o: denied: destination_not_allowed; rule=engineers; requirement=zero_retention",
        "to keeps-nothing as gpt-4o: allowed: allowed_by_rule; rule=engineers",
        "answer: allowed: allowed_by_rule; rule=engineers",
    ] {
        assert!(allowed.stdout.contains(line), "{line}\n{}", allowed.stdout);
    }
    site.call(&strong, "gpt-4o").send().await.expect(200);
    let weak = site.explain(json!({}), &["--model", "gpt-4o"]).await;
    assert_eq!(weak.code, Some(1));
    let said = "denied until signing in again: insufficient_user_authentication; rule=engineers; requirement=acr; \
                acr_values=phr; max_age=43200";
    assert!(weak.stdout.contains(said), "{}", weak.stdout);
    let unknown = site.explain(strong, &["--model", "no-such"]).await;
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.stdout.contains("nobody serves this model"), "{}", unknown.stdout);
}

#[tokio::test]
async fn explain_takes_the_address_the_operation_and_the_tools_of_the_call() {
    let site = Site::new(RULES).await;
    let nobody = json!({"groups": []});
    let inside = site.explain(nobody.clone(), &["--model", "llama3", "--address", "10.1.2.3"]).await;
    assert_eq!(inside.code, Some(0), "{}", inside.stdout);
    let outside = site.explain(nobody, &["--model", "llama3", "--address", "11.1.2.3"]).await;
    assert_eq!(outside.code, Some(1));
    let tool = site.explain(json!({}), &["--model", "llama3", "--tool", "web_search_preview"]).await;
    assert_eq!(tool.code, Some(0), "{}", tool.stdout);
    let other =
        site.explain(json!({}), &["--model", "llama3", "--tool", "mcp", "--api", "openai.responses"]).await;
    assert!(other.stdout.contains("hosted_tool_not_allowed"), "{}", other.stdout);
}

#[tokio::test]
async fn explain_tells_a_bad_token_from_a_provider_that_cannot_be_asked() {
    let site = Site::new(RULES).await;
    let bad = site.explain(json!({"aud": "api://other"}), &["--model", "gpt-4o"]).await;
    assert_eq!(bad.code, Some(1));
    assert!(bad.stdout.contains("401 wrong_audience"), "{}", bad.stdout);
    site.issuer.set_down(true);
    let down = site.explain(json!({}), &["--model", "gpt-4o"]).await;
    assert_eq!(down.code, Some(2), "{}", down.stdout);
    let nothing = site.run(&["explain", "--token-env", "NOT_SET", "--model", "m"], None).await;
    assert_eq!(nothing.code, Some(2));
    let nothing = site.run(&["explain", "--model", "m"], None).await;
    assert_eq!(nothing.code, Some(2), "a token has to be named");
}

#[tokio::test]
async fn a_token_comes_from_a_file_as_well() {
    let site = Site::new(RULES).await;
    let home = TempDir::new();
    let path = home.write("token", &format!("{}\n", site.token(&json!({})))).display().to_string();
    let finished = site.run(&["explain", "--token", &path, "--model", "llama3"], None).await;
    assert_eq!(finished.code, Some(0), "{}{}", finished.stdout, finished.stderr);
}

const CASES: &str = r#"
[[case]]
name = "engineers who signed in strongly and lately"
claims = { sub = "alice", scope = "llm", groups = ["eng"], acr = "phr" }
auth_age = "1h"
model = "gpt-4o"
api = "openai.chat"
expect = "allow"
reason = "allowed_by_rule"
rule = "engineers"
upstreams = ["keeps-nothing"]

[[case]]
name = "engineers who signed in yesterday"
claims = { sub = "alice", groups = ["eng"], acr = "phr" }
auth_age = "25h"
model = "gpt-4o"
expect = "step_up"

[[case]]
name = "keys meet no demand"
claims = { sub = "alice", groups = ["eng"], acr = "phr" }
proof = "key"
model = "gpt-4o"
expect = "deny"
reason = "proof_without_assurance"

[[case]]
name = "the office"
claims = { sub = "bob" }
address = "10.0.0.7"
model = "llama3"
expect = "allow"
rule = "office"

[[case]]
name = "tools"
claims = { sub = "alice", groups = ["eng"] }
model = "llama3"
tools = ["mcp"]
expect = "deny"
reason = "hosted_tool_not_allowed"

[[case]]
name = "operators read the audit log"
claims = { sub = "olga", groups = ["ops"] }
verb = "audit.read"
expect = "allow"
"#;

async fn tested(site: &Site, cases: &str) -> Finished {
    let home = TempDir::new();
    let path = home.write("cases.toml", cases).display().to_string();
    site.run(&["policy", "test", &path], None).await
}

#[tokio::test]
async fn a_file_of_cases_holds_the_rules_to_their_meaning() {
    let site = Site::new(RULES).await;
    let passed = tested(&site, CASES).await;
    assert_eq!(passed.code, Some(0), "{}{}", passed.stdout, passed.stderr);
    assert_eq!(passed.stdout, "6 of 6 cases pass\n");
    for (from, to, said) in [
        (
            "expect = \"step_up\"",
            "expect = \"allow\"",
            "FAILED engineers who signed in yesterday: expected allow",
        ),
        ("rule = \"office\"", "rule = \"home\"", "FAILED the office: expected rule home"),
        (
            "reason = \"proof_without_assurance\"",
            "reason = \"no_rule_allows\"",
            "expected reason no_rule_allows",
        ),
        ("[\"keeps-nothing\"]", "[\"outside\"]", "expected to go to outside, not to keeps-nothing"),
    ] {
        let failed = tested(&site, &CASES.replacen(from, to, 1)).await;
        assert_eq!(failed.code, Some(1), "{}", failed.stderr);
        assert!(failed.stdout.contains(said) && failed.stdout.contains("5 of 6"), "{}", failed.stdout);
    }
}

#[tokio::test]
async fn a_case_that_makes_no_sense_is_trouble_and_no_answer() {
    let site = Site::new(RULES).await;
    let case = |more: &str| {
        format!("[[case]]\nname = \"x\"\nclaims = {{ sub = \"a\" }}\nexpect = \"deny\"\n{more}\n")
    };
    for more in [
        "",
        "model = \"m\"\nverb = \"v\"",
        "model = \"m\"\nproof = \"word\"",
        "model = \"m\"\nmodle = \"m\"",
        "model = \"m\"\nissuer = \"https://other\"",
    ] {
        let finished = tested(&site, &case(more)).await;
        assert_eq!(finished.code, Some(2), "{more}: {}", finished.stdout);
    }
}
