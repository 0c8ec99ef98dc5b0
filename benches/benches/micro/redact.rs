//! Finding, replacing, restoring.

use attach_benches::{bodies, layers};
use attach_redact::{Redactor, Scope};
use divan::counter::BytesCount;
use divan::{Bencher, black_box};

const TEXTS: [&str; 3] = ["clean, 2 KB", "dense, 2 KB", "support mail"];

fn text(name: &str) -> String {
    match name {
        "clean, 2 KB" => bodies::clean_text(),
        "dense, 2 KB" => bodies::dense_text(),
        _ => bodies::MAIL.to_owned(),
    }
}

fn redactor() -> Redactor {
    layers::redactor().expect("there is randomness")
}

/// Finding alone.
#[divan::bench(args = TEXTS)]
fn find(bencher: Bencher<'_, '_>, name: &str) {
    let (redactor, text) = (redactor(), text(name));
    bencher.counter(BytesCount::from(text.len())).bench_local(|| redactor.find(black_box(&text)).len());
}

/// Finding and replacing.
#[divan::bench(args = TEXTS)]
fn redact(bencher: Bencher<'_, '_>, name: &str) {
    let (redactor, scope, text) = (redactor(), Scope::anonymous(), text(name));
    bencher.counter(BytesCount::from(text.len())).bench_local(|| {
        redactor.redact_text(&scope, black_box(&text)).expect("nothing is blocked").text().len()
    });
}

/// Restoring an answer that quotes everything.
#[divan::bench(args = TEXTS)]
fn restore(bencher: Bencher<'_, '_>, name: &str) {
    let (redactor, text) = (redactor(), text(name));
    let redacted = redactor.redact_text(&Scope::anonymous(), &text).expect("nothing is blocked");
    bencher
        .counter(BytesCount::from(text.len()))
        .bench_local(|| redacted.restore(black_box(redacted.text())).len());
}
