use attach_audit::content::{Contents, Keep, Key};
use attach_audit::{Ack, Audit, Memory, Record, Sink};
use attach_core::exchange::Coverage;

use super::{Ask, VALUE, World};

#[tokio::test]
async fn what_is_beyond_the_limit_is_left_out_and_the_record_says_so() {
    for keep in [Keep::Redacted, Keep::Sealed] {
        let world = World::new(keep, |contents| contents.limit(100));
        let long = "x".repeat(60);
        let answer = Ask::new(&[&long, &long, &long]).send(&world.audit).await.expect("whole");
        let content = &world.outcome(&answer)["content"];
        assert_eq!((&content["truncated"], &content["out_bytes"]), (&"out".into(), &180.into()));
        let opened = world.open(&answer);
        assert_eq!((opened.answer.len(), opened.truncated.as_deref()), (100, Some("out")));
        let ask =
            Ask { body: format!(r#"{{"model":"m","prompt":"{long}{long}{VALUE}"}}"#), ..Ask::new(&["ok"]) };
        let ask = Ask { path: "/v1/completions", ..ask };
        let answer = ask.send(&world.audit).await.expect("whole");
        assert_eq!(world.outcome(&answer)["content"]["truncated"], "in");
        assert_eq!(world.open(&answer).request, ask.body.replace(VALUE, "").as_bytes()[..100]);
    }
}

#[tokio::test]
async fn content_beyond_what_all_requests_may_take_is_cut_off_counted_and_given_back() {
    let mut counted = None;
    let world = World::new(Keep::Redacted, |contents| {
        let contents = contents.room(8 << 10);
        counted = Some(contents.clone());
        contents
    });
    let large = "y".repeat(6 << 10);
    let first = Ask::new(&[&large]).send(&world.audit).await.expect("whole");
    assert_eq!(world.outcome(&first)["content"]["truncated"], "out");
    assert_eq!(counted.expect("set").truncated(), 1);
    let second = Ask::new(&["small"]).send(&world.audit).await.expect("whole");
    assert_eq!(world.open(&second).answer, b"small", "there is room again");
}

#[tokio::test]
async fn an_answer_does_not_complete_if_its_content_cannot_be_kept() {
    struct NoContent(Memory);
    impl Sink for NoContent {
        fn append(&self, record: &Record<'_>, ack: Ack) {
            self.0.append(record, ack);
        }
    }
    let records = Memory::new();
    let contents = Contents::new(Key::new(&[1; 32])).keep(|_, _| Keep::Redacted);
    let audit = Audit::new(NoContent(records.clone())).contents(contents);
    assert!(Ask::new(&["whole"]).send(&audit).await.is_none(), "it broke off");
    assert!(!records.lines().iter().any(|line| line.contains("\"ref\"")));
}

#[tokio::test]
async fn an_answer_does_not_complete_if_the_persons_key_cannot_be_written_and_its_end_is_on_record() {
    let world = World::new(Keep::Sealed, |contents| contents);
    std::fs::remove_dir_all(world.dir.path().join("people")).expect("removed");
    std::fs::write(world.dir.path().join("people"), "in the way").expect("written");
    assert!(Ask::new(&["whole"]).send(&world.audit).await.is_none(), "it broke off");
    world.audit.close().await;
    let outcome = world.dir.records().into_iter().find(|one| one["kind"] == "outcome").expect("an outcome");
    assert_eq!(
        (&outcome["content"]["withheld"], outcome["content"].get("ref")),
        (&"unavailable".into(), None)
    );
}

#[tokio::test]
async fn a_trail_that_is_closed_has_all_content() {
    let records = Memory::new();
    let contents = Contents::new(Key::new(&[1; 32])).keep(|_, _| Keep::Redacted);
    let audit = Audit::new(records.clone()).mode(attach_audit::Mode::Relaxed).contents(contents);
    for _ in 0..50 {
        let ask = Ask { coverage: Coverage::Full, ..Ask::new(&["one"]) };
        ask.send(&audit).await.expect("whole");
    }
    audit.close().await;
    assert_eq!(records.content().len(), 50);
    assert!(records.lines().last().expect("some").contains(r#""kind":"stop""#));
}
