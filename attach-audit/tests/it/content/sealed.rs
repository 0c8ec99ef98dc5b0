use attach_audit::content::{Auditor, Contents, Keep, keygen};
use attach_core::Identity;
use attach_core::exchange::Coverage;

use super::kept::everything;
use super::{Ask, PLACEHOLDER, VALUE, World, key, open};

fn same(contents: Contents) -> Contents {
    contents
}

#[tokio::test]
async fn an_auditor_reads_what_the_client_said_and_was_told_and_who_it_was() {
    let world = World::new(Keep::Sealed, same);
    let ask = Ask { coverage: Coverage::None, ..Ask::new(&["hello ", PLACEHOLDER, "!"]) };
    let answer = ask.send(&world.audit).await.expect("whole");
    let opened = world.open(&answer);
    assert_eq!(opened.kept, Keep::Sealed);
    assert_eq!(String::from_utf8_lossy(&opened.request), ask.body);
    assert_eq!(opened.answer, answer.body);
    assert!(ask.body.contains(VALUE) && String::from_utf8_lossy(&answer.body).contains(VALUE));
    let person = opened.person.expect("a profile");
    assert_eq!((person.id.as_str(), person.email.as_deref()), ("00u-alice", Some("alice@planted.example")));
    let content = &world.outcome(&answer)["content"];
    assert_eq!(content["in_orig_hmac"], key().digest(ask.body.as_bytes()));
    assert_eq!(content["in_hmac"], key().digest(ask.redacted().as_bytes()));
}

#[tokio::test]
async fn nothing_that_was_sealed_can_be_read_with_the_nodes_files() {
    let world = World::new(Keep::Sealed, same);
    let answer = Ask::new(&["told you so ", PLACEHOLDER]).send(&world.audit).await.expect("whole");
    let all = everything(&world);
    for planted in [VALUE, "told you so", "alice@planted.example", "Alice Planted", "AGE-SECRET-KEY"] {
        assert!(!all.contains(planted), "{planted}");
    }
    assert!(all.contains("age-encryption.org/v1"), "what is encoded was looked into");
    let names: Vec<_> = std::fs::read_dir(world.dir.path().join("people")).expect("listable").collect();
    assert_eq!(names.len(), 1);
    for (who, why) in [(String::new(), "other keys"), (keygen().1, "other keys")] {
        let other = Auditor::parse(&who).expect("keys");
        let refused = other.open(world.dir.path(), &answer.id).expect_err("not for them");
        assert!(refused.to_string().contains(why), "{refused}");
    }
}

#[tokio::test]
async fn erasing_somebody_makes_all_of_theirs_unreadable_and_nothing_else() {
    let world = World::new(Keep::Sealed, same);
    let (first, second) = (Ask::new(&["one"]), Ask::new(&["two"]));
    let bob = Ask { who: Some(Identity::person("acme", "00u-bob")), ..Ask::new(&["three"]) };
    let (first, second) = (first.send(&world.audit).await.unwrap(), second.send(&world.audit).await.unwrap());
    let bob = bob.send(&world.audit).await.expect("whole");
    assert_eq!(world.audit.erase_content("dpo", "acme", "00u-alice").await, Ok(true));
    for answer in [&first, &second] {
        let refused = world.auditor.open(world.dir.path(), &answer.id).expect_err("it is erased");
        assert!(refused.to_string().contains("erased"), "{refused}");
    }
    assert_eq!(world.open(&bob).answer, b"three");
    let deed = world.dir.records().into_iter().find(|one| one["kind"] == "admin").expect("on record");
    assert_eq!(deed["decision"]["reason"], "content.erase");
    assert_eq!((&deed["actor"]["uid"], &deed["custom"]["target"]), (&"dpo".into(), &"00u-alice".into()));
    assert_eq!(world.audit.erase_content("dpo", "acme", "00u-alice").await, Ok(false));

    // What is said from now on is sealed to a new key.
    let third = Ask::new(&["four"]).send(&world.audit).await.expect("whole");
    assert_eq!(world.open(&third).answer, b"four");
    assert!(world.auditor.open(world.dir.path(), &first.id).is_err());
}

#[tokio::test]
async fn a_key_file_that_was_deleted_by_hand_is_not_sealed_to() {
    let world = World::new(Keep::Sealed, same);
    Ask::new(&["one"]).send(&world.audit).await.expect("whole");
    let file = std::fs::read_dir(world.dir.path().join("people")).expect("listable").next();
    std::fs::remove_file(file.expect("a file").expect("an entry").path()).expect("removed");
    let second = Ask::new(&["two"]).send(&world.audit).await.expect("whole");
    assert_eq!(world.open(&second).answer, b"two");
}

#[tokio::test]
async fn content_outlives_a_restart_and_a_change_of_auditors() {
    let world = World::new(Keep::Sealed, same);
    let first = Ask::new(&["one"]).send(&world.audit).await.expect("whole");
    world.audit.close().await;
    let World { dir, audit, auditor, public } = world;
    drop(audit);
    let again = open(dir.path(), &public, Keep::Sealed, same);
    let mut renamed = super::alice();
    renamed.email = Some("alice@married.example".into());
    let second = Ask { who: Some(renamed), ..Ask::new(&["two"]) }.send(&again).await.expect("whole");
    again.close().await;
    drop(again);
    let (other_public, other_secret) = keygen();
    let other = open(dir.path(), &other_public, Keep::Sealed, same);
    let third = Ask::new(&["three"]).send(&other).await.expect("whole");
    let opened = auditor.open(dir.path(), &second.id).expect("theirs");
    assert_eq!(opened.answer, b"two");
    assert_eq!(auditor.open(dir.path(), &first.id).expect("theirs").answer, b"one");
    assert!(auditor.open(dir.path(), &third.id).is_err(), "for the new auditor alone");
    let new = Auditor::parse(&other_secret).expect("keys");
    assert_eq!(new.open(dir.path(), &third.id).expect("theirs").answer, b"three");
    assert!(new.open(dir.path(), &first.id).is_err(), "sealed before their time");
}

#[tokio::test]
async fn an_answer_that_a_layer_made_whole_is_kept_whole() {
    use attach_core::Rejection;
    use http::{Request, StatusCode};
    use tower::{ServiceBuilder, ServiceExt, service_fn};

    let world = World::new(Keep::Sealed, same);
    let refuse = service_fn(async |mut request: Request<attach_core::Body>| {
        let exchange = attach_core::Exchange::of_request(&mut request);
        let refusal = Rejection::new(StatusCode::BAD_GATEWAY, "upstream_down", "the upstream is down");
        Ok::<_, std::convert::Infallible>(refusal.into_response::<attach_core::Body>(&exchange))
    });
    let (audit, intent) = (world.audit.layer(), world.audit.intent_layer());
    let service = ServiceBuilder::new().layer(audit).layer(intent).service(refuse);
    let request = Request::post("/x").body(attach_core::Body::empty()).expect("valid");
    let answer = service.oneshot(request).await.expect("infallible");
    assert_eq!(answer.status(), 502);
    let id = answer.headers()["x-request-id"].to_str().expect("text").to_owned();
    let body = http_body_util::BodyExt::collect(answer.into_body()).await.expect("whole").to_bytes().to_vec();
    let answer = super::Answer { id, body };
    assert_eq!(world.open(&answer).answer, answer.body);
    assert_eq!(world.outcome(&answer)["content"].get("out_hmac"), None, "no word of an upstream's");
}

#[tokio::test]
async fn a_caller_nobody_knows_is_sealed_to_the_auditors_themselves() {
    let world = World::new(Keep::Sealed, same);
    let ask = Ask { who: None, ..Ask::new(&["one"]) };
    let answer = ask.send(&world.audit).await.expect("whole");
    let opened = world.open(&answer);
    assert_eq!((opened.answer.as_slice(), opened.person), (b"one".as_slice(), None));
    assert_eq!(opened.request, ask.body.as_bytes());
}

#[tokio::test]
async fn without_auditors_a_request_that_is_to_be_sealed_is_refused() {
    let dir = crate::support::Dir::new();
    let contents = Contents::new(key()).keep(|_, _| Keep::Sealed);
    let log = attach_audit::Log::open(dir.path(), attach_audit::log::Options::new("n")).expect("it opens");
    let audit = attach_audit::Audit::new(log).contents(contents);
    let answer = Ask::new(&["one"]).send(&audit).await.expect("a refusal");
    assert!(String::from_utf8_lossy(&answer.body).contains("layer_misconfigured"));
    assert!(!dir.records().iter().any(|one| one["kind"] == "intent"));
}
