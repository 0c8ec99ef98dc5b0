//! Held against what the schema requires: `requirement: required` and `constraints` of OCSF 1.8.0.

use attach_audit::format::Format;
use serde_json::Value;

use super::{all, at, golden};

/// Of every class.
const EVENT: &[&str] = &[
    "activity_id",
    "category_uid",
    "class_uid",
    "type_uid",
    "severity_id",
    "time",
    "metadata.version",
    "metadata.product.name",
];

/// A class: its number, its activities besides 0 and 99, what it requires, and of what at least one.
type Class = (u64, &'static [u64], &'static [&'static str], &'static [&'static [&'static str]]);

const CLASSES: &[Class] = &[
    (3001, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], &["user"], &[]),
    (3002, &[1, 2, 3, 4, 5], &["user"], &[&["service", "dst_endpoint"]]),
    (3004, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13], &["entity"], &[]),
    (6002, &[1, 2, 3, 4, 5, 6, 7, 8], &["app.name"], &[]),
    (6003, &[1, 2, 3, 4], &["actor", "api.operation", "src_endpoint"], &[]),
    (6008, &[1, 2], &[], &[]),
];

/// Each object where it stands: what it requires, and of what at least one.
const OBJECTS: &[(&str, &[&str], &[&str])] = &[
    ("actor", &[], &["process", "user", "invoked_by", "session", "app_name", "app_uid"]),
    ("actor.user", &[], &["account", "name", "uid"]),
    ("user", &[], &["account", "name", "uid"]),
    ("entity", &[], &["name", "uid"]),
    ("app", &["vendor_name"], &["name", "uid"]),
    ("service", &[], &["name", "uid"]),
    ("api", &["operation"], &[]),
    ("api.request", &["uid"], &[]),
    ("api.response", &["code"], &[]),
    ("src_endpoint", &[], &["ip", "uid", "name", "hostname", "svc_name"]),
    ("http_response", &["code"], &[]),
    ("ai_model", &["name", "ai_provider"], &[]),
    ("message_context", &[], &["application", "service"]),
    ("trace", &["uid"], &[]),
];

fn check(event: &Value) {
    let has = |path: &str| !at(event, path).is_null();
    let number = |path: &str| at(event, path).as_u64().unwrap_or_else(|| panic!("{path}: {event}"));
    for path in EVENT {
        assert!(has(path), "{path}: {event}");
    }
    let (uid, activities, required, any) =
        CLASSES.iter().find(|class| class.0 == number("class_uid")).expect("a class we use");
    let activity = number("activity_id");
    assert!([0, 99].contains(&activity) || activities.contains(&activity), "{event}");
    assert_eq!((number("type_uid"), number("category_uid")), (uid * 100 + activity, uid / 1000));
    assert!((1..=6).contains(&number("severity_id")));
    assert!([0, 1, 2, 99].contains(&number("status_id")));
    assert!(required.iter().all(|path| has(path)), "{required:?}: {event}");
    assert!(any.iter().all(|any| any.iter().any(|path| has(path))), "{any:?}: {event}");
    for (object, required, any) in OBJECTS.iter().filter(|(object, ..)| has(object)) {
        let member = |name: &&str| has(&format!("{object}.{name}"));
        assert!(required.iter().all(member), "{object} {required:?}: {event}");
        assert!(any.is_empty() || any.iter().any(member), "{object} {any:?}: {event}");
    }
    let profiles = event["metadata"]["profiles"].as_array().map_or(&[][..], Vec::as_slice);
    assert_eq!(
        has("ai_model") || has("message_context"),
        has("ai_model") && profiles.contains(&"ai_operation".into())
    );
    assert_eq!(has("trace"), profiles.contains(&"trace".into()));
}

#[test]
fn every_event_has_what_its_class_requires() {
    for (_, event) in all(Format::Ocsf) {
        check(&event);
    }
}

#[test]
fn each_kind_of_record_is_the_class_it_is_about() {
    let classes: Vec<_> = all(Format::Ocsf)
        .iter()
        .map(|(record, event)| {
            let reason = record["decision"]["reason"].as_str().unwrap_or_default();
            format!("{} {reason}: {}", record["kind"].as_str().expect("a kind"), event["type_uid"])
        })
        .collect();
    assert_eq!(
        classes,
        [
            "start : 600203",
            "intent rule: 600301",
            "outcome rule: 600301",
            "intent : 600301",
            "outcome upstream_unreachable: 600301",
            "outcome : 600302",
            "reject malformed_token: 300201",
            "reject expired_token: 300201",
            "reject too_many_attempts: 300201",
            "reject model_not_allowed: 600301",
            "orphan crash: 600300",
            "admin key.create: 300401",
            "admin service.rotate: 300103",
            "admin policy.reload: 300403",
            "revocation revocation.disable: 300105",
            "revocation revocation.universal_logout: 300202",
            "revocation scim.user.delete: 300106",
            "checkpoint : 600299",
            "gap disk: 600801",
            "segment : 600299",
            "stop : 600204",
        ]
    );
}

#[test]
fn a_call_says_who_asked_what_and_what_was_used() {
    let events = all(Format::Ocsf);
    let (record, event) = &events[2];
    for (path, value) in [
        ("time", 1_795_334_402_250_u64.into()),
        ("actor.user.uid", "00u1".into()),
        ("actor.user.domain", "acme".into()),
        ("actor.session.issuer", "https://id.example".into()),
        ("actor.session.is_mfa", true.into()),
        ("api.operation", "chat".into()),
        ("api.request.uid", record["req_id"].clone()),
        ("src_endpoint.ip", "10.0.0.9".into()),
        ("ai_model.name", "gpt-4o".into()),
        ("ai_model.ai_provider", "openai".into()),
        ("message_context.total_tokens", 120.into()),
        ("duration", 1235.into()),
        ("trace.uid", record["trace_id"].clone()),
        ("unmapped.quota", record["quota"].clone()),
        ("unmapped.redaction", record["redaction"].clone()),
        ("unmapped.custom", record["custom"].clone()),
        ("unmapped.hash", record["hash"].clone()),
        ("unmapped.prev", record["prev"].clone()),
    ] {
        assert_eq!(at(event, path), &value, "{path}");
    }
}

#[test]
fn events_look_as_the_file_says() {
    golden("ocsf.jsonl", Format::Ocsf);
}
