//! Keys of model providers and others, made here, as they stand in prompts.

use attach_redact::{Entity, Redactor};

const ALPHABET: &[u8] = b"k7Qz2Vb9XwLm4RtYc8Hn3JpDs6FgAq5Te1UyWxBvKoZiGrPlNfCjMaEdSh";
const HEX: &[u8] = b"0123456789abcdef";
const LETTERS: &[u8] = b"qWzXcVbNmKjHgFdSaPoIuYtReLwQxZ";

/// So many characters of `alphabet`, different for each `seed` (Knuth's linear congruences).
fn random(alphabet: &[u8], count: usize, seed: usize) -> String {
    let mut state = seed as u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    (0..count).map(|_| char::from(alphabet[next() % alphabet.len()])).collect()
}

fn any(count: usize) -> String {
    random(ALPHABET, count, count)
}

fn hex(count: usize) -> String {
    random(HEX, count, count)
}

fn uuid() -> String {
    format!("{}-{}-{}-{}-{}", hex(8), hex(4), random(HEX, 4, 3), random(HEX, 4, 2), hex(12))
}

fn found(text: &str) -> Vec<(Entity, &str)> {
    let redactor = Redactor::builder().build().expect("builds");
    redactor.find(text).into_iter().map(|finding| (finding.entity, &text[finding.range])).collect()
}

#[test]
fn keys_of_model_providers_are_found_in_prose_code_and_other_scripts() {
    let redactor = Redactor::builder().build().expect("builds");
    let keys = [
        format!("sk-proj-{}T3BlbkFJ{}", any(74), random(ALPHABET, 74, 5)),
        format!("sk-svcacct-{}T3BlbkFJ{}", any(58), random(ALPHABET, 58, 5)),
        format!("sk-admin-{}T3BlbkFJ{}", any(58), random(ALPHABET, 58, 5)),
        format!("sk-{}T3BlbkFJ{}", any(20), random(ALPHABET, 20, 4)),
        format!("sk-ant-api03-{}AA", any(93)),
        format!("sk-ant-admin01-{}AA", any(93)),
        format!("sk-ant-oat01-{}AA", any(93)),
        format!("sk-or-v1-{}", hex(64)),
        format!("sk-{}", hex(32)),
        format!("sk-lf-{}", uuid()),
        format!("AIza{}", any(35)),
        format!("AQ.Ab{}", any(48)),
        format!("gsk_{}", any(52)),
        format!("xai-{}", any(80)),
        format!("pplx-{}", any(48)),
        format!("hf_{}", random(LETTERS, 34, 1)),
        format!("r8_{}", any(37)),
        format!("csk-{}", any(48).to_lowercase()),
        format!("nvapi-{}", any(64)),
        format!("tgp_v1_{}", any(43)),
        format!("fw_{}", any(24)),
        format!("pcsk_{}_{}", any(6), any(63)),
        format!("lsv2_pt_{}_{}", hex(32), hex(10)),
        format!("llx-{}", any(48)),
        format!("tvly-{}", any(32)),
    ];
    let texts = [
        "my key is {}, please check it",
        "export KEY=\"{}\"",
        "密钥是{}。",
        "{\\\"key\\\":\\\"{}\\\"}",
        "{}",
    ];
    for key in &keys {
        for text in texts.map(|text| text.replace("{}", key)) {
            let found = redactor.find(&text);
            let covered = found.iter().any(|finding| {
                finding.entity == Entity::Secret && text.get(finding.range.clone()) == Some(key.as_str())
            });
            assert!(covered, "{text}: {found:?}");
        }
    }
}

#[test]
fn keys_of_clouds_and_tools_are_found() {
    let redactor = Redactor::builder().build().expect("builds");
    for key in [
        format!("github_pat_{}_{}", any(22), any(59)),
        format!("npm_{}", any(36)),
        format!("pypi-AgEIcHlwaS5vcmc{}", any(120)),
        format!("dckr_pat_{}", any(27)),
        format!("sbp_{}", hex(40)),
        format!("sk_live_{}", any(24)),
        format!("whsec_{}", any(32)),
        format!("https://discord.com/api/webhooks/123456789012345678/{}", any(68)),
        format!("DefaultEndpointsProtocol=https;AccountName=x;AccountKey={}==;", any(86)),
        format!("https://x.blob.core.windows.net/c?sv=2024-01-01&sp=r&sig={}%3D", any(43)),
        format!("PrivateKey = {}=", any(43)),
        format!("kind: Secret\ndata:\n  password: {}\n", any(24)),
        format!("PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 2\n{}\n{}\nPrivate-MAC: x", any(64), any(64)),
    ] {
        assert!(redactor.find(&key).iter().any(|finding| finding.entity == Entity::Secret), "{key}");
    }
}

#[test]
fn the_private_key_of_a_service_account_is_found_in_its_json() {
    let body = any(64);
    let text = format!(
        "{{\"type\": \"service_account\", \"private_key\": \"-----BEGIN PRIVATE KEY-----\\n{body}\\n{body}\\n\
         -----END PRIVATE KEY-----\\n\", \"client_email\": \"x\"}}"
    );
    let found = found(&text);
    let [(Entity::Secret, key)] = found[..] else { panic!("{found:?}") };
    assert!(key.starts_with("-----BEGIN") && key.ends_with("END PRIVATE KEY-----"), "{key}");
}

#[test]
fn passwords_of_connection_strings_are_found() {
    for text in [
        "postgres://me:hunter22@db/x",
        "mongodb+srv://me:hunter22@c0.example.net/?w=1",
        "redis://:hunter22@cache:6379/0",
        "amqps://me:hunter22@mq/vhost",
        "Server=db;User Id=sa;Password=hunter22;Encrypt=true",
        "jdbc:postgresql://db/x?user=me&password=hunter22&ssl=true",
        "jdbc:sqlserver://db:1433;user=sa;password=hunter22;",
        "host=db port=5432 user=me password=hunter22 dbname=x",
    ] {
        let found = found(text);
        let hidden = found
            .iter()
            .any(|(entity, text)| *entity == Entity::UrlCredentials && text.ends_with("hunter22"));
        assert!(hidden, "{text}: {found:?}");
    }
}

#[test]
fn code_and_samples_that_only_begin_like_keys_are_left() {
    for text in [
        "let task = risk-based; ask-me; sk_buff *skb; sk-learn",
        "args.append(x); s.acceptance_timeout_of_seconds = 3",
        "GLC_CreateLightmapTexturesIndividual(void)",
        "AKIAIOSFODNN7EXAMPLE",
        "hf_transfer.download_all_the_files_of_a_model()",
        "acme-api-key: acdeff05b1a6d4c890237bf08c5e6e8d2b4d0f2e",
        "curl -u user:pass -H \"Authorization: Bearer $TOKEN\" https://x",
        "Authorization: AWS4-HMAC-SHA256 Credential=x",
        "honey.eye.brow",
        "kind: Secret\nmetadata:\n  name: registry-auth-data\ndata:\n  htpasswd: ''\n",
    ] {
        assert!(
            !found(text).iter().any(|(entity, _)| *entity == Entity::Secret),
            "{text}: {:?}",
            found(text)
        );
    }
}

#[test]
fn what_is_given_to_curl_is_found_however_it_is_written() {
    let key = any(24);
    for text in [
        "curl -H \"X-Api-Key:{}\" https://x",
        "curl https://x --header 'Authorization: Token {}'",
        "curl -H \"Authorization: {}\" https://x",
        "curl \\\n  -H 'Private-Token: {}' \\\n  https://x",
        "curl -u me:{} https://x",
        "curl --user=\"me:{}\" https://x",
    ] {
        let text = text.replace("{}", &key);
        let found = found(&text);
        assert!(
            found.iter().any(|(entity, found)| *entity == Entity::Secret && found.ends_with(&key)),
            "{text}"
        );
    }
}
