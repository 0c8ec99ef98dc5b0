use std::net::SocketAddr;

use proptest::prelude::*;

use super::header::{LONGEST, Malformed, Source, Step, parse};

/// What version 2 begins with.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Reads as the server does: never more than was asked for.
fn read(mut bytes: &[u8], most: usize) -> Result<(Source, usize), Malformed> {
    let (mut read, whole) = (Vec::new(), bytes.len());
    loop {
        let missing = match parse(&read)? {
            Step::Done(source) => return Ok((source, read.len())),
            Step::More(missing) => missing,
        };
        assert!(missing > 0 && read.len() + missing <= LONGEST);
        let (now, later) = bytes.split_at(missing.min(most).min(bytes.len()));
        assert!(!now.is_empty(), "of {whole} bytes all are read, and it wants more");
        read.extend_from_slice(now);
        bytes = later;
    }
}

fn client(address: &str) -> Source {
    Source::Client(address.parse().unwrap())
}

/// Version 2 with this command, family, and what follows.
fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[command, family], &length, rest].concat()
}

const FOUR: [u8; 12] = [192, 0, 2, 7, 198, 51, 100, 1, 0xDC, 0x04, 0x01, 0xBB];

#[test]
fn the_specifications_own_line_is_read() {
    let line = b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\nGET / HTTP/1.1\r\n";
    assert_eq!(read(line, 9), Ok((client("192.168.0.1:56324"), 47)));
    let line = b"PROXY TCP6 2001:db8::7 ::1 0 65535\r\n";
    assert_eq!(read(line, 100), Ok((client("[2001:db8::7]:0"), line.len())));
}

#[test]
fn the_longest_lines_are_read_and_no_longer_one() {
    let six = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    for (kind, length) in [("TCP6", 104), ("UNKNOWN", 107)] {
        let line = format!("PROXY {kind} {six} {six} 65535 65535\r\n");
        assert_eq!(line.len(), length);
        assert_eq!(read(line.as_bytes(), 107).map(|(_, read)| read), Ok(length));
    }
    let long = format!("PROXY UNKNOWN {six} {six} 65535 655350\r\n");
    assert!(read(long.as_bytes(), 200).is_err());
    assert!(read(&[&b"PROXY UNKNOWN "[..], &[b' '; 5000]].concat(), 1).is_err());
}

#[test]
fn an_unknown_client_is_nobody() {
    for line in [&b"PROXY UNKNOWN\r\n"[..], b"PROXY UNKNOWN \xc3\xa9 whatever\r\n"] {
        assert_eq!(read(line, 1), Ok((Source::Unnamed, line.len())));
    }
}

#[test]
fn a_line_that_is_not_exact_is_none() {
    for line in [
        "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
        "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
        "PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n",
        "PROXY TCP4 ::1 ::2 1 2\r\n",
        "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP6 fe80::1%eth0 ::2 1 2\r\n",
        "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY UNKNOWN\n",
        "PROXY UNKNOWN\rx\r\n",
        "PROXY\tUNKNOWN\r\n",
        "GET / HTTP/1.1\r\n",
        "\r\n\r\n\0\r\nQUIT\r\n",
    ] {
        assert!(read(line.as_bytes(), 200).is_err(), "{line:?}");
    }
}

#[test]
fn what_begins_with_something_else_is_known_by_its_first_byte() {
    assert!(parse(b"").is_ok());
    for first in 0..=255 {
        assert_eq!(parse(&[first]).is_ok(), matches!(first, b'P' | b'\r'), "{first}");
    }
    assert!(parse(b"PRI").is_err(), "HTTP/2's own beginning");
    assert!(parse(&[0x16, 3, 1]).is_err(), "a TLS handshake");
}

#[test]
fn addresses_in_bytes_are_read() {
    assert_eq!(read(&binary(0x21, 0x11, &FOUR), 5), Ok((client("192.0.2.7:56324"), 28)));
    let six = [&[0x20, 1, 0x0d, 0xb8][..], &[0; 11], &[7], &[0; 16], &[0x1F, 0x90, 0, 80]].concat();
    assert_eq!(read(&binary(0x21, 0x21, &six), 5), Ok((client("[2001:db8::7]:8080"), 52)));
}

#[test]
fn a_proxys_own_connection_is_nobodys_whatever_else_it_says() {
    for (family, rest) in [(0, &[][..]), (0x11, &FOUR), (0xff, &[1, 2, 3])] {
        let header = binary(0x20, family, rest);
        assert_eq!(read(&header, 99), Ok((Source::Unnamed, header.len())));
    }
}

#[test]
fn what_is_no_stream_over_ip_is_nobodys() {
    for (family, length) in [(0, 0), (0, 7), (0x12, 12), (0x22, 36), (0x31, 216), (0x32, 216)] {
        let header = binary(0x21, family, &vec![1; length]);
        assert_eq!(read(&header, 99), Ok((Source::Unnamed, header.len())), "{family:#x}");
    }
}

#[test]
fn bytes_that_are_not_exact_are_none() {
    for (command, family) in
        [(0x22, 0x11), (0x11, 0x11), (0x31, 0x11), (0x2f, 0), (0x21, 0x10), (0x21, 0x13), (0x21, 0x41)]
    {
        assert!(read(&binary(command, family, &FOUR), 99).is_err(), "{command:#x} {family:#x}");
    }
    assert!(read(&binary(0x21, 0x11, &FOUR[..11]), 99).is_err());
    assert!(read(&binary(0x21, 0x21, &FOUR), 99).is_err());
    assert!(read(&binary(0x21, 0x31, &FOUR), 99).is_err());
    for behind in [&[4][..], &[4, 0], &[4, 0, 1], &[4, 0, 0, 5], &[4, 0xff, 0xff, 1]] {
        assert!(read(&binary(0x21, 0x11, &[&FOUR, behind].concat()), 99).is_err(), "{behind:?}");
    }
}

#[test]
fn what_a_proxy_knows_besides_is_skipped() {
    let behind = [&[4, 0, 3, 1, 2, 3][..], &[0xEA, 0, 2, 1, 0x78], &[4, 0, 0]].concat();
    let header = binary(0x21, 0x11, &[&FOUR[..], &behind].concat());
    assert_eq!(read(&header, 99), Ok((client("192.0.2.7:56324"), header.len())));
}

#[test]
fn a_header_is_never_longer_than_is_read() {
    let room = LONGEST - 16 - 12 - 3;
    for (more, taken) in [(0, true), (1, false)] {
        let length = u16::try_from(room + more).unwrap().to_be_bytes();
        let rest = [&FOUR[..], &[4, length[0], length[1]], &vec![0; room + more]].concat();
        assert_eq!(read(&binary(0x21, 0x11, &rest), LONGEST).is_ok(), taken);
    }
    assert!(parse(&binary(0x20, 0, &[0; 60_000])[..16]).is_err(), "known before it is sent");
}

#[test]
fn a_checksum_has_to_be_right() {
    let with = |checksum: u32| {
        let rest = [&FOUR[..], &[3, 0, 4], &checksum.to_be_bytes(), &[4, 0, 1, 9]].concat();
        binary(0x21, 0x11, &rest)
    };
    // Worked out by another program.
    let right = 0xD203_D679;
    assert_eq!(read(&with(right), 99).map(|(source, _)| source), Ok(client("192.0.2.7:56324")));
    assert!(read(&with(right ^ 1), 99).is_err());
    let mut other = with(right);
    other[16] ^= 1;
    assert!(read(&other, 99).is_err(), "another address");
    let short = binary(0x21, 0x11, &[&FOUR[..], &[3, 0, 3, 0, 0, 0]].concat());
    assert!(read(&short, 99).is_err());
}

proptest! {
    #[test]
    fn however_it_is_cut_into_pieces_it_says_the_same(four: bool, ip: u128, port: u16, most in 1_usize..40, tail: Vec<u8>) {
        let ip: std::net::IpAddr = if four {
            std::net::Ipv4Addr::from_bits((ip >> 96) as u32).into()
        } else {
            std::net::Ipv6Addr::from_bits(ip).into()
        };
        let address = SocketAddr::new(ip, port);
        let line = format!("PROXY TCP{} {ip} {ip} {port} 443\r\n", if four { 4 } else { 6 });
        let bytes = match ip {
            std::net::IpAddr::V4(ip) => [ip.octets(), ip.octets()].concat(),
            std::net::IpAddr::V6(ip) => [ip.octets(), ip.octets()].concat(),
        };
        let bytes = [&bytes[..], &port.to_be_bytes(), &[1, 0xBB]].concat();
        for header in [line.into_bytes(), binary(0x21, if four { 0x11 } else { 0x21 }, &bytes)] {
            let length = header.len();
            let sent = [header, tail.clone()].concat();
            prop_assert_eq!(read(&sent, most), Ok((Source::Client(address), length)));
        }
    }

    #[test]
    fn whatever_is_sent_is_refused_or_read(begin in 0_usize..3, rest in proptest::collection::vec(any::<u8>(), 0..300)) {
        let begin: &[u8] = [&b""[..], b"PROXY ", SIGNATURE][begin];
        let sent = [begin, &rest, &[0; LONGEST]].concat();
        let (whole, single) = (read(&sent, LONGEST), read(&sent, 1));
        prop_assert_eq!(whole, single);
    }
}
