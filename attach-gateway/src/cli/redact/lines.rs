//! Lines of bounded length.

use std::io::{self, BufRead};

/// The longest line that is read, in bytes.
pub(super) const LONGEST: usize = 64 << 20;

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// A line, which is in the buffer without its end.
    Whole,
    /// A line that is too long; it was passed over.
    TooLong,
    /// Nothing is left.
    End,
}

/// Reads the next line into `line`.
pub(super) fn next(input: &mut impl BufRead, line: &mut Vec<u8>, longest: usize) -> io::Result<Line> {
    line.clear();
    let (mut some, mut too_long) = (false, false);
    loop {
        let bytes = match input.fill_buf() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if bytes.is_empty() && !some {
            return Ok(Line::End);
        }
        some = true;
        let end = memchr::memchr(b'\n', bytes);
        let length = end.unwrap_or(bytes.len());
        too_long |= line.len() + length > longest;
        if !too_long {
            line.extend_from_slice(bytes.get(..length).unwrap_or_default());
        }
        let last = end.is_some() || bytes.is_empty();
        input.consume(length + usize::from(end.is_some()));
        if last {
            return Ok(if too_long { Line::TooLong } else { Line::Whole });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_whatever_the_pieces_and_long_ones_are_passed_over() {
        for size in [1, 3, 100] {
            let mut input = io::BufReader::with_capacity(size, &b"ab\n\nabcdef\ncd"[..]);
            let mut line = Vec::new();
            let mut read = Vec::new();
            loop {
                let what = next(&mut input, &mut line, 4).expect("a slice can be read");
                if what == Line::End {
                    break;
                }
                let whole = what == Line::Whole;
                read.push(whole.then(|| String::from_utf8(line.clone()).expect("ASCII")));
            }
            let text = |text: &str| Some(text.to_owned());
            assert_eq!(read, [text("ab"), text(""), None, text("cd")], "{size}");
        }
    }
}
