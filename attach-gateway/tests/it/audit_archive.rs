//! The log in a bucket of somebody else's S3 (moto), with object lock, by the built binary.

use attach_core::Fetch;
use attach_core::client::Client;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};

use crate::support::tools::Moto;
use crate::support::{CHATS, Issuer, Launch, TempDir, Upstream, question};

/// moto asks for the form of a signature, and checks none.
const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";

struct Store {
    moto: Moto,
    client: Client,
}

impl Store {
    async fn ask(&self, method: Method, path: &str, header: (&str, &str)) -> Response<Bytes> {
        let request = Request::builder().method(method).uri(format!("{}/{path}", self.moto.url()));
        let request = request.header("authorization", SIGNED).header(header.0, header.1);
        self.client.fetch(request.body(Bytes::new()).unwrap()).await.expect("an answer")
    }
}

#[tokio::test]
async fn a_stopped_gateways_segments_are_in_the_bucket_locked_and_written_once() {
    let Some(moto) = Moto::start().await else { return };
    let store = Store { moto, client: Client::new().unwrap() };
    let made = store.ask(Method::PUT, "acme-audit", ("x-amz-bucket-object-lock-enabled", "true")).await;
    assert_eq!(made.status(), StatusCode::OK);
    let (issuer, upstream, state) = (Issuer::start().await, Upstream::model().await, TempDir::new());
    let text = format!(
        "[state]\ndir = {:?}\n[[issuer]]\nissuer = \"{}\"\naudience = [\"api://attach-test\"]\n[[upstream]]\n\
         name = \"one\"\nkind = \"openai\"\nurl = \"{}\"\n[access]\ndefault = \"allow\"\n[audit.archive]\n\
         bucket = \"acme-audit\"\nregion = \"us-east-1\"\nurl = \"{}\"\nprefix = \"gateways\"\n\
         lock = \"governance\"\nlock_for = \"2d\"\n",
        state.path().display().to_string(),
        issuer.url(),
        upstream.url(),
        store.moto.url(),
    );
    let launch = || {
        Launch::file(&text)
            .set("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .set("AWS_SECRET_ACCESS_KEY", "not-a-real-one")
    };
    for round in 0..2 {
        let mut gateway = launch().start().await.with_state(state.path());
        let call = gateway.post(CHATS[0]).bearer(&issuer.token("alice", &[]));
        call.json(&question(CHATS[0], "m", "hello")).send().await.expect(200);
        gateway.terminate();
        assert!(gateway.ended().await.success());
        let folder = gateway.audit_folder();
        let mut segments = 0;
        for entry in std::fs::read_dir(&folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".jsonl") {
                segments += 1;
                let object = format!("acme-audit/gateways/{name}");
                let there = store.ask(Method::GET, &object, ("x-amz-checksum-mode", "ENABLED")).await;
                assert_eq!(there.status(), StatusCode::OK, "{name}");
                assert!(*there.body() == std::fs::read(folder.join(&name)).unwrap(), "{name} is the segment");
                assert_eq!(there.headers()["x-amz-object-lock-mode"], "GOVERNANCE");
                assert!(there.headers().contains_key("x-amz-object-lock-retain-until-date"));
            }
        }
        assert_eq!(segments, round + 1);
        // Whoever does not know that they are there finds out, and does not write them again.
        std::fs::remove_file(folder.join("egress-archive.cursor")).unwrap();
    }
    let versions = store.ask(Method::GET, "acme-audit?versions", ("accept", "*/*")).await;
    let versions = String::from_utf8_lossy(versions.body()).matches("<Version>").count();
    assert_eq!(versions, 2, "each was written once");
}

#[tokio::test]
async fn an_instances_role_writes_to_the_bucket() {
    let Some(moto) = Moto::start().await else { return };
    let store = Store { moto, client: Client::new().unwrap() };
    assert_eq!(store.ask(Method::PUT, "acme-audit", ("accept", "*/*")).await.status(), StatusCode::OK);
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let (url, issuer, upstream) = (store.moto.url(), issuer.url(), upstream.url());
    let text = format!(
        "[[issuer]]\nissuer = \"{issuer}\"\naudience = [\"api://attach-test\"]\n[[upstream]]\nname = \"one\"\n\
         kind = \"openai\"\nurl = \"{upstream}\"\n[access]\ndefault = \"allow\"\n[audit.archive]\n\
         bucket = \"acme-audit\"\nregion = \"us-east-1\"\nurl = \"{url}\"\n"
    );
    // A metadata service as well, whose one role has keys that are known.
    let launch = Launch::file(&text).set("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url);
    let mut gateway = launch.start().await;
    gateway.terminate();
    assert!(gateway.ended().await.success());
    let listed = store.ask(Method::GET, "acme-audit?list-type=2", ("accept", "*/*")).await;
    let listed = String::from_utf8_lossy(listed.body()).into_owned();
    assert!(listed.contains("audit-") && listed.contains(".jsonl"), "{listed}");
    let said = gateway.stderr.text();
    assert!(said.contains("instance role") && !said.contains("test-secret-key"), "{said}");
}
