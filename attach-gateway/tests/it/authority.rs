//! An issuer whose certificate is signed by an authority of its own. Skipped, with a line, without `openssl` and `node`.

use std::path::Path;
use std::process::Stdio;

use serde_json::json;
use tokio::process::{Child, Command};

use crate::support::gateway::Lines;
use crate::support::issuer::sign;
use crate::support::tools::program;
use crate::support::{AUDIENCE, Alg, CHATS, Issuer, Launch, TempDir, Upstream, question};

/// Speaks TLS with the certificate in this folder, and forwards.
const FORWARD: &str = "const fs = require('fs'), http = require('http'), https = require('https');
const tls = { key: fs.readFileSync('leaf.key'), cert: fs.readFileSync('leaf.pem') };
const server = https.createServer(tls, (q, r) =>
  http.get(process.env.TARGET + q.url, (a) => { r.writeHead(a.statusCode, a.headers); a.pipe(r); }));
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));";

async fn openssl(folder: &Path, arguments: &str) {
    let mut command = Command::new("openssl");
    command.args(arguments.split(' ')).current_dir(folder).stdin(Stdio::null());
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// An authority and a certificate by it for 127.0.0.1.
pub(crate) async fn certify(folder: &TempDir) {
    const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    folder.write("leaf.ext", "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n");
    let path = folder.path();
    let root = "-keyout ca.key -out ca.pem -days 2 -subj /CN=ours -addext keyUsage=critical,keyCertSign";
    openssl(path, &format!("req -x509 {KEY} {root}")).await;
    openssl(path, &format!("req {KEY} -keyout leaf.key -out leaf.csr -subj /CN=idp")).await;
    let by = "-CA ca.pem -CAkey ca.key -CAcreateserial -out leaf.pem -days 2 -extfile leaf.ext";
    openssl(path, &format!("x509 -req -in leaf.csr {by}")).await;
}

/// The issuer behind TLS: its URL, and the process that has to live as long.
async fn behind_tls(issuer: &Issuer, folder: &TempDir) -> (String, Child) {
    let mut command = Command::new("node");
    command.args(["-e", FORWARD]).current_dir(folder.path()).env("TARGET", issuer.url());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let port = Lines::of(child.stdout.take().unwrap()).line("port ").await;
    (format!("https://127.0.0.1:{}", port.trim_start_matches("port ")), child)
}

#[tokio::test]
async fn an_issuer_with_an_authority_of_its_own_is_believed_where_that_is_configured() {
    if program("openssl").and_then(|()| program("node")).is_none() {
        return;
    }
    let (issuer, upstream, folder) = (Issuer::start().await, Upstream::model().await, TempDir::new());
    certify(&folder).await;
    let (url, _tls) = behind_tls(&issuer, &folder).await;
    let mut claims = issuer.claims("alice", &[]);
    claims["iss"] = json!(url);
    let token = sign(Alg::Rs256, &claims);
    let ca = folder.path().join("ca.pem");
    for (trust, status) in [(format!("ca = {ca:?}"), 200), (String::new(), 503)] {
        let text = format!(
            r#"
            [[issuer]]
            issuer = "{url}"
            audience = ["{AUDIENCE}"]
            jwks_uri = "{url}/v1/keys"
            {trust}
            [[upstream]]
            name = "model"
            kind = "openai"
            url = "{}"
            [access]
            default = "allow"
            "#,
            upstream.url()
        );
        let gateway = Launch::file(&text).start().await;
        let call = gateway.post(CHATS[0]).bearer(&token);
        call.json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(status);
    }
    let checked = format!("[[issuer]]\nissuer = \"{url}\"\naudience = [\"a\"]\nca = {ca:?}\n");
    let checked =
        Launch::file(&format!("{checked}[[upstream]]\nname = \"m\"\nkind = \"ollama\"\nurl = \"http://m\""));
    let checked = checked.check().await;
    assert!(checked.ok && checked.stdout.contains("ca.pem (sha256 "), "{checked:?}");
}
