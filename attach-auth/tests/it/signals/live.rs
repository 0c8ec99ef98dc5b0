//! Back-channel logout by a real provider: npm `oidc-provider`, as `attach-gateway/tests/tools/idp` configures it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use attach_auth::signals::{BackchannelLogout, SignalKind, SignalOutcome};
use attach_auth::{IssuerConfig, OidcVerifier, Preset};
use attach_core::client::Client;
use serde_json::Value;

use super::world::{Flaky, Held, Watcher, World, call, serve};

/// A folder with the provider's scripts and packages; a line that says what is skipped if they are not there.
fn tools() -> Option<Folder> {
    let cache = || {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        cache
            .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))
            .map(|path| path.join("attach-tools"))
    };
    let root = std::env::var_os("ATTACH_TOOLS").map(PathBuf::from).or_else(cache)?;
    let (modules, node) = (root.join("idp/node_modules"), Command::new("node").arg("--version").output());
    if !modules.exists() || node.is_err() {
        let message =
            "skipped: the provider is not installed; attach-gateway/tests/tools/install.sh installs it";
        assert!(std::env::var_os("ATTACH_E2E").is_none_or(|value| value != "required"), "{message}");
        let _ = writeln!(std::io::stderr(), "{message}");
        return None;
    }
    let folder = Folder(std::env::temp_dir().join(format!("attach-signals-{}", std::process::id())));
    std::fs::create_dir_all(&folder.0).expect("a folder");
    std::os::unix::fs::symlink(modules, folder.0.join("node_modules")).expect("a link");
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../attach-gateway/tests/tools/idp");
    for script in ["idp.mjs", "login.mjs"] {
        std::fs::copy(kept.join(script), folder.0.join(script)).expect("a copy");
    }
    Some(folder)
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The provider, for as long as the test takes.
struct Provider(Child);

impl Provider {
    fn start(folder: &Folder, environment: &[(&str, &str)]) -> Self {
        let mut command = node(folder, &["idp.mjs"], environment);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut provider = Self(command.spawn().expect("node starts"));
        let mut says = BufReader::new(provider.0.stderr.take().expect("a pipe"));
        let mut line = String::new();
        while !line.starts_with("idp ") {
            line.clear();
            assert!(says.read_line(&mut line).expect("a line") > 0, "the provider did not start");
        }
        std::thread::spawn(move || says.lines().for_each(drop));
        provider
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn node(folder: &Folder, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new("node");
    command.current_dir(&folder.0).args(arguments).envs(environment.iter().copied());
    command
}

/// Signs alice in, and out again if that is wanted; her access token.
fn sign_in(folder: &Folder, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let output =
        tokio::task::block_in_place(|| node(folder, arguments, environment).output().expect("node starts"));
    let tokens: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    tokens["access_token"].as_str().expect("a token").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_providers_logout_ends_what_it_issued() {
    let Some(folder) = tools() else { return };
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let issuer = format!("http://127.0.0.1:{port}");
    let config =
        IssuerConfig::new(Preset::Generic, &issuer, ["urn:llm-gateway".to_owned()]).expect("an issuer");
    let client = Arc::new(Client::new().expect("a client"));
    let verifier = OidcVerifier::new(vec![config.directory("acme")], client).expect("a verifier");
    let witness = Watcher::default();
    let (signals, revocations) = World::signals(&Flaky::default(), &witness).await;
    let logout = BackchannelLogout::new(signals.clone(), verifier.clone(), ["web"]);
    let address = serve(Held(verifier, revocations), logout).await;

    let uri = format!("http://{address}/oidc/backchannel-logout");
    let keys = folder.0.join("keys.json").display().to_string();
    let port = port.to_string();
    let environment =
        [("PORT", &*port), ("BCL_URI", &*uri), ("KEYS", &*keys), ("ISSUER", &*issuer), ("NO_LISTEN", "1")];
    let _provider = Provider::start(&folder, &environment);
    let first = sign_in(&folder, &["login.mjs", "alice"], &environment);
    let other = sign_in(&folder, &["login.mjs", "bob"], &environment);
    assert_eq!((call(address, &first).await, call(address, &other).await), (200, 200));
    let second = sign_in(&folder, &["login.mjs", "alice", "logout"], &environment);
    assert_eq!(signals.stats().of(SignalKind::BackchannelLogout, SignalOutcome::Done), 1);
    assert_eq!((call(address, &first).await, call(address, &second).await), (401, 401));
    assert_eq!(call(address, &other).await, 200);
    assert_eq!(witness.seen()[0].target.as_deref(), Some("alice"));
}
