use std::fmt::Write as _;

/// Lower-case hexadecimal. Writing into a `String` cannot fail, so its result is dropped.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
