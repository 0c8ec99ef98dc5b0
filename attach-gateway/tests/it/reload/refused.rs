//! Files that are not taken: broken, for a restart, looser without saying so.

use super::{HEAD, REST, Site};

const GUARDED: &str = "[[model]]\nname = \"m\"\nto = [\"one\"]\n[access]\ndefault = \"allow\"\n\
    [[access.deny]]\nid = \"never\"\nmodels = [\"secret*\"]\n\
    [[quota]]\nid = \"calls\"\nrequests = \"100/h\"\n\
    [redact]\ndefault = \"block\"\n";

/// Has it read, and expects that it is refused with these words, in the log, on record and in metrics.
async fn refused(site: &Site, text: &str, said: &str) {
    let before = site.deeds("config.reload_refused").len();
    let line = site.attempt(text).await;
    assert!(line.contains("configuration not reloaded") && line.contains(said), "{said}: {line}");
    let deeds = crate::support::eventually("the record", || {
        let deeds = site.deeds("config.reload_refused");
        (deeds.len() > before).then_some(deeds)
    })
    .await;
    assert!(!deeds[before]["custom"]["why"].as_str().unwrap().is_empty());
    site.ask().await.expect(200);
}

#[tokio::test]
async fn a_broken_file_changes_nothing_and_is_on_record() {
    let site = Site::start().await;
    let file = site.file(REST);
    for (text, said) in [
        ("this is no TOML".to_owned(), "not valid TOML"),
        (String::new(), "no [[issuer]]"),
        (file.replace("name = \"m\"", "nmae = \"m\""), "unknown setting"),
        (file.replace("to = [\"one\"]", "to = [\"three\"]"), "three"),
        (file.replace("default = \"allow\"", "default = \"perhaps\""), "perhaps"),
        (format!("{file}[[redact.pattern]]\nentity = \"X\"\nregex = \"(\"\n"), "redact.pattern"),
        (format!("{file}[redact.entities]\nEMIAL_ADDRESS = \"block\"\n"), "did you mean"),
        (
            format!("{file}[[redact.terms]]\nentity = \"X\"\nfile = \"nowhere.txt\"\n"),
            "cannot read nowhere.txt",
        ),
    ] {
        refused(&site, &text, said).await;
    }
    let metrics = site.metrics().await;
    assert!(metrics.contains("attach_config_reloads_total{attach_config_result=\"refused\"} 8"), "{metrics}");
    assert!(site.deeds("config.reload").is_empty());
}

#[tokio::test]
async fn what_a_running_gateway_cannot_change_is_named_and_nothing_of_the_file_is_taken() {
    let site = Site::start().await;
    let file = site.file(&REST.replace("to = [\"one\"]", "to = [\"two\"]"));
    for (text, said) in [
        (file.replace("[server]\n", "[server]\nmax_connections = 9\n"), "server.max_connections changed"),
        (format!("{file}[audit]\nmode = \"relaxed\"\n"), "audit.mode changed"),
        (format!("{file}[state]\ndir = \"elsewhere\"\n"), "state.dir changed"),
        (
            format!(
                "{file}[admin]\nlisten = \"127.0.0.1:0\"\nauth = {{ audience = \"api://a\", groups = {{ operator = \"o\" }} }}\n"
            ),
            "admin changed",
        ),
        (file.replace("telemetry_listen = \"127.0.0.1:0\"", ""), "server.telemetry_listen changed"),
    ] {
        refused(&site, &text, said).await;
    }
    assert!(site.two.seen().is_empty(), "the rest of the file is not in force");
}

#[tokio::test]
async fn a_protection_that_is_left_out_is_a_slip_and_one_that_is_emptied_is_meant() {
    let head = HEAD.replace("audience = ", "required_scopes = [\"not-there\"]\naudience = ");
    let site = Site::with(&head, GUARDED).await;
    let token = site.issuer.token("alice", &[]);
    let status = site.gateway.get("/v1/models").bearer(&token).send().await.status;
    assert_eq!(status, 403, "the scope is required");
    let file = site.file(GUARDED);
    for (gone, said) in [
        ("required_scopes = [\"not-there\"]\n", "required_scopes is gone"),
        ("[[access.deny]]\nid = \"never\"\nmodels = [\"secret*\"]\n", "access.deny is gone"),
        ("[[quota]]\nid = \"calls\"\nrequests = \"100/h\"\n", "quota is gone"),
        ("[redact]\ndefault = \"block\"\n", "redact is gone"),
    ] {
        let text = file.replace(gone, "");
        assert_ne!(text, file);
        let line = site.attempt(&text).await;
        assert!(line.contains("configuration not reloaded") && line.contains(said), "{said}: {line}");
    }
    let meant = file
        .replace("required_scopes = [\"not-there\"]", "required_scopes = []")
        .replace("[[quota]]\nid = \"calls\"\nrequests = \"100/h\"\n", "");
    site.reload_all(&format!("quota = []\n{meant}")).await;
    let looser = site.deeds("config.reload")[0]["custom"]["looser"].as_str().unwrap().to_owned();
    assert!(looser.contains("quota"), "{looser}");
    site.gateway.stderr.line("looser than the one before").await;
    site.ask().await.expect(200);
}

#[tokio::test]
async fn a_key_that_a_refused_file_was_read_with_is_not_used() {
    let site = Site::start().await;
    let kept = site.gateway.write("one.secret", "first-value");
    let key = format!("name = \"one\"\nkey = {{ command = [\"cat\", {kept:?}], refresh = \"1h\" }}");
    let keyed = site.file(REST).replacen("name = \"one\"", &key, 1);
    site.reload_all(&keyed).await;
    site.gateway.write("one.secret", "second-value");
    let broken = format!("{keyed}[[redact.pattern]]\nentity = \"X\"\nregex = \"(\"\n");
    refused(&site, &broken, "redact.pattern").await;
    assert_eq!(site.one.last().header("authorization"), Some("Bearer first-value"));
    site.reload_all(&keyed).await;
    site.ask().await.expect(200);
    assert_eq!(site.one.last().header("authorization"), Some("Bearer second-value"));
}
