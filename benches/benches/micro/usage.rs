//! Counting an answer's tokens.

use attach_benches::bodies;
use attach_core::Api;
use attach_core::body::Events;
use attach_core::usage::{Meter, Wire};
use bytes::Bytes;
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};

fn length(events: &[Bytes]) -> usize {
    events.iter().map(Bytes::len).sum()
}

/// The meter over a stream of 23 events, one at a time.
#[divan::bench]
fn meter_sse(bencher: Bencher<'_, '_>) {
    let events = bodies::events();
    let bencher = bencher.counter(BytesCount::from(length(&events))).counter(ItemsCount::from(events.len()));
    bencher.bench_local(|| {
        let mut meter = Meter::new(Api::OpenAiChat, Wire::Sse);
        for event in &events {
            meter.push(event);
            divan::black_box(meter.usage());
        }
        meter.end();
        meter.usage()
    });
}

/// The meter over a plain answer.
#[divan::bench]
fn meter_json(bencher: Bencher<'_, '_>) {
    let answer = bodies::answer();
    bencher.counter(BytesCount::from(answer.len())).bench_local(|| {
        let mut meter = Meter::new(Api::OpenAiChat, Wire::Json);
        meter.push(&answer);
        meter.end();
        meter.usage()
    });
}

/// Re-framing the same stream where frames are whole events already.
#[divan::bench]
fn events_whole(bencher: Bencher<'_, '_>) {
    let events = bodies::events();
    bencher.counter(BytesCount::from(length(&events))).bench_local(|| {
        let mut framing = Events::new(Wire::Sse);
        events.iter().filter_map(|event| framing.push(event.clone()).ok().flatten()).count()
    });
}
