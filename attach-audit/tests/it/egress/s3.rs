//! Closed segments in a bucket.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use attach_audit::egress::{Bucket, Egress, Lock, LockMode};
use attach_core::aws::{AccessKey, Content, Signer, Unsigned};
use attach_core::client::Client;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method};
use sha2::{Digest, Sha256};

use super::server::{Seen, Server};
use super::{open, record, until};
use crate::support::Dir;

const DAY: Duration = Duration::from_secs(86_400);

fn bucket(server: &Server) -> Bucket {
    let client = Arc::new(Client::new().expect("a client"));
    let bucket = Bucket::new(&format!("{}/acme-audit", server.url()), "eu-central-1", key(), client);
    bucket.expect("a bucket").prefix("eu/gw-1").lock(Lock { mode: LockMode::Compliance, lasts: 400 * DAY })
}

fn key() -> AccessKey {
    AccessKey::new("AKIDEXAMPLE", "not-a-real-secret")
}

type Objects = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// A store that keeps what it gets, and fails as told before.
fn store(objects: &Objects, fails: Vec<u16>) -> Server {
    let (objects, fails) = (Arc::clone(objects), Mutex::new(fails));
    Server::start(move |seen| {
        if let Some(status) = fails.lock().expect("unpoisoned").pop() {
            return (status, "<Error><Code>SlowDown</Code></Error>".into());
        }
        let mut objects = objects.lock().expect("unpoisoned");
        match objects.contains_key(&seen.uri) {
            true if seen.method == "PUT" => (412, String::new()),
            // The server of these tests has no headers of its own, so a checksum is never the same.
            true => (200, String::new()),
            false => {
                objects.insert(seen.uri.clone(), seen.body.to_vec());
                (200, String::new())
            }
        }
    })
}

/// What the store has to have: every segment in the directory, as it is.
fn expected(dir: &Dir) -> BTreeMap<String, Vec<u8>> {
    let object = |path: std::path::PathBuf| {
        let name = path.file_name().expect("a name").to_str().expect("text").to_owned();
        (format!("/acme-audit/eu/gw-1/{name}"), fs::read(path).expect("readable"))
    };
    dir.segments().into_iter().map(object).collect()
}

#[tokio::test]
async fn closed_segments_are_objects_byte_for_byte_over_failures_and_restarts() {
    let (dir, objects) = (Dir::new(), Objects::default());
    let server = store(&objects, vec![503, 500]);
    for round in 0..2 {
        let (audit, tail) = open(&dir);
        let egress = Egress::new(tail, dir.path()).archive("archive", bucket(&server)).expect("a bucket");
        assert_eq!(egress.shipped().by_all().expect("one").is_some(), round > 0);
        let egress = egress.drain(Duration::from_secs(60));
        let working = async {
            record(&audit, 30).await;
            audit.close().await;
            drop(audit);
        };
        tokio::join!(egress.run(), working);
        assert!(*objects.lock().expect("unpoisoned") == expected(&dir), "the same names and bytes");
        let status = egress.status().remove(0);
        assert!(status.up && status.lag_bytes == 0, "{status:?}");
    }
    assert!(dir.segments().len() > 6, "segments are small");
    let seen = server.seen();
    assert_eq!(seen.iter().filter(|one| one.method != "PUT").count(), 0);
    assert_eq!(seen.len(), dir.segments().len() + 2, "each once, and two that failed");
    assert!(
        fs::read_dir(dir.path())
            .expect("there")
            .any(|one| one.expect("one").file_name() == "egress-archive.cursor")
    );
}

#[tokio::test]
async fn an_object_has_its_checksum_its_lock_and_a_signature_over_both() {
    let (dir, objects) = (Dir::new(), Objects::default());
    let server = store(&objects, Vec::new());
    let (audit, tail) = open(&dir);
    audit.close().await;
    drop(audit);
    let egress = Egress::new(tail, dir.path()).archive("archive", bucket(&server)).expect("a bucket");
    egress.drain(Duration::from_secs(60)).run().await;
    let [seen] = &server.seen()[..] else { panic!("one object") };
    assert_eq!(seen.header("x-amz-checksum-sha256"), STANDARD.encode(Sha256::digest(&seen.body)));
    assert_eq!(seen.header("if-none-match"), "*");
    assert_eq!(seen.header("x-amz-object-lock-mode"), "COMPLIANCE");
    let until = seen.header("x-amz-object-lock-retain-until-date");
    assert!(until.len() == 20 && until.ends_with('Z') && until > "2027", "{until}");
    assert_eq!(seen.header("authorization"), signature(&server, seen), "as it is signed by the same key");
}

/// The signature of what was seen, made again for the time it names.
fn signature(server: &Server, seen: &Seen) -> String {
    let names = ["content-type", "if-none-match", "x-amz-checksum-sha256", "x-amz-object-lock-mode"];
    let names =
        names.into_iter().chain(["x-amz-object-lock-retain-until-date", "x-amz-sdk-checksum-algorithm"]);
    let headers: HeaderMap = names
        .map(|name| (http::HeaderName::from_static(name), seen.header(name).parse().expect("a value")))
        .collect();
    let date = seen.header("x-amz-date");
    let uri = format!("{}{}", server.url(), seen.uri).parse().expect("a URI");
    let request =
        Unsigned { method: &Method::PUT, uri: &uri, headers: &headers, content: Content::Bytes(&seen.body) };
    // The date is now, to the second or two.
    let signer = Signer::new("eu-central-1", "s3").storage();
    let made = (0..600).map(|ago| {
        let time = SystemTime::now() - Duration::from_secs(ago);
        signer.sign(&request, &key(), time).expect("a signature")
    });
    let at = made.into_iter().find(|made| made["x-amz-date"] == date).expect("not long ago");
    at["authorization"].to_str().expect("text").to_owned()
}

#[tokio::test]
async fn another_object_of_the_same_name_is_not_replaced_and_not_taken_for_ours() {
    let (dir, objects) = (Dir::new(), Objects::default());
    let server = store(&objects, Vec::new());
    let (audit, tail) = open(&dir);
    let first = expected(&dir).into_keys().next().expect("one");
    objects.lock().expect("unpoisoned").insert(first.clone(), b"somebody else's".to_vec());
    let egress = Egress::new(tail, dir.path()).archive("archive", bucket(&server)).expect("a bucket");
    let working = async {
        record(&audit, 30).await;
        audit.close().await;
        drop(audit);
    };
    tokio::join!(egress.run(), working, until("it is told", || !egress.status()[0].up));
    let status = egress.status().remove(0);
    assert!(status.problem.as_deref().is_some_and(|why| why.contains("is not the same")), "{status:?}");
    assert_eq!(egress.shipped().by_all(), Some(None), "retention waits");
    assert_eq!(objects.lock().expect("unpoisoned").len(), 1);
    assert!(objects.lock().expect("unpoisoned")[&first] == b"somebody else's");
}

#[tokio::test]
async fn a_key_that_is_replaced_signs_the_next_object_and_one_that_cannot_be_read_is_waited_for() {
    let (dir, objects) = (Dir::new(), Objects::default());
    let server = store(&objects, Vec::new());
    let asked = Arc::new(Mutex::new(0));
    let bucket = bucket(&server).replaced_by(move || {
        let mut asked = asked.lock().expect("unpoisoned");
        *asked += 1;
        match *asked {
            1 => Err("archive.key: there is no such file".into()),
            n => Ok(AccessKey::new(format!("AKIDEXAMPLE{n}"), "not-a-real-secret")),
        }
    });
    let (audit, tail) = open(&dir);
    record(&audit, 30).await;
    audit.close().await;
    drop(audit);
    let egress = Egress::new(tail, dir.path()).archive("archive", bucket).expect("a bucket");
    let egress = egress.drain(Duration::from_secs(60));
    egress.run().await;
    assert!(*objects.lock().expect("unpoisoned") == expected(&dir), "all of it, once there is a key");
    let seen = server.seen();
    assert!(seen.len() > 2, "segments are small");
    for (n, seen) in (2..).zip(&seen) {
        let credential = format!("Credential=AKIDEXAMPLE{n}/");
        assert!(seen.header("authorization").contains(&credential), "{}", seen.header("authorization"));
    }
    assert_eq!(egress.status()[0].failures, 1);
}
