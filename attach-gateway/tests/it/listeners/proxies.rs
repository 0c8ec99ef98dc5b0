use super::file;
use crate::support::{CHATS, Upstream, World, question};

/// The address that the log has for a call with these headers.
async fn address(world: &World, headers: &[(&str, &str)]) -> String {
    let call = headers.iter().fold(world.post(CHATS[0]), |call, (name, value)| call.header(name, value));
    let answer = call.json(&question(CHATS[0], "m", "hello")).send().await.expect(200);
    let trail = world.gateway.trail(&answer.id());
    let origin = &trail.intent()["src"];
    origin["ip"].as_str().unwrap_or_else(|| panic!("no address: {trail:?}")).to_owned()
}

#[tokio::test]
async fn a_listed_proxy_says_for_whom_it_calls() {
    let server = "tls = \"terminated-by-proxy\"\ntrusted_proxies = [\"127.0.0.0/8\", \"10.0.0.0/8\"]";
    let world = World::file(Upstream::model().await, &file(server)).await;
    assert_eq!(address(&world, &[]).await, "127.0.0.1");
    assert_eq!(address(&world, &[("Forwarded", "for=192.0.2.7;proto=https")]).await, "192.0.2.7");
    let chain = "for=198.51.100.66, for=192.0.2.7, for=10.1.2.3";
    assert_eq!(address(&world, &[("Forwarded", chain)]).await, "192.0.2.7", "what is before is a claim");
    assert_eq!(address(&world, &[("X-Forwarded-For", "192.0.2.7")]).await, "127.0.0.1");
    assert!(world.upstream.seen().iter().all(|seen| seen.header("forwarded").is_none()));
}

#[tokio::test]
async fn the_other_header_counts_where_it_is_named() {
    let server = "tls = \"terminated-by-proxy\"\ntrusted_proxies = [\"127.0.0.1\"]\nproxy_header = \"x-forwarded-for\"";
    let world = World::file(Upstream::model().await, &file(server)).await;
    assert_eq!(address(&world, &[("X-Forwarded-For", "198.51.100.66, 192.0.2.7")]).await, "192.0.2.7");
    assert_eq!(address(&world, &[("Forwarded", "for=192.0.2.8")]).await, "127.0.0.1");
}

#[tokio::test]
async fn nobody_else_is_believed() {
    for server in ["", "tls = \"terminated-by-proxy\"\ntrusted_proxies = [\"10.0.0.0/8\"]"] {
        let world = World::file(Upstream::model().await, &file(server)).await;
        for header in ["Forwarded", "X-Forwarded-For", "X-Real-IP"] {
            let value = if header == "Forwarded" { "for=192.0.2.7" } else { "192.0.2.7" };
            assert_eq!(address(&world, &[(header, value)]).await, "127.0.0.1", "{header}");
        }
    }
}

#[tokio::test]
async fn a_rule_about_networks_goes_by_the_clients_address() {
    let server = "tls = \"terminated-by-proxy\"\ntrusted_proxies = [\"127.0.0.1\"]";
    let rules = "[[access.allow]]\nid = \"office\"\nmodels = [\"*\"]\nnetworks = [\"192.0.2.0/24\"]\n";
    let text = file(server).replace("[access]\ndefault = \"allow\"\n", rules);
    let world = World::file(Upstream::model().await, &text).await;
    for (address, status) in [("192.0.2.7", 200), ("198.51.100.7", 403)] {
        let call = world.post(CHATS[0]).header("Forwarded", &format!("for={address}"));
        call.json(&question(CHATS[0], "m", "hello")).send().await.expect(status);
    }
}
