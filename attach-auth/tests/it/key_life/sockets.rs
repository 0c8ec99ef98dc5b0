//! The same over real sockets, with the client that services use.

use std::path::{Path, PathBuf};
use std::time::Instant;

use attach_auth::oidc::KeyFiles;
use attach_core::client::Client;

use super::*;
use crate::support::{Page, RealProvider, config_of};

const PATH: &str = "/v1/keys";

struct World {
    provider: RealProvider,
    clock: TestClock,
    verifier: OidcVerifier,
}

impl World {
    async fn start(signers: &[&Signer]) -> Self {
        let provider = RealProvider::start().await;
        provider.set(PATH, Page::Json(Signer::set(signers)));
        let clock = TestClock::default();
        let verifier = verifier(&provider, &clock);
        Self { provider, clock, verifier }
    }

    fn token(&self, signer: &Signer, sub: &str) -> String {
        signer.token(&claims_with(json!({"iss": self.provider.url(), "sub": sub})))
    }

    async fn outcome(&self, token: &str) -> (u16, String) {
        outcome(&self.verifier, token).await
    }

    fn count(&self) -> usize {
        self.provider.asked(PATH).len()
    }

    /// Time goes on, and the service's timer with it.
    async fn later(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        self.verifier.refresh().await;
    }
}

fn verifier(provider: &RealProvider, clock: &TestClock) -> OidcVerifier {
    let config = config_of(attach_auth::Preset::Generic, provider.url());
    let config = config.jwks_uri(&provider.at(PATH)).expect("a URL");
    let fetch = Arc::new(Client::new().expect("TLS"));
    OidcVerifier::with_clock(vec![config], fetch, Arc::new(clock.clone())).expect("a verifier")
}

async fn outcome(verifier: &OidcVerifier, token: &str) -> (u16, String) {
    match verifier.verify(token).await {
        Ok(_) => good(),
        Err(denial) => (denial.status().as_u16(), denial.reason().to_owned()),
    }
}

#[tokio::test]
async fn whatever_a_provider_does_the_keys_it_once_had_go_on() {
    let signer = Signer::es256("k");
    let pages = [
        Page::Huge(50),
        Page::Html,
        Page::Status(204),
        Page::Status(500),
        Page::Truncated,
        Page::To("http://169.254.169.254/latest/meta-data".to_owned()),
        Page::Json(r#"{"keys":[]}"#.to_owned()),
    ];
    for page in pages {
        let cold = World::start(&[]).await;
        cold.provider.set(PATH, page.clone());
        assert_eq!(cold.outcome(&cold.token(&signer, "alice")).await, down(), "{page:?}");
        let warm = World::start(&[&signer]).await;
        assert_eq!(warm.outcome(&warm.token(&signer, "alice")).await, good());
        warm.provider.set(PATH, page.clone());
        warm.later(300).await;
        assert_eq!(warm.count(), 2, "{page:?}");
        assert_eq!(warm.outcome(&warm.token(&signer, "bob")).await, good(), "{page:?}");
    }
}

#[tokio::test]
async fn of_ten_thousand_keys_the_first_hundred_count_and_reading_them_takes_a_moment() {
    let signer = Signer::ed25519("k-7");
    let jwk = signer.jwk();
    let many: Vec<_> = (0..10_000)
        .map(|n| json!({"kty": "OKP", "crv": "Ed25519", "x": jwk["x"], "kid": format!("k-{n}")}))
        .collect();
    let set = json!({"keys": many}).to_string();
    assert!(set.len() < 1 << 20, "{}", set.len());
    let world = World::start(&[]).await;
    let log = Log::start();
    world.provider.set(PATH, Page::Json(set));
    let began = Instant::now();
    assert_eq!(world.outcome(&world.token(&signer, "alice")).await, good());
    let took = began.elapsed();
    assert!(took < Duration::from_secs(2), "unoptimised, on a busy machine: {took:?}");
    let header = json!({"alg": "EdDSA", "kid": "k-100"});
    let late = signer.token_with(&header, &claims_with(json!({"iss": world.provider.url()})));
    assert_eq!(world.outcome(&late).await, (401, "kid_unknown".to_owned()));
    world.later(300).await;
    assert_eq!(log.lines_with("more keys than are used").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_trickles_keeps_nobody_with_a_known_key_waiting() {
    let signer = Signer::es256("k");
    let world = World::start(&[&signer]).await;
    assert_eq!(world.outcome(&world.token(&signer, "alice")).await, good());
    world.provider.set(PATH, Page::Trickle);
    world.clock.advance(Duration::from_secs(300));
    let refreshing = world.verifier.clone();
    let slow = tokio::spawn(async move { refreshing.refresh().await });
    let unknown = world.token(&Signer::es256("new"), "mallory");
    let asking = world.verifier.clone();
    let waits = tokio::spawn(async move { outcome(&asking, &unknown).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    for n in 0..50 {
        assert_eq!(world.outcome(&world.token(&signer, &format!("u{n}"))).await, good());
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(!slow.is_finished(), "the provider still trickles");
    slow.await.expect("no panic");
    assert_eq!(waits.await.expect("no panic"), down());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_verifications_at_a_rotation_are_one_fetch_and_no_wrong_refusal() {
    let (old, new) = (Signer::es256("old"), Signer::es256("new"));
    let world = World::start(&[&old]).await;
    world.verifier.refresh().await;
    assert_eq!(world.outcome(&world.token(&old, "alice")).await, good());
    world.provider.set(PATH, Page::Json(Signer::set(&[&new, &old])));
    let tasks: Vec<_> = (0..10_000)
        .map(|n| {
            let signer = if n % 4 == 0 { &old } else { &new };
            let token = world.token(signer, &format!("u{n}"));
            let verifier = world.verifier.clone();
            tokio::spawn(async move { verifier.verify(&token).await.is_ok() })
        })
        .collect();
    let mut refused = 0;
    for task in tasks {
        refused += usize::from(!task.await.expect("no panic"));
    }
    assert_eq!((refused, world.count()), (0, 2));
}

#[tokio::test]
async fn a_flood_of_unknown_keys_is_one_fetch_in_ten_seconds_over_the_wire() {
    let signer = Signer::es256("k");
    let world = World::start(&[&signer]).await;
    world.verifier.refresh().await;
    let claims = claims_with(json!({"iss": world.provider.url()}));
    let signed = signer.token(&claims);
    let (_, rest) = signed.split_once('.').expect("three parts");
    for n in 0..20_000_u32 {
        // Nobody who floods signs; the key is looked for first.
        let header = crate::support::b64(format!(r#"{{"alg":"ES256","kid":"k-{n}"}}"#));
        assert_eq!(world.outcome(&format!("{header}.{rest}")).await, (401, "kid_unknown".to_owned()));
        if n == 10_000 {
            world.clock.advance(Duration::from_secs(10));
        }
    }
    assert_eq!(world.count(), 3);
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("attach-jwks-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.0).expect("a folder");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        paths.filter(|path| path.extension().is_some_and(|end| end == "jwks")).collect()
    }

    /// The one file, once it is written.
    async fn file(&self) -> PathBuf {
        for _ in 0..500 {
            if let Some(file) = self.files().pop() {
                return file;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no key set was kept");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A new process with the same folder, this many seconds after the first one began.
fn restarted(world: &World, folder: &Path, seconds: u64) -> (OidcVerifier, TestClock) {
    let clock = TestClock::default();
    clock.advance(Duration::from_secs(seconds));
    let verifier = verifier(&world.provider, &clock).key_files(KeyFiles::new(folder));
    (verifier, clock)
}

#[tokio::test]
async fn a_restart_while_the_provider_is_down_refuses_nobody_for_a_day() {
    let (folder, signer) = (Folder::new("restart"), Signer::es256("k"));
    let world = World::start(&[&signer]).await;
    let first = verifier(&world.provider, &world.clock).key_files(KeyFiles::new(&folder.0));
    assert_eq!(outcome(&first, &world.token(&signer, "alice")).await, good());
    let file = folder.file().await;
    let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
    assert!(name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    }
    world.provider.set_down(true);
    let (second, clock) = restarted(&world, &folder.0, 3600);
    second.refresh().await;
    assert!(second.status()[0].ready && second.status()[0].problem.is_some());
    let at = |seconds: u64| {
        let now = NOW + seconds;
        let claims = json!({"iss": world.provider.url(), "iat": now, "exp": now + 600});
        signer.token(&claims_with(claims))
    };
    assert_eq!(outcome(&second, &at(3600)).await, good());
    clock.advance(Duration::from_secs(23 * 3600));
    assert_eq!(outcome(&second, &at(24 * 3600)).await, down(), "too old in all");
    let (third, _) = restarted(&world, &folder.0, 24 * 3600);
    assert_eq!(outcome(&third, &at(24 * 3600)).await, down(), "too old on disk");
}

#[tokio::test]
async fn what_was_kept_is_not_believed_if_it_may_not_be_ours() {
    let (folder, signer) = (Folder::new("odd"), Signer::es256("k"));
    let world = World::start(&[&signer]).await;
    let first = verifier(&world.provider, &world.clock).key_files(KeyFiles::new(&folder.0));
    assert_eq!(outcome(&first, &world.token(&signer, "alice")).await, good());
    let file = folder.file().await;
    let kept = std::fs::read_to_string(&file).expect("text");
    world.provider.set_down(true);
    let url = world.provider.url();
    let spoilt = [
        kept.replace(url, "https://evil.test"),
        kept.replace("attach-jwks-1", "attach-jwks-9"),
        kept.replace(&NOW.to_string(), &(NOW + 3600).to_string()),
        kept.replace("\"kty\"", "\"d\":\"AA\",\"kty\""),
        kept[..kept.len() - 20].to_owned(),
        String::new(),
    ];
    for text in spoilt {
        assert_ne!(text, kept);
        std::fs::write(&file, &text).expect("a file");
        let (second, _) = restarted(&world, &folder.0, 60);
        assert!(!second.status()[0].ready, "{text}");
    }
    std::fs::write(&file, &kept).expect("a file");
    assert!(restarted(&world, &folder.0, 60).0.status()[0].ready);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o666)).expect("ours");
        assert!(!restarted(&world, &folder.0, 60).0.status()[0].ready, "others can write it");
    }
}
