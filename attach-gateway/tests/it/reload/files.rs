//! A changed file is taken without anybody saying so.

use std::fs;

use super::{OTHER, REST, Site};

#[tokio::test]
async fn a_changed_file_is_taken_and_a_broken_one_is_not() {
    let site = Site::start().await;
    let told = site.told();
    site.gateway.write("attach.toml", &site.file(OTHER));
    let line = site.next(told).await;
    assert!(line.contains("configuration reloaded") && line.contains("\"by\":\"file\""), "{line}");
    site.ask().await.expect(200);
    assert_eq!(site.two.seen().len(), 1);

    site.gateway.write("attach.toml", "half a fi");
    let line = site.next(told + 1).await;
    assert!(line.contains("configuration not reloaded"), "{line}");
    site.ask().await.expect(200);
    site.gateway.write("attach.toml", &site.file(REST));
    let line = site.next(told + 2).await;
    assert!(line.contains("configuration reloaded"), "{line}");
    site.ask().await.expect(200);
    assert_eq!(site.one.seen().len(), 1);
}

#[tokio::test]
async fn a_file_that_is_exchanged_by_a_link_is_taken() {
    let site = Site::start().await;
    let told = site.told();
    let path = site.gateway.write("attach.toml", &site.file(REST));
    let other = site.gateway.write("other.toml", &site.file(OTHER));
    let link = path.with_file_name("next");
    std::os::unix::fs::symlink(&other, &link).unwrap();
    fs::rename(&link, &path).unwrap();
    // Whether the first writing was seen as a change of its own depends on when it was looked.
    crate::support::eventually("the other upstream", || {
        let text = site.gateway.stderr.text();
        let changed = |line: &&str| line.contains("configuration reloaded") && line.contains("\"model\"");
        text.lines().skip(told).find(changed).map(str::to_owned)
    })
    .await;
    site.ask().await.expect(200);
    assert_eq!(site.two.seen().len(), 1);
}

#[tokio::test]
async fn a_changed_secret_or_list_of_terms_is_taken_as_well() {
    let site = Site::start().await;
    site.gateway.write("one.key", "first-value");
    let terms = site.gateway.write("terms.txt", "Bluebird\n");
    let keyed = site.file(REST).replacen("name = \"one\"", "name = \"one\"\nkey = { file = \"one.key\" }", 1);
    let keyed = format!("{keyed}[[redact.terms]]\nentity = \"PROJECT\"\nfile = \"terms.txt\"\n");
    site.reload_all(&keyed).await;
    site.call("alice", "about Bluebird and Nightjar").send().await.expect(200);
    let seen = site.one.last();
    assert_eq!(seen.header("authorization"), Some("Bearer first-value"));
    assert!(!seen.text().contains("Bluebird") && seen.text().contains("Nightjar"), "{}", seen.text());

    let told = site.told();
    site.gateway.write("one.key", "second");
    site.next(told).await;
    site.ask().await.expect(200);
    assert_eq!(site.one.last().header("authorization"), Some("Bearer second"));

    let told = site.told();
    fs::write(&terms, "Bluebird\nNightjar\n").unwrap();
    site.next(told).await;
    site.call("alice", "about Bluebird and Nightjar").send().await.expect(200);
    assert!(!site.one.last().text().contains("Nightjar"));
}
