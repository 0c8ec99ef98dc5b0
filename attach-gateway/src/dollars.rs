//! Money as text: US dollars for what is counted in millionths.

/// To the millionth, `0.012345`, for programs.
pub(crate) fn exact(micro_usd: u64) -> String {
    format!("{}.{:06}", micro_usd / 1_000_000, micro_usd % 1_000_000)
}

/// As people write an amount of money: `500`, `12.50`, `0.000012`.
pub(crate) fn amount(micro_usd: u64) -> String {
    match shortest(micro_usd).split_once('.') {
        Some((whole, decimals)) => format!("{whole}.{decimals:0<2}"),
        None => shortest(micro_usd),
    }
}

/// Without needless zeros, `12.5`, as the configuration may have it.
pub(crate) fn shortest(micro_usd: u64) -> String {
    exact(micro_usd).trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_exactly_and_as_short_as_its_reader_wants() {
        for (micro_usd, all) in [
            (0, ["0.000000", "0", "0"]),
            (1, ["0.000001", "0.000001", "0.000001"]),
            (12_345_678, ["12.345678", "12.345678", "12.345678"]),
            (12_500_000, ["12.500000", "12.50", "12.5"]),
            (499_993_210, ["499.993210", "499.99321", "499.99321"]),
            (500_000_000, ["500.000000", "500", "500"]),
        ] {
            assert_eq!([exact(micro_usd), amount(micro_usd), shortest(micro_usd)], all);
        }
    }
}
