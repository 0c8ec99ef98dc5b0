//! Version 1 (§2.1): a line of text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Malformed, Source, Step};

/// What the line begins with.
pub(super) const WORD: &[u8] = b"PROXY ";

/// How long it may be, its end included.
const LONGEST: usize = 107;

pub(super) fn parse(read: &[u8]) -> Result<Step, Malformed> {
    let Some(end) = read.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
        return more(read, 2);
    };
    match read.get(end..).unwrap_or_default() {
        b"\r" => more(read, 1),
        b"\r\n" if read.len() <= LONGEST => {
            let line = std::str::from_utf8(read.get(WORD.len()..end).unwrap_or_default());
            line.ok().and_then(source).map(Step::Done).ok_or(Malformed("the line says something else"))
        }
        _ => Err(Malformed("the line does not end as it should")),
    }
}

/// So many bytes are still to come, unless that is more than a line may have.
fn more(read: &[u8], bytes: usize) -> Result<Step, Malformed> {
    if read.len() + bytes > LONGEST {
        return Err(Malformed("the line is too long"));
    }
    Ok(Step::More(bytes))
}

/// What is said behind the first word. Of an unknown connection whatever follows is ignored.
fn source(line: &str) -> Option<Source> {
    let mut words = line.split(' ');
    let parse: fn(&str) -> Option<IpAddr> = match words.next()? {
        "UNKNOWN" => return Some(Source::Unnamed),
        "TCP4" => |text| text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        "TCP6" => |text| text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _ => return None,
    };
    let (client, _server) = (parse(words.next()?)?, parse(words.next()?)?);
    let (from, _to) = (port(words.next()?)?, port(words.next()?)?);
    words.next().is_none().then_some(Source::Client(SocketAddr::new(client, from)))
}

/// In decimal, without zeros before it.
fn port(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}
