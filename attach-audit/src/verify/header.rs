//! Two members of a line that every record has, found without a JSON parser.

/// What stands before the time. No text inside a string can look like it: a quote in there has a backslash before it.
const TS: &[u8] = b",\"ts\":\"";
const KIND: &[u8] = b"\"kind\":\"";
/// `2026-11-05T09:30:00.000000001Z`.
const TIME: usize = 30;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header<'a> {
    pub(super) ts: &'a str,
    pub(super) kind: &'a str,
}

impl<'a> Header<'a> {
    /// `place` is where the time stood in the line before; it hardly ever moves.
    pub(super) fn read(line: &'a [u8], place: &mut usize) -> Option<Self> {
        if !line.get(*place..).is_some_and(|rest| rest.starts_with(TS)) {
            *place = find(line, TS)?;
        }
        let rest = &line[*place + TS.len()..];
        let (ts, rest) = rest.split_at_checked(TIME)?;
        let kind = match rest.strip_prefix(b"\",")?.strip_prefix(KIND) {
            Some(kind) => kind,
            None => &rest[find(rest, KIND)? + KIND.len()..],
        };
        let end = kind.iter().position(|&byte| byte == b'"')?;
        Some(Self { ts: str::from_utf8(ts).ok()?, kind: str::from_utf8(&kind[..end]).ok()? })
    }
}

fn find(line: &[u8], what: &[u8]) -> Option<usize> {
    line.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_and_kind_are_found_wherever_they_stand() {
        let mut place = 0;
        for before in ["{\"v\":1", "{\"v\":1,\"node\":\"\\\",\\\"ts\\\":\\\"x\"", "{\"v\":1"] {
            let line =
                format!("{before},\"ts\":\"2026-11-05T09:30:00.000000001Z\",\"kind\":\"start\",\"x\":1}}");
            let header = Header::read(line.as_bytes(), &mut place).expect("a header");
            assert_eq!((header.ts, header.kind), ("2026-11-05T09:30:00.000000001Z", "start"));
        }
        // A long line does not hide what the next one is.
        let short = b"{\"v\":1,\"ts\":\"2026-11-05T09:30:00.000000001Z\",\"kind\":\"checkpoint\"}";
        assert_eq!(Header::read(short, &mut 9_999).map(|header| header.kind), Some("checkpoint"));
        assert_eq!(Header::read(b"{\"v\":1}", &mut place), None);
        assert_eq!(Header::read(b",\"ts\":\"2026", &mut 0), None);
        assert_eq!(Header::read(b"", &mut 9), None);
    }
}
