//! Where a store can be, and who may go there.

use std::process::{Command, Stdio};

use attach_quota::{Rate, Scope};

use super::*;

async fn serves(node: &Node) {
    node.until("it is up", RedisStore::is_up).await;
    let limit = Arc::new(Limit::tokens("tpm", Rate::per_hour(1)).burst(100).each(Scope::Everyone));
    let charge = node.reserve(&limit, 60).await.unwrap();
    assert!(!charge.standing().degraded);
    assert!(matches!(node.reserve(&limit, 60).await, Err(Denied::Limit { .. })));
    node.settle(charge, 10);
    assert_eq!(node.left(&limit).await, 90);
}

#[tokio::test]
async fn a_user_of_the_store_needs_its_own_keys_only() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let rule = [
        "ACL",
        "SETUSER",
        "quota",
        "on",
        ">p@ss/word",
        "~{attach:test}:q1:*",
        "+@read",
        "+@write",
        "+@scripting",
        "+@connection",
        "+time",
        "-@dangerous",
    ];
    server.command(&rule).await;
    let login = |password: &str| format!("redis://quota:{password}@127.0.0.1:{}", server.port);
    serves(&Node::new(&login("p%40ss%2Fword"))).await;
    let stranger = Node::new(&login("guess"));
    let limit = Arc::new(Limit::micro_usd("money", Rate::per_hour(1)));
    assert_eq!(stranger.reserve(&limit, 1).await.err(), Some(Denied::Unavailable));
    assert!(!format!("{:?}", stranger.store).contains("guess"));
}

#[tokio::test]
async fn a_cluster_is_served_in_one_slot() {
    let Some(server) = RedisServer::start(&["--cluster-enabled", "yes"]).await else { return };
    let slots: Vec<String> = (0..16384).map(|slot| slot.to_string()).collect();
    for slots in slots.chunks(4096) {
        let words: Vec<&str> =
            ["CLUSTER", "ADDSLOTS"].into_iter().chain(slots.iter().map(String::as_str)).collect();
        server.command(&words).await;
    }
    eventually("the cluster is whole", || async {
        let info: String = redis::from_redis_value(server.command(&["CLUSTER", "INFO"]).await).unwrap();
        info.contains("cluster_state:ok").then_some(())
    })
    .await;
    let rule = [
        "ACL",
        "SETUSER",
        "quota",
        "on",
        ">secret",
        "~{attach:test}:q1:*",
        "+@read",
        "+@write",
        "+@scripting",
        "+@connection",
        "+time",
        "-@dangerous",
        "+cluster|slots",
        "+cluster|shards",
        "+cluster|nodes",
    ];
    server.command(&rule).await;
    serves(&Node::new(&format!("redis-cluster://quota:secret@127.0.0.1:{}", server.port))).await;
}

#[tokio::test]
async fn sentinels_say_where_the_store_is() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let port = free_port();
    let file = server.folder.join("sentinel.conf");
    let text = format!("port {port}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 {} 1\n", server.port);
    std::fs::write(&file, text).unwrap();
    let mut command = Command::new(program().unwrap());
    let mut sentinel = command.arg(&file).arg("--sentinel").stdout(Stdio::null()).spawn().unwrap();
    let node = Node::new(&format!("redis-sentinel://127.0.0.1:{port}/main"));
    let served = tokio::spawn(async move { serves(&node).await }).await;
    sentinel.kill().unwrap();
    sentinel.wait().unwrap();
    served.unwrap();
}

#[tokio::test]
async fn a_server_with_tls_is_known_by_the_certificates_that_are_given() {
    let folder = std::env::temp_dir().join(format!("attach-quota-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let Some([authority, certificate, key]) = certificates(&folder) else {
        return skip("there is no openssl to make certificates with");
    };
    let port = free_port().to_string();
    let arguments = [
        "--tls-port",
        &port,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &authority,
        "--tls-auth-clients",
        "no",
    ];
    if !tls_is_built_in() {
        return skip("redis-server was built without TLS");
    }
    let Some(_server) = RedisServer::start(&arguments).await else { return };
    let url = format!("rediss://localhost:{port}");
    let pem = std::fs::read(&authority).unwrap();
    let store = || RedisStore::new(&url, "test").unwrap().deadline(Duration::from_secs(5));
    serves(&Node::of(store().root_certificates(&pem).unwrap())).await;
    let limit = Arc::new(Limit::micro_usd("money", Rate::per_hour(1)));
    let distrustful = Node::of(store());
    assert_eq!(distrustful.reserve(&limit, 1).await.err(), Some(Denied::Unavailable));
    assert!(store().root_certificates(b"no PEM").is_err());
    std::fs::remove_dir_all(folder).unwrap();
}

/// A server that does not know the option says so.
fn tls_is_built_in() -> bool {
    let Some(program) = program() else { return false };
    let output = Command::new(program).args(["--tls-port", "x", "--port", "0"]).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    !String::from_utf8_lossy(&text).contains("Bad directive")
}

/// An authority, and the certificate and key of a server on this machine.
fn certificates(folder: &std::path::Path) -> Option<[String; 3]> {
    let path = |name: &str| folder.join(name).to_str().map(ToOwned::to_owned);
    let [authority, root, request, key, certificate, extra] =
        ["ca.crt", "ca.key", "server.csr", "server.key", "server.crt", "server.ext"].map(path);
    let (authority, root, request) = (authority?, root?, request?);
    let (key, certificate, extra) = (key?, certificate?, extra?);
    std::fs::write(&extra, "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n").ok()?;
    let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let run = |arguments: &[&str]| {
        let mut command = Command::new("openssl");
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success()).then_some(())
    };
    let ca = ["req", "-x509", "-days", "2", "-subj", "/CN=Test Root", "-keyout", &root, "-out", &authority];
    run(&[&ca[..], &curve].concat())?;
    let server = ["req", "-subj", "/CN=localhost", "-keyout", &key, "-out", &request];
    run(&[&server[..], &curve].concat())?;
    run(&[
        "x509",
        "-req",
        "-days",
        "2",
        "-in",
        &request,
        "-CA",
        &authority,
        "-CAkey",
        &root,
        "-CAcreateserial",
        "-extfile",
        &extra,
        "-out",
        &certificate,
    ])?;
    Some([authority, certificate, key])
}
