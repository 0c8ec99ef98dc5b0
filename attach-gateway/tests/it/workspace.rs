//! What the workspace promises about itself.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::process::Command;

use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, Package, PackageId};

const LIBRARIES: [&str; 5] = ["attach-core", "attach-auth", "attach-quota", "attach-redact", "attach-audit"];

fn metadata(options: CargoOpt) -> Metadata {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    MetadataCommand::new()
        .manifest_path(manifest)
        .features(options)
        .other_options(options_of_the_host())
        .exec()
        .unwrap()
}

/// What other platforms would need was never downloaded.
fn options_of_the_host() -> Vec<String> {
    let said = Command::new("rustc").arg("-vV").output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let host = said.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
    vec!["--locked".into(), "--filter-platform".into(), host.into()]
}

fn member<'a>(metadata: &'a Metadata, name: &str) -> &'a Package {
    metadata.workspace_packages().into_iter().find(|package| package.name == name).unwrap()
}

/// Everything `root` links against, build and test dependencies aside.
fn linked<'a>(metadata: &'a Metadata, root: &PackageId) -> Vec<&'a Package> {
    let nodes: HashMap<_, _> =
        metadata.resolve.as_ref().unwrap().nodes.iter().map(|node| (&node.id, node)).collect();
    let mut seen = HashSet::from([root]);
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        for dependency in &nodes[id].deps {
            let normal = dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
            if normal && seen.insert(&dependency.pkg) {
                open.push(&dependency.pkg);
            }
        }
    }
    metadata.packages.iter().filter(|package| seen.contains(&package.id)).collect()
}

#[test]
fn the_rust_version_is_the_highest_in_the_dependency_tree() {
    let metadata = metadata(CargoOpt::AllFeatures);
    let gateway = member(&metadata, "attach-gateway");
    let ours = gateway.rust_version.clone().unwrap();
    let others =
        linked(&metadata, &gateway.id).into_iter().filter(|package| !package.name.starts_with("attach-"));
    let highest =
        others.filter_map(|package| Some((package.rust_version.clone()?, package.name.to_string()))).max();
    let (highest, whose) = highest.unwrap();
    assert!(ours == highest, "rust-version is {ours}, but {whose} asks for {highest}");
}

#[test]
fn a_layer_depends_on_core_and_on_no_other_layer() {
    let metadata = metadata(CargoOpt::AllFeatures);
    for name in LIBRARIES {
        let ours: BTreeSet<_> = member(&metadata, name)
            .dependencies
            .iter()
            .filter(|dependency| {
                dependency.kind == DependencyKind::Normal && dependency.name.starts_with("attach-")
            })
            .map(|dependency| dependency.name.as_str())
            .collect();
        let allowed = if name == "attach-core" { BTreeSet::new() } else { BTreeSet::from(["attach-core"]) };
        assert_eq!(ours, allowed, "{name}");
    }
}

#[test]
fn no_library_brings_a_server_or_a_runtime_unasked() {
    let metadata = metadata(CargoOpt::AllFeatures);
    for name in LIBRARIES {
        for dependency in &member(&metadata, name).dependencies {
            if dependency.kind != DependencyKind::Normal || dependency.optional {
                continue;
            }
            assert!(!["axum", "hyper", "hyper-util", "tower"].contains(&dependency.name.as_str()), "{name}");
            if dependency.name == "tokio" {
                assert_eq!(
                    dependency.features,
                    ["sync"],
                    "{name} may use tokio's sync, and nothing that runs"
                );
                assert!(!dependency.uses_default_features, "{name}");
            }
        }
    }
}

/// The resolver's own word: `cargo metadata` also lists what no feature in force asks for.
#[test]
fn there_is_one_http_client_and_one_crypto_provider() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--all-features", "--edges", "normal", "--prefix", "none", "--locked"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    let linked: HashSet<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    for banned in ["reqwest", "ureq", "ring", "openssl", "native-tls", "jsonwebtoken"] {
        assert!(!linked.contains(banned), "{banned} is in the tree");
    }
    assert!(linked.contains("aws-lc-rs"));
}

#[test]
fn core_stays_small() {
    let metadata = metadata(CargoOpt::AllFeatures);
    let core = member(&metadata, "attach-core");
    let direct =
        core.dependencies.iter().filter(|one| one.kind == DependencyKind::Normal && !one.optional).count();
    assert!(direct <= 9, "attach-core has {direct} direct dependencies");
}

/// RUSTSEC-2023-0071 reaches nobody who gives the keys himself.
#[test]
fn static_keys_need_no_rsa_crate() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../attach-auth/Cargo.toml");
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .features(CargoOpt::NoDefaultFeatures)
        .other_options(options_of_the_host())
        .exec()
        .unwrap();
    let auth = metadata.packages.iter().find(|package| package.name == "attach-auth").unwrap();
    let declared = auth.dependencies.iter().find(|one| one.name == "openidconnect").unwrap();
    assert!(declared.optional);
    let without = auth.features["default"].iter().all(|feature| feature == "discovery");
    assert!(without, "nothing but `discovery` is on by default");
}
