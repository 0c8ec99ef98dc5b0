//! Numbers as people write them, exactly: never by way of a binary fraction that is off by a little.

use toml::Value;

/// From here on a number without quotes, which TOML reads as a binary fraction, has too few digits left for millionths.
const TOO_LONG_WITHOUT_QUOTES: f64 = 1e9;

/// What `value` comes to in units of 10^-`places`: `2.5` with six places is 2,500,000.
///
/// A whole number, a decimal number, or either in quotes. A number without quotes is taken as its shortest decimal form,
/// which is what was written as long as it has no more than 15 digits.
pub(super) fn exactly(value: &Value, places: u32) -> Result<u64, String> {
    match value {
        Value::Integer(whole) => scaled(&whole.to_string(), places),
        Value::Float(float) if float.abs() < TOO_LONG_WITHOUT_QUOTES => scaled(&float.to_string(), places),
        Value::Float(float) => Err(format!("{float} is too large; a number this large goes in quotes")),
        Value::String(text) => scaled(text.trim(), places),
        other => Err(format!("{} is not a number", shown(other))),
    }
}

/// A value as it was written, nearly, for a message.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Datetime(time) => time.to_string(),
        Value::Array(_) => "a list".to_owned(),
        Value::Table(_) => "a table".to_owned(),
    }
}

/// As [`exactly`], of the digits themselves.
pub(crate) fn scaled(text: &str, places: u32) -> Result<u64, String> {
    if text.starts_with('-') {
        return Err(format!("{text} is less than nothing"));
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return Err(format!(
            "{text:?} is not a number such as {}",
            if places == 0 { "60000" } else { "12.5" }
        ));
    }
    let fraction = fraction.trim_end_matches('0');
    let missing = usize::try_from(places).unwrap_or(usize::MAX).checked_sub(fraction.len());
    let missing = missing.ok_or_else(|| match places {
        0 => format!("{text} is not a whole number"),
        _ => format!("{text} has more than {places} decimal places"),
    })?;
    let scaled = format!("{whole}{fraction}{}", "0".repeat(missing));
    scaled.parse().map_err(|_| format!("{text} is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(written: &str, places: u32) -> Result<u64, String> {
        let table: toml::Table = format!("it = {written}").parse().expect("TOML");
        exactly(&table["it"], places)
    }

    #[test]
    fn decimals_are_read_to_the_last_digit_with_quotes_and_without() {
        for (written, micro) in [
            ("2.5", 2_500_000),
            ("0.1", 100_000),
            ("0.3", 300_000),
            ("1.005", 1_005_000),
            ("0.000001", 1),
            ("15", 15_000_000),
            ("1e1", 10_000_000),
            ("1234567.123457", 1_234_567_123_457),
            ("\"9007199254.740993\"", 9_007_199_254_740_993),
            ("\" 0.50 \"", 500_000),
            ("0.50", 500_000),
            ("0", 0),
        ] {
            assert_eq!(read(written, 6), Ok(micro), "{written}");
        }
    }

    #[test]
    fn every_hundredth_is_exact() {
        for cents in 0..100_000_u64 {
            let written = format!("{}.{:02}", cents / 100, cents % 100);
            assert_eq!(exactly(&Value::Float(written.parse().expect("a float")), 6), Ok(cents * 10_000));
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for (written, places, said) in [
            ("-1", 6, "less than nothing"),
            ("-0.5", 6, "less than nothing"),
            ("0.0000001", 6, "more than 6 decimal places"),
            ("1.5", 0, "not a whole number"),
            ("inf", 6, "too large"),
            ("nan", 6, "too large"),
            ("1e300", 6, "too large"),
            ("\"99999999999999999999\"", 6, "too large"),
            ("\"1e6\"", 6, "not a number"),
            ("\"\"", 6, "not a number"),
            ("\".5\"", 6, "not a number"),
            ("\"5.\"", 6, "not a number"),
            ("\"+5\"", 6, "not a number"),
            ("true", 6, "not a number"),
            ("[1]", 6, "not a number"),
        ] {
            let error = read(written, places).expect_err(written);
            assert!(error.contains(said), "{written}: {error}");
        }
    }
}
