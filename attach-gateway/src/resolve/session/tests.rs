use attach_core::{Api, Identity, Payload};
use http::HeaderMap;

use super::super::weights;
use super::Session;
use crate::config::Sticky;

fn person(name: &str) -> Identity {
    Identity::person("acme", name)
}

fn asked(sticky: &Sticky, api: Api, body: &str, header: Option<(&'static str, &str)>) -> Option<Session> {
    let payload = Payload::parse(api, body.to_owned().into()).expect("a call");
    let headers: HeaderMap =
        header.iter().map(|(name, text)| (name.parse().unwrap(), text.parse().unwrap())).collect();
    Session::of(sticky, Some(&person("alice")), (&headers, &payload))
}

fn of(api: Api, body: &str) -> Option<Session> {
    asked(&Sticky::Conversation, api, body, None)
}

/// The first of `targets` for the session of somebody.
fn first<'a>(who: &str, targets: &[(&'a str, u32)]) -> &'a str {
    order(who, targets)[0]
}

fn order<'a>(who: &str, targets: &[(&'a str, u32)]) -> Vec<&'a str> {
    let session = Session::of_caller(&person(who));
    let mut targets = targets.to_vec();
    weights::order_by(&mut targets, |(_, weight)| *weight, |(name, _)| session.draw([name, "m"]));
    targets.into_iter().map(|(name, _)| name).collect()
}

/// Ten thousand people.
fn people() -> impl Iterator<Item = String> {
    (0..10_000).map(|n| format!("person-{n}"))
}

#[test]
fn turns_of_one_conversation_are_one_session_in_every_dialect() {
    for (api, turns) in [
        (
            Api::OpenAiChat,
            [
                r#"{"model":"m","messages":[{"role":"system","content":"be brief"},{"role":"user","content":"hello"}]}"#,
                r#"{"model":"other","stream":true,"messages":[{"role":"system","content":"be brief"},{"role":"user","content":[{"type":"text","text":"hello"}]},{"role":"assistant","content":"hi"},{"role":"user","content":"and now?"}]}"#,
            ],
        ),
        (
            Api::AnthropicMessages,
            [
                r#"{"model":"m","max_tokens":9,"system":"be brief","messages":[{"role":"user","content":[{"type":"text","text":"hello","cache_control":{"type":"ephemeral"}}]}]}"#,
                r#"{"model":"m","max_tokens":9,"system":[{"type":"text","text":"be brief"}],"messages":[{"role":"user","content":"hello"},{"role":"assistant","content":"hi"},{"role":"user","content":"and now?"}]}"#,
            ],
        ),
        (
            Api::OllamaChat,
            [
                r#"{"model":"m","messages":[{"role":"user","content":"hello"}]}"#,
                r#"{"model":"m","messages":[{"role":"user","content":"hello"},{"role":"assistant","content":"hi"},{"role":"user","content":"and now?"}]}"#,
            ],
        ),
        (
            Api::OpenAiResponses,
            [
                r#"{"model":"m","instructions":"be brief","input":"hello"}"#,
                r#"{"model":"m","instructions":"be brief","input":[{"role":"user","content":[{"type":"input_text","text":"hello"}]},{"role":"assistant","content":"hi"},{"role":"user","content":"and now?"}]}"#,
            ],
        ),
    ] {
        let [one, two] = turns.map(|body| of(api, body).expect("a session"));
        assert_eq!(one, two, "{api:?}");
        let another = of(api, &turns[0].replace("hello", "goodbye")).expect("a session");
        assert_ne!(one, another, "{api:?}: another question");
        let told = of(api, &turns[0].replace("brief", "long")).expect("a session");
        assert_eq!(one != told, turns[0].contains("brief"), "{api:?}: told something else");
    }
}

#[test]
fn where_a_client_names_the_session_that_is_what_counts() {
    let one = r#"{"model":"m","messages":[{"role":"user","content":"one"}]}"#;
    let two = r#"{"model":"m","messages":[{"role":"user","content":"two"}]}"#;
    let claude = |body: &str, id: &str| {
        let header = Some(("x-claude-code-session-id", id));
        asked(&Sticky::Conversation, Api::OpenAiChat, body, header)
    };
    assert_eq!(claude(one, "s1"), claude(two, "s1"));
    assert_ne!(claude(one, "s1"), claude(one, "s2"));
    let keyed = |body: &str| of(Api::OpenAiChat, &body.replacen('{', r#"{"prompt_cache_key":"k","#, 1));
    assert_eq!(keyed(one), keyed(two));
    let own = Sticky::Header("x-session-id".parse().unwrap());
    let named = |body: &str, id: &str| asked(&own, Api::OpenAiChat, body, Some(("x-session-id", id)));
    assert_eq!(named(one, "s1"), named(two, "s1"));
    assert_ne!(named(one, "s1"), named(one, "s2"));
    assert_eq!(asked(&own, Api::OpenAiChat, one, None), of(Api::OpenAiChat, one), "without the header");
    assert_ne!(asked(&own, Api::OpenAiChat, one, None), named(one, "s1"));
}

#[test]
fn nobody_shares_a_session_with_somebody_else() {
    let body = r#"{"model":"m","prompt_cache_key":"k","messages":[{"role":"user","content":"hello"}]}"#;
    let payload = Payload::parse(Api::OpenAiChat, body.into()).expect("a call");
    let headers = HeaderMap::new();
    for sticky in [Sticky::Conversation, Sticky::Caller] {
        let of = |who: &Identity| Session::of(&sticky, Some(who), (&headers, &payload)).expect("a session");
        assert_eq!(of(&person("alice")), of(&person("alice")));
        assert_ne!(of(&person("alice")), of(&person("bob")));
        assert_ne!(of(&person("alice")), of(&Identity::person("other", "alice")));
    }
    assert_eq!(Session::of(&Sticky::Caller, None, (&headers, &payload)), None);
}

#[test]
fn what_is_no_conversation_has_none() {
    for (api, body) in [
        (Api::OpenAiEmbeddings, r#"{"model":"m","input":"hello"}"#),
        (Api::OpenAiCompletions, r#"{"model":"m","prompt":"hello"}"#),
        (Api::OllamaGenerate, r#"{"model":"m","prompt":"hello"}"#),
        (Api::OpenAiChat, r#"{"model":"m","messages":[{"role":"assistant","content":"hello"}]}"#),
    ] {
        assert_eq!(of(api, body), None, "{api:?}");
    }
}

#[test]
fn sessions_are_shared_out_by_weight() {
    let all = [("a", 6), ("b", 3), ("c", 1)];
    for (name, expected) in [("a", 6_000_i32), ("b", 3_000), ("c", 1_000)] {
        let n = people().filter(|who| first(who, &all) == name).count();
        assert!((n as i32 - expected).abs() < 200, "{name}: {n}");
    }
}

#[test]
fn where_a_target_goes_only_its_sessions_move_and_to_their_second_choice() {
    let (all, left) = ([("a", 1), ("b", 1), ("c", 1), ("d", 1)], [("a", 1), ("b", 1), ("d", 1)]);
    let mut moved = [0; 3];
    for who in people() {
        let (before, after) = (order(&who, &all), order(&who, &left));
        let without: Vec<_> = before.iter().copied().filter(|name| *name != "c").collect();
        assert_eq!(after, without, "the rest stays in its order");
        if before[0] == "c" {
            moved[left.iter().position(|(name, _)| *name == after[0]).unwrap()] += 1;
        }
    }
    assert!((2_300..2_700).contains(&moved.iter().sum::<i32>()), "a quarter: {moved:?}");
    assert!(moved.iter().all(|n| (700..970).contains(n)), "the others share them: {moved:?}");
}

#[test]
fn another_weight_moves_no_more_sessions_than_its_share_changes() {
    let moves = |before: &[(&'static str, u32)], after: &[(&'static str, u32)]| {
        let both = people().map(|who| (first(&who, before), first(&who, after)));
        let moved: Vec<_> = both.filter(|(from, to)| from != to).collect();
        (moved.len(), moved.iter().all(|(_, to)| *to == "b"))
    };
    // From a half to three quarters, and all that move go there.
    let (n, there) = moves(&[("a", 1), ("b", 1)], &[("a", 1), ("b", 3)]);
    assert!((2_300..2_700).contains(&n) && there, "{n}");
    // The same shares in other numbers are the same shares.
    assert_eq!(moves(&[("a", 1), ("b", 1)], &[("a", 100), ("b", 100)]).0, 0);
    assert_eq!(order("alice", &[("a", 1), ("b", 1)]), order("alice", &[("b", 1), ("a", 1)]), "in any order");
}

#[test]
fn targets_without_a_weight_come_last() {
    for who in people().take(100) {
        assert_eq!(order(&who, &[("x", 0), ("a", 1), ("y", 0), ("b", 1)])[2..], ["x", "y"]);
    }
}
