//! Re-framing: no byte is lost, and every frame is whole events.

use attach_core::body::{Events, SseEvent, lines, sse_events};
use attach_core::usage::Wire;
use bytes::Bytes;
use proptest::prelude::*;

const STREAM: &[u8] = b": hi\n\nevent: a\ndata: 1\n\nevent: b\r\ndata: 2\r\n\r\ndata:3\rdata: 4\r\rdata: 5\r\n\n\n\n\rid: 6\r\n\rdata: 7\n\r\ndata: 8\n";

fn reframe<'a>(wire: Wire, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Bytes>, Option<Bytes>) {
    let mut events = Events::new(wire);
    let frames =
        pieces.into_iter().filter_map(|piece| events.push(Bytes::copy_from_slice(piece)).unwrap()).collect();
    (frames, events.finish())
}

fn concat(frames: &[Bytes], rest: Option<&Bytes>) -> Vec<u8> {
    frames.iter().chain(rest).flat_map(|frame| frame.iter().copied()).collect()
}

/// The ends of all events, found the slow way: a line end preceded by a line end.
fn boundaries(stream: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let (mut at, mut line) = (0, 0);
    while at < stream.len() {
        let end = match &stream[at..] {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => 0,
        };
        if end > 0 && at == line {
            // Between the two bytes of a CR LF is an end as well: the event is known to be whole there.
            ends.extend(at + 1..=at + end);
        }
        at += end.max(1);
        line = if end > 0 { at } else { line };
    }
    ends
}

fn check(stream: &[u8], frames: &[Bytes], rest: Option<&Bytes>) {
    assert_eq!(concat(frames, rest), stream);
    let ends = boundaries(stream);
    let mut at = 0;
    for frame in frames {
        assert!(!frame.is_empty());
        at += frame.len();
        assert!(ends.contains(&at), "{at} of {ends:?}");
    }
    assert_eq!(at, ends.last().copied().unwrap_or(0), "all that is whole has been given");
}

#[test]
fn every_split_gives_whole_events_and_loses_nothing() {
    for at in 0..=STREAM.len() {
        let (frames, rest) = reframe(Wire::Sse, [&STREAM[..at], &STREAM[at..]]);
        check(STREAM, &frames, rest.as_ref());
    }
    let (frames, rest) = reframe(Wire::Sse, STREAM.chunks(1));
    check(STREAM, &frames, rest.as_ref());
}

#[test]
fn every_split_of_ndjson_gives_whole_lines() {
    let stream = b"{\"a\":1}\n{\"b\":\"\\n\"}\r\n\n{\"c\":3}";
    for at in 0..=stream.len() {
        let (frames, rest) = reframe(Wire::Ndjson, [&stream[..at], &stream[at..]]);
        assert_eq!(concat(&frames, rest.as_ref()), stream);
        assert!(frames.iter().all(|frame| frame.ends_with(b"\n")));
        assert_eq!(rest.as_deref(), Some(&b"{\"c\":3}"[..]));
    }
}

#[test]
fn a_frame_of_whole_events_is_not_copied() {
    let mut events = Events::new(Wire::Sse);
    let frame = Bytes::from_static(b"data: 1\n\ndata: 2\n\n");
    assert_eq!(events.push(frame.clone()).unwrap().unwrap().as_ptr(), frame.as_ptr());
    let open = Bytes::from_static(b"data: 3\n\ndata: ");
    let whole = events.push(open.clone()).unwrap().unwrap();
    assert_eq!((whole.as_ptr(), whole.len()), (open.as_ptr(), 9));
    assert_eq!(events.push("4\n\n".into()).unwrap().as_deref(), Some(&b"data: 4\n\n"[..]));
    assert_eq!(events.finish(), None);
}

#[test]
fn json_passes_as_it_is() {
    let mut events = Events::new(Wire::Json);
    assert_eq!(events.push("{\"a\"".into()).unwrap().as_deref(), Some(&b"{\"a\""[..]));
    assert_eq!(events.push(Bytes::new()).unwrap(), None);
    assert_eq!(events.finish(), None);
}

#[test]
fn a_line_of_a_mebibyte_passes_and_a_longer_one_is_refused() {
    for (wire, end) in [(Wire::Sse, "\n\n"), (Wire::Ndjson, "\n")] {
        for size in [1, 1000, 2 << 20] {
            let at_limit = "x".repeat(1 << 20) + end;
            let (frames, _) = reframe(wire, at_limit.as_bytes().chunks(size));
            assert_eq!(concat(&frames, None).len(), at_limit.len());

            let mut events = Events::new(wire);
            let beyond = "x".repeat((1 << 20) + 1) + end;
            let mut pushed =
                beyond.as_bytes().chunks(size).map(|piece| events.push(Bytes::copy_from_slice(piece)));
            assert!(pushed.any(|result| result.is_err()));
            drop(pushed);
            assert_eq!(events.finish(), None);
            assert!(events.push("\n\n".into()).is_err());
        }
    }
}

#[test]
fn an_event_of_endless_lines_is_refused() {
    let mut events = Events::new(Wire::Sse);
    let line = Bytes::from_static(b"data: and on and on\n");
    assert!((0..1_000_000).any(|_| events.push(line.clone()).is_err()));
}

#[test]
fn events_are_read_as_browsers_read_them() {
    let seen: Vec<_> = sse_events(STREAM).map(|event| (event.name, event.data.into_owned())).collect();
    let data = |data: &str| (None, data.to_owned());
    let expected = [
        data(""),
        (Some("a"), "1".to_owned()),
        (Some("b"), "2".to_owned()),
        data("3\n4"),
        data("5"),
        data(""),
        data(""),
        data(""),
        data(""),
        data("7"),
        data("8"),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn the_raw_events_of_a_frame_are_the_frame() {
    let raw: Vec<u8> = sse_events(STREAM).flat_map(|event| event.raw.iter().copied()).collect();
    assert_eq!(raw, STREAM);
}

#[test]
fn a_byte_order_mark_and_bytes_that_are_no_text_do_no_harm() {
    let frame = b"\xEF\xBB\xBFdata: a\n\nevent: \xff\ndata: \xff\n\n";
    let seen: Vec<SseEvent<'_>> = sse_events(frame).collect();
    assert_eq!((seen[0].data.as_ref(), seen[1].data.as_ref(), seen[1].name), ("a", "\u{fffd}", None));
}

#[test]
fn lines_keep_their_ends() {
    let seen: Vec<_> = lines(b"{}\r\n\n{}").collect();
    assert_eq!(seen, [&b"{}\r\n"[..], b"\n", b"{}"]);
}

#[test]
fn debug_shows_no_text() {
    let mut events = Events::new(Wire::Sse);
    events.push("data: secret".into()).unwrap();
    assert!(!format!("{events:?}").contains("secret"));
}

proptest! {
    #[test]
    fn any_stream_in_any_pieces_keeps_its_bytes_and_its_boundaries(
        words in proptest::collection::vec(proptest::sample::select(&["\r", "\n", "data: x", ":", "\u{feff}", "é"][..]), 0..60),
        size in 1_usize..9,
    ) {
        let stream = words.concat();
        let (frames, rest) = reframe(Wire::Sse, stream.as_bytes().chunks(size));
        check(stream.as_bytes(), &frames, rest.as_ref());
        let raw: Vec<u8> = sse_events(stream.as_bytes()).flat_map(|event| event.raw.iter().copied()).collect();
        prop_assert_eq!(raw, stream.as_bytes());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), size in 1_usize..50) {
        for wire in [Wire::Sse, Wire::Ndjson, Wire::Json] {
            let (frames, rest) = reframe(wire, bytes.chunks(size));
            prop_assert_eq!(concat(&frames, rest.as_ref()), &bytes[..]);
        }
        sse_events(&bytes).chain(sse_events(&bytes)).for_each(drop);
        lines(&bytes).for_each(drop);
    }
}
