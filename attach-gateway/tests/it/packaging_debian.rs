//! The Debian package of the built binary: what is in it, and what installing, removing and purging it does.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::tools::program;
use crate::support::{Launch, TempDir};

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn done(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{command:?}: {}", text(&output));
    text(&output)
}

/// The package in `folder`; `None` where it cannot be made.
fn package(folder: &Path) -> Option<PathBuf> {
    program("dpkg-deb")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/debian/build.sh");
    let mut build = Command::new(script);
    build.args([Path::new(env!("CARGO_BIN_EXE_attach-gateway")), folder]).env("COMPRESSION", "none");
    Some(done(build.env("SOURCE_DATE_EPOCH", "1795000000")).trim().into())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap_or_else(|why| panic!("{}: {why}", path.display())).permissions().mode() & 0o7777
}

#[tokio::test]
async fn the_package_has_what_debian_expects_and_lets_nobody_in_by_itself() {
    let folder = TempDir::new();
    let Some(deb) = package(folder.path()) else { return };
    let about = done(Command::new("dpkg-deb").arg("-I").arg(&deb));
    for line in ["Package: attach-gateway", "adduser", "conffiles", "postinst", "prerm", "postrm"] {
        assert!(about.contains(line), "{line}: {about}");
    }
    let root = folder.path().join("root");
    done(Command::new("dpkg-deb").arg("-x").args([&deb, &root]));
    assert_eq!(mode(&root.join("usr/bin/attach-gateway")), 0o755);
    for file in [
        "etc/attach/attach.toml",
        "usr/lib/systemd/system/attach-gateway.service",
        "usr/share/man/man1/attach-gateway.1.gz",
        "usr/share/man/man1/attach-gateway-audit-verify.1.gz",
        "usr/share/bash-completion/completions/attach-gateway",
        "usr/share/zsh/vendor-completions/_attach-gateway",
        "usr/share/fish/vendor_completions.d/attach-gateway.fish",
        "usr/share/doc/attach-gateway/copyright",
        "usr/share/doc/attach-gateway/changelog.Debian.gz",
        "usr/share/attach-gateway/attach.schema.json",
    ] {
        assert_eq!(mode(&root.join(file)), 0o644, "{file}");
    }
    let config = fs::read_to_string(root.join("etc/attach/attach.toml")).unwrap();
    let checked = Launch::file(&config).without_port().check().await;
    assert!(checked.ok && checked.stdout.contains("everything not allowed below is denied"), "{checked:?}");
    assert!(!config.lines().any(|line| line == "[[access.allow]]"), "nobody is allowed anything");
    verified(&root, folder.path());
}

/// The unit is one that systemd takes, for the program and the manual where the package has them.
fn verified(root: &Path, folder: &Path) {
    let unit = fs::read_to_string(root.join("usr/lib/systemd/system/attach-gateway.service")).unwrap();
    assert!(unit.contains("\nUser=attach\n") && unit.contains("\nDynamicUser=no\n"), "{unit}");
    assert!(!unit.contains("/usr/local/"), "{unit}");
    if program("systemd-analyze").is_none() {
        return;
    }
    let here = root.join("usr/bin/attach-gateway").display().to_string();
    let copy = folder.join("attach-gateway.service");
    fs::write(&copy, unit.replace("/usr/bin/attach-gateway", &here)).unwrap();
    let mut verify = Command::new("systemd-analyze");
    verify.args(["verify", "--man=no"]).arg(&copy);
    done(&mut verify);
}

#[test]
fn removing_it_leaves_the_configuration_and_purging_it_leaves_the_audit_log() {
    let folder = TempDir::new();
    let Some(deb) = package(folder.path()) else { return };
    if program("dpkg").is_none() {
        return;
    }
    let root = folder.path().join("root");
    for part in ["info", "updates", "triggers"] {
        fs::create_dir_all(root.join("var/lib/dpkg").join(part)).unwrap();
    }
    fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
    let dpkg = |what: &str, which: &Path| {
        let mut dpkg = Command::new("dpkg");
        dpkg.arg(format!("--root={}", root.display()));
        // Into a folder, by whoever runs the tests, without what it depends on.
        dpkg.args(["--force-not-root", "--force-script-chrootless", "--force-depends", what]).arg(which);
        done(dpkg.env("PATH", format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap())))
    };
    let name = Path::new("attach-gateway");
    dpkg("-i", &deb);
    let (config, log) =
        (root.join("etc/attach/attach.toml"), root.join("var/lib/attach/audit/audit-1.jsonl"));
    fs::create_dir_all(log.parent().unwrap()).unwrap();
    fs::write(&log, "{}\n").unwrap();
    fs::write(&config, "# the operator's own\n").unwrap();
    dpkg("-i", &deb);
    assert_eq!(fs::read_to_string(&config).unwrap(), "# the operator's own\n", "installed again");
    dpkg("-r", name);
    assert!(config.exists() && !root.join("usr/bin/attach-gateway").exists());
    let said = dpkg("-P", name);
    assert!(said.contains("it holds the audit log"), "{said}");
    assert!(!root.join("etc/attach").exists() && log.exists());
}
