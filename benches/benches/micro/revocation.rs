//! Whether a caller was revoked, asked on every request.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use attach_auth::Revocations;
use attach_auth::revocation::{Effect, Fact, FactIndex, Subject};
use attach_auth::state::{Memory, State, Table};
use attach_core::Identity;
use divan::Bencher;

use crate::support::now;

/// As many people as a large company loses in a year, each told of in three ways.
const FACTS: [usize; 2] = [0, 100_000];

fn revocations(count: usize) -> Revocations {
    let index = FactIndex::new();
    let views = vec![(Table::FACTS, Arc::new(index.clone()) as _)];
    let state = now(State::open(Memory::new(), views)).expect("memory opens");
    let revocations = Revocations::new(state, index);
    let fact = |number: usize| {
        let (subject, effect) = match number % 3 {
            0 => (Subject::User(format!("00u{number:017}").into()), Effect::Disabled),
            1 => (Subject::name(&format!("person{number}@acme.example")), Effect::Disabled),
            _ => (Subject::Session(format!("102{number:017}").into()), Effect::NotBefore(SystemTime::now())),
        };
        Fact::new("acme", subject, effect, "bench")
    };
    let facts: Vec<Fact> = (0..count).map(fact).collect();
    now(revocations.record(&facts)).expect("memory keeps");
    revocations
}

fn caller() -> Identity {
    let mut caller = Identity::person("acme", "alice@acme.example");
    caller.id = "00u1bench0000000000000".into();
    caller.email = Some("alice@acme.example".into());
    caller.user_name = Some("alice".into());
    caller.client_id = Some("0oa1bench".into());
    caller.session_id = Some("102bench".into());
    caller.token_id = Some("AT.bench".into());
    caller.issued_at = Some(SystemTime::now() - Duration::from_secs(60));
    caller
}

/// Nobody means the caller: what nearly every request asks.
#[divan::bench(args = FACTS)]
fn passes(bencher: Bencher<'_, '_>, facts: usize) {
    let (revocations, caller) = (revocations(facts), caller());
    bencher.bench_local(|| revocations.check(divan::black_box(&caller)).is_ok());
}

/// The caller was disabled.
#[divan::bench]
fn refuses(bencher: Bencher<'_, '_>) {
    let revocations = revocations(100_000);
    let mut caller = caller();
    caller.id = "00u00000000000000003".into();
    bencher.bench_local(|| revocations.refuses(divan::black_box(&caller)));
}
