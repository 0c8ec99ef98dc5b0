//! Certificates of an authority of our own, made with `openssl`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::Dir;

/// A root, a certificate for `localhost` and 127.0.0.1, and one for a client.
pub(crate) struct Certificates(Dir);

impl Certificates {
    /// `None`, with a line, where there is no `openssl`.
    pub(crate) fn new() -> Option<Self> {
        if Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_err() {
            let message = "skipped: openssl is not installed";
            assert!(std::env::var_os("ATTACH_E2E").is_none_or(|value| value != "required"), "{message}");
            let _ = writeln!(std::io::stderr(), "{message}");
            return None;
        }
        let dir = Dir::new();
        let root = "-keyout ca.key -out ca.pem -days 2 -subj /CN=ours -addext keyUsage=critical,keyCertSign";
        openssl(dir.path(), &format!("req -x509 {KEY} {root}"));
        certificate(dir.path(), "server");
        certificate(dir.path(), "client");
        Some(Self(dir))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("it was made")
    }
}

const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";

fn certificate(dir: &Path, name: &str) {
    let extra = "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n";
    std::fs::write(dir.join("extra"), extra).expect("written");
    openssl(dir, &format!("req {KEY} -keyout {name}.key -out request -subj /CN={name}"));
    let by = "-CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extra";
    openssl(dir, &format!("x509 -req -in request {by} -out {name}.pem"));
}

fn openssl(dir: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(dir).output();
    let output = output.expect("it runs");
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
}
