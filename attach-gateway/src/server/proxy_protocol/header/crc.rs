/// CRC-32C (RFC 3720, appendix B.4) of the pieces, one after the other. Bit by bit: a header is short.
pub(super) fn crc32c<'d>(pieces: impl IntoIterator<Item = &'d [u8]>) -> u32 {
    const REVERSED: u32 = 0x82F6_3B78;
    let mut crc = u32::MAX;
    for byte in pieces.into_iter().flatten() {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let carry = crc & 1;
            crc >>= 1;
            if carry == 1 {
                crc ^= REVERSED;
            }
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_one_of_the_standards_examples() {
        assert_eq!(crc32c([&[0; 32][..]]), 0x8A91_36AA);
        assert_eq!(crc32c([&[0xff; 32][..]]), 0x62A8_AB43);
        let counted: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(counted.chunks(5)), 0x46DD_794E);
        assert_eq!(crc32c([&b"123456789"[..]]), 0xE306_9283);
    }
}
