//! Shapes of keys: literals, classes and counts, compiled and matched by hand. A few hundred of them take less time to
//! compile than one regular expression does.

/// Sequences of pieces, one of which a key is.
#[derive(Debug, Default)]
pub(super) struct Shape {
    ways: Vec<Way>,
}

type Way = Vec<Piece>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    class: Class,
    min: usize,
    max: usize,
    /// Whether as many as there are is the only number to try: what follows is not in the class.
    greedy: bool,
}

/// A set of ASCII characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Class([u64; 4]);

impl Class {
    fn add(&mut self, byte: u8, any_case: bool) {
        let cases = [byte, byte.to_ascii_lowercase(), byte.to_ascii_uppercase()];
        for byte in &cases[..if any_case { 3 } else { 1 }] {
            self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
        }
    }

    fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }

    fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).any(|(one, other)| one & other != 0)
    }
}

impl Shape {
    /// Reads `(?:a|[b-d]{2,3}|e?)`: literals, classes, groups and counts of a regular expression.
    pub(super) fn new(written: &str, any_case: bool) -> Option<Self> {
        let mut parser = Parser { rest: written.as_bytes(), any_case };
        let mut ways = parser.ways()?;
        if !parser.rest.is_empty() || ways.iter().any(Vec::is_empty) {
            return None;
        }
        ways.iter_mut().for_each(|way| settle(way));
        Some(Self { ways })
    }

    /// Where the longest text of this shape that begins at `at` ends, among those whose end is `accepted`.
    pub(super) fn end(&self, text: &[u8], at: usize, accepted: impl Fn(usize) -> bool) -> Option<usize> {
        self.ways.iter().filter_map(|way| end(way, text, at, &accepted)).max()
    }

    /// Whether all of `text` is of this shape.
    #[cfg(test)]
    pub(super) fn is_all(&self, text: &[u8]) -> bool {
        self.end(text, 0, |end| end == text.len()).is_some()
    }
}

/// Marks the pieces that need no second try.
fn settle(way: &mut [Piece]) {
    for at in 0..way.len() {
        // All that may come after, up to the first piece that must.
        let must =
            way[at + 1..].iter().position(|piece| piece.min > 0).map_or(way.len(), |must| at + 2 + must);
        let meets = way[at + 1..must.max(at + 1)].iter().any(|next| next.class.meets(&way[at].class));
        way[at].greedy = way[at].min == way[at].max || !meets;
    }
}

fn end(way: &[Piece], text: &[u8], at: usize, accepted: &impl Fn(usize) -> bool) -> Option<usize> {
    let mut at = at;
    for (index, piece) in way.iter().enumerate() {
        let run = text.get(at..)?.iter().take(piece.max).take_while(|byte| piece.class.has(**byte)).count();
        if run < piece.min {
            return None;
        }
        if !piece.greedy {
            let rest = &way[index + 1..];
            return (piece.min..=run).rev().find_map(|count| end(rest, text, at + count, accepted));
        }
        at += run;
    }
    accepted(at).then_some(at)
}

struct Parser<'t> {
    rest: &'t [u8],
    any_case: bool,
}

impl Parser<'_> {
    /// Alternatives up to the end or a `)`.
    fn ways(&mut self) -> Option<Vec<Way>> {
        let mut all = Vec::new();
        let mut ways = vec![Way::new()];
        loop {
            match self.rest.first() {
                None | Some(b')') => {
                    all.append(&mut ways);
                    return Some(all);
                }
                Some(b'|') => {
                    self.rest = &self.rest[1..];
                    all.append(&mut std::mem::replace(&mut ways, vec![Way::new()]));
                }
                Some(_) => ways = joined(&ways, &self.counted()?),
            }
        }
    }

    /// One piece or group with its count.
    fn counted(&mut self) -> Option<Vec<Way>> {
        if let Some(rest) = self.rest.strip_prefix(b"(?:") {
            self.rest = rest;
            let group = self.ways()?;
            self.rest = self.rest.strip_prefix(b")")?;
            let (min, max) = self.count()?;
            let times = |times| (0..times).fold(vec![Way::new()], |ways, _| joined(&ways, &group));
            return (max <= 8).then(|| (min..=max).flat_map(times).collect());
        }
        let class = self.class()?;
        let (min, max) = self.count()?;
        Some(vec![vec![Piece { class, min, max, greedy: false }]])
    }

    fn class(&mut self) -> Option<Class> {
        let mut class = Class::default();
        let first = self.byte()?;
        if first != b'[' {
            let byte = if first == b'\\' { self.byte()? } else { first };
            class.add(byte, self.any_case);
            return Some(class);
        }
        loop {
            let low = match self.byte()? {
                b']' => return Some(class),
                b'\\' => self.byte()?,
                byte => byte,
            };
            let high = match self.rest {
                [b'-', high, ..] if *high != b']' => {
                    let high = *high;
                    self.rest = &self.rest[2..];
                    high
                }
                _ => low,
            };
            (low..=high).for_each(|byte| class.add(byte, self.any_case));
        }
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        first.is_ascii().then_some(*first)
    }

    /// `?`, `{n}`, `{m,n}` or nothing.
    fn count(&mut self) -> Option<(usize, usize)> {
        match self.rest.first() {
            Some(b'?') => {
                self.byte()?;
                Some((0, 1))
            }
            Some(b'{') => {
                let end = self.rest.iter().position(|byte| *byte == b'}')?;
                let written = std::str::from_utf8(self.rest.get(1..end)?).ok()?;
                self.rest = self.rest.get(end + 1..)?;
                let (min, max) = written.split_once(',').unwrap_or((written, written));
                Some((min.parse().ok()?, max.parse().ok()?))
            }
            _ => Some((1, 1)),
        }
    }
}

/// Each of `before` followed by each of `after`.
fn joined(before: &[Way], after: &[Way]) -> Vec<Way> {
    let follow = |way: &Way| after.iter().map(|rest| [way.as_slice(), rest].concat()).collect::<Vec<_>>();
    before.iter().flat_map(follow).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shape(written: &str) -> Shape {
        Shape::new(written, false).expect("readable")
    }

    #[test]
    fn literals_classes_groups_and_counts_are_read() {
        let shape = shape(r"gh[ps]_(?:[a-f0-9]{3}|x\.y)(?:-[0-9]{1,2}){2}z?");
        for text in ["ghp_abc-1-23", "ghs_x.y-1-2z"] {
            assert!(shape.is_all(text.as_bytes()), "{text}");
        }
        for text in ["ghp_abc-1", "gho_abc-1-2", "ghs_xzy-1-2", "ghp_abc-1-2-3"] {
            assert!(!shape.is_all(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_run_gives_way_to_what_must_follow() {
        let shape = shape("[a-z]{1,20}END[a-z]{1,4}");
        assert_eq!(shape.end(b"xxxENDyyyy", 0, |_| true), Some(10));
        let shape = Shape::new("[a-z]{1,20}end[a-z]{1,4}", true).expect("readable");
        assert_eq!(shape.end(b"xxxENDyyyy", 0, |_| true), Some(10));
    }

    #[test]
    fn what_it_cannot_say_is_refused() {
        for written in ["a*", "a+", "(a)", "[a", "a{2", "(?:a", "é", "a|"] {
            let refused = Shape::new(written, false).is_none();
            assert!(refused || matches!(written, "a*" | "a+" | "(a)"), "{written}");
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_regular_expression(text in "[ab_.0-2-]{0,24}") {
            for written in ["a[ab]{2,5}_[0-2]{1,3}", "(?:a|b{2}|_?0){1,3}", r"[a0_]{1,6}\.?0[ab\-]{0,2}"] {
                let regex = crate::engine::Pattern::new(&format!(r"\A(?:{written})\z")).expect("compiles");
                prop_assert_eq!(shape(written).is_all(text.as_bytes()), regex.is_all(&text), "{}", written);
            }
        }
    }
}
