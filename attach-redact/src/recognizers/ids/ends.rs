//! Where an identifier ends.

/// A pattern that no letter, digit or underscore goes on before or after.
macro_rules! whole {
    ($($pattern:literal),+ $(,)?) => {
        concat!(r"(?<![A-Za-z0-9_])(?:", $($pattern,)+ r")(?![A-Za-z0-9_])")
    };
}

/// The same for numbers: nor digits behind a dot or a hyphen.
macro_rules! number {
    ($($pattern:literal),+ $(,)?) => {
        concat!(
            r"(?<![A-Za-z0-9_])(?<![0-9][.\-])(?:", $($pattern,)+ r")(?![A-Za-z0-9_])(?![.\-][0-9])"
        )
    };
}
