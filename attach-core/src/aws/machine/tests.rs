use std::sync::Mutex;
use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, Response};

use super::*;
use crate::aws::Keys;
use crate::fetch::FetchFuture;

/// Answers by method and path, as the services document it, and keeps what it was asked.
#[derive(Debug, Default)]
struct Replay {
    answers: Vec<(&'static str, u16, &'static str)>,
    seen: Mutex<Vec<(String, HeaderMap, Bytes)>>,
}

impl Fetch for Replay {
    fn fetch(&self, request: Request<Bytes>) -> FetchFuture {
        let asked = format!("{} {}", request.method(), request.uri());
        let found = self.answers.iter().find(|(known, ..)| *known == asked);
        let (status, text) = found.map_or((404, ""), |(_, status, text)| (*status, *text));
        self.seen.lock().unwrap().push((asked, request.headers().clone(), request.into_body()));
        let answer = Response::builder().status(status).body(Bytes::from_static(text.as_bytes())).unwrap();
        Box::pin(async move { Ok(answer) })
    }
}

fn machine(variables: &[(&str, &str)]) -> Result<Option<Machine>, String> {
    let env = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Machine::from_env("eu-central-1", &env).map_err(|error| error.to_string())
}

fn one(variables: &[(&str, &str)]) -> Machine {
    machine(variables).unwrap().unwrap()
}

fn replay(answers: &[(&'static str, u16, &'static str)]) -> Replay {
    Replay { answers: answers.to_vec(), ..Replay::default() }
}

fn secret_of(obtained: Obtained) -> (bool, Option<SystemTime>) {
    let keys = Keys::from(obtained.key);
    (keys.is_in(b"<wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY>"), obtained.until)
}

/// 2026-09-15T18:12:03Z
fn expires() -> Option<SystemTime> {
    Some(UNIX_EPOCH + Duration::from_secs(1_789_495_923))
}

const POD: &[(&str, &str)] = &[
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials"),
    ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/var/run/secrets/token"),
];
const METADATA: &str = r#"{"RoleArn": "arn:aws:iam::123456789012:role/a", "AccessKeyId": "ASIAEXAMPLE",
 "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY", "Token": "AQoDYXdzEXAMPLE", "Expiration": "2026-09-15T18:12:03Z"}"#;

#[tokio::test]
async fn a_pod_shows_the_token_of_its_file() {
    let (pod, replay) = (one(POD), replay(&[("GET http://169.254.170.23/v1/credentials", 200, METADATA)]));
    assert_eq!(pod.token_file().unwrap().to_str(), Some("/var/run/secrets/token"));
    let obtained = pod.obtain(Some("pod-token\n"), &replay).await.unwrap();
    assert_eq!(secret_of(obtained), (true, expires()));
    assert_eq!(replay.seen.lock().unwrap()[0].1["authorization"], "pod-token");
    assert!(pod.obtain(Some("\n"), &replay).await.unwrap_err().to_string().contains("empty"));
}

#[tokio::test]
async fn a_task_of_ecs_asks_at_its_relative_path_without_a_token() {
    let task = one(&[("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/c5a1")]);
    let replay = replay(&[("GET http://169.254.170.2/v2/credentials/c5a1", 200, METADATA)]);
    assert_eq!(secret_of(task.obtain(None, &replay).await.unwrap()), (true, expires()));
    assert!(!replay.seen.lock().unwrap()[0].1.contains_key("authorization"));
}

#[tokio::test]
async fn a_web_identity_is_exchanged_in_the_region() {
    let token = "/var/run/secrets/eks.amazonaws.com/serviceaccount/token";
    let role = "arn:aws:iam::123456789012:role/attach";
    let workload = one(&[("AWS_WEB_IDENTITY_TOKEN_FILE", token), ("AWS_ROLE_ARN", role)]);
    let yes = include_str!("assume_role_with_web_identity.xml");
    let replay = replay(&[("POST https://sts.eu-central-1.amazonaws.com/", 200, yes)]);
    assert_eq!(secret_of(workload.obtain(Some("a.b+c"), &replay).await.unwrap()), (true, expires()));
    let form = replay.seen.lock().unwrap()[0].2.clone();
    let form = std::str::from_utf8(&form).unwrap();
    assert!(form.contains("&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fattach&"), "{form}");
    assert!(form.ends_with("&WebIdentityToken=a.b%2Bc"), "{form}");
}

#[tokio::test]
async fn a_refusal_of_sts_names_its_code_and_no_token() {
    let workload = one(&[
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"),
        ("AWS_ROLE_ARN", "arn:x"),
        ("AWS_ENDPOINT_URL_STS", "https://vpce.example/"),
    ]);
    let no = "<ErrorResponse><Error><Code>ExpiredTokenException</Code><Message>Token a.b.c</Message></Error></ErrorResponse>";
    let replay = replay(&[("POST https://vpce.example/", 400, no)]);
    let said = workload.obtain(Some("a.b.c"), &replay).await.unwrap_err().to_string();
    assert_eq!(said, "STS answered 400 ExpiredTokenException");
}

#[tokio::test]
async fn an_instance_is_asked_by_version_two_alone() {
    const BASE: &str = "GET http://169.254.169.254/latest/meta-data/iam/security-credentials/";
    let success = r#"{"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "ASIAEXAMPLE",
 "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY", "Token": "t", "Expiration": "2026-09-15T18:12:03Z"}"#;
    let replay = replay(&[
        ("PUT http://169.254.169.254/latest/api/token", 200, "v2-token"),
        (BASE, 200, "attach-role"),
        ("GET http://169.254.169.254/latest/meta-data/iam/security-credentials/attach-role", 200, success),
    ]);
    let instance = one(&[]);
    assert_eq!(secret_of(instance.obtain(None, &replay).await.unwrap()), (true, expires()));
    let seen = replay.seen.lock().unwrap();
    assert_eq!(seen[0].1["x-aws-ec2-metadata-token-ttl-seconds"], "21600");
    assert!(seen[1..].iter().all(|(_, headers, _)| headers["x-aws-ec2-metadata-token"] == "v2-token"));
}

#[tokio::test]
async fn an_answer_without_a_key_is_an_error_that_shows_none_of_it() {
    for (status, text, said) in [
        (200, r#"{"Code": "AssumeRoleUnauthorizedAccess"}"#, "it has no key: AssumeRoleUnauthorizedAccess"),
        (200, r#"{"AccessKeyId": "ASIAEXAMPLE"}"#, "its answer has no key"),
        (
            200,
            r#"{"AccessKeyId": "A", "SecretAccessKey": "s3cret", "Expiration": "soon"}"#,
            "expires is no time",
        ),
        (200, "s3cret", "its answer has no key"),
        (403, "s3cret", "it answered 403"),
    ] {
        let task = one(&[("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c")]);
        let error =
            task.obtain(None, &replay(&[("GET http://169.254.170.2/c", status, text)])).await.unwrap_err();
        let error = error.to_string();
        assert!(error.contains(said) && !error.contains("s3cret"), "{error}");
    }
}

#[test]
fn a_token_goes_nowhere_but_to_this_machine_without_tls() {
    const URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
    for near in [
        "http://127.0.0.1:8080/c",
        "http://[::1]/c",
        "http://localhost/c",
        "http://169.254.170.2/c",
        "http://[fd00:ec2::23]/c",
        "https://keys.example/c",
    ] {
        assert!(machine(&[(URI, near)]).is_ok(), "{near}");
    }
    for far in [
        "http://keys.example/c",
        "http://169.254.169.254/c",
        "http://10.0.0.1/c",
        "ftp://127.0.0.1/c",
        "http://127.0.0.1.evil.example/c",
        "/c",
    ] {
        assert!(machine(&[(URI, far)]).unwrap_err().starts_with(URI), "{far}");
    }
    for (name, far) in [
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://10.0.0.1"),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@evil.example/"),
    ] {
        assert!(machine(&[(name, far)]).is_err(), "{name}");
    }
    let sts = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/t"),
        ("AWS_ROLE_ARN", "r"),
        ("AWS_ENDPOINT_URL_STS", "http://sts.example"),
    ];
    assert!(machine(&sts).is_err());
}

#[test]
fn the_order_is_that_of_the_sdks_and_an_instance_can_be_ruled_out() {
    let web = [("AWS_WEB_IDENTITY_TOKEN_FILE", "/t"), ("AWS_ROLE_ARN", "r")];
    assert_eq!(one(&[POD, &web].concat()).to_string(), "web identity");
    assert_eq!(one(POD).to_string(), "container");
    assert_eq!(one(&[]).to_string(), "instance role");
    assert_eq!(machine(&[("AWS_EC2_METADATA_DISABLED", "TRUE")]), Ok(None));
    assert!(machine(&web[..1]).unwrap_err().contains("AWS_ROLE_ARN"));
    let text = format!("{:?}", one(&[POD[0], ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "s3cret")]));
    assert!(!text.contains("s3cret"), "{text}");
}
