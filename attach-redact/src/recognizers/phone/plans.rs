//! The numbering plans of countries (ITU-T E.164), as libphonenumber knows them.

use std::fmt;
use std::sync::OnceLock;

use rlibphonenumber::{PhoneNumber, PhoneNumberUtil, Region};

/// The plans that a number is held against.
pub(super) struct Plans {
    regions: Box<[Plan]>,
    util: &'static PhoneNumberUtil,
}

/// The plan of one region.
#[derive(Debug, Clone, Copy)]
struct Plan {
    region: Region,
    trunk: Trunk,
    country: Option<i32>,
}

/// What a number has in front when it is called from within its country.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trunk {
    Zero,
    /// 1, and no number begins with 0.
    One,
    /// None, or one that is often left out.
    Any,
}

/// The metadata takes tens of milliseconds to load and is the same for all.
static UTIL: OnceLock<Option<PhoneNumberUtil>> = OnceLock::new();

/// The region that a code of ISO 3166-1 stands for, if it has a numbering plan.
pub(crate) fn region(code: &str) -> Option<Region> {
    let util = UTIL.get_or_init(|| PhoneNumberUtil::new().ok()).as_ref()?;
    util.get_supported_regions().find(|region| *region.as_region_str() == *code.to_ascii_uppercase())
}

impl Plans {
    pub(super) fn new(regions: &[Region]) -> Result<Self, Box<str>> {
        let util = UTIL.get_or_init(|| PhoneNumberUtil::new().ok()).as_ref();
        let util = util.ok_or("the telephone numbering plans cannot be read")?;
        let plan = |region: &Region| {
            // The plans' patterns are compiled when they are first needed: not in somebody's request.
            let sample = util.parse("2015550123", Some(*region)).ok();
            let _ = sample.as_ref().map(|sample| std::hint::black_box(util.get_number_type(sample)));
            Plan {
                region: *region,
                trunk: Trunk::of(*region),
                country: sample.map(|sample| sample.country_code),
            }
        };
        Ok(Self { regions: regions.iter().map(plan).collect(), util })
    }

    /// Whether the plan of the country that `written` begins with has it; each look costs one of `may_check`.
    pub(super) fn has_international(&self, written: &str, mut may_check: impl FnMut() -> bool) -> bool {
        !may_check() || self.is_valid(international(written)) || self.is_valid_parsed(written, None)
    }

    /// Whether the plan of one of the regions has `written`.
    pub(super) fn has_national(&self, written: &str, mut may_check: impl FnMut() -> bool) -> bool {
        let zero = written.trim_start_matches('(').starts_with('0');
        self.regions.iter().filter(|plan| plan.trunk.may_be_of(zero)).any(|plan| {
            !may_check()
                || self.is_valid(plan.national(written))
                || self.is_valid_parsed(written, Some(plan.region))
        })
    }

    fn is_valid(&self, number: Option<PhoneNumber>) -> bool {
        number.is_some_and(|number| self.util.is_valid_number(&number))
    }

    /// As libphonenumber reads it, which takes several times as long: prefixes of carriers, leading zeros that count.
    fn is_valid_parsed(&self, written: &str, region: Option<Region>) -> bool {
        self.util.parse(written, region).is_ok_and(|number| self.util.is_valid_number(&number))
    }
}

impl Plan {
    /// The number as it is plainly read: the digits without the trunk prefix.
    fn national(&self, written: &str) -> Option<PhoneNumber> {
        let digits = digits(written);
        let subscriber = match self.trunk {
            Trunk::Zero => digits.strip_prefix('0')?,
            Trunk::One => {
                Some(digits.strip_prefix('1').unwrap_or(&digits)).filter(|rest| rest.len() == 10)?
            }
            Trunk::Any => return None,
        };
        number(self.country?, subscriber)
    }
}

/// `+`, the country's code, and the digits of its number as they are plainly read.
fn international(written: &str) -> Option<PhoneNumber> {
    let digits = digits(written.trim_start_matches('(').strip_prefix('+')?);
    let code = country_code(&digits)?;
    number(code.parse().ok()?, digits.strip_prefix(code)?)
}

/// The country's code that `digits` begin with: of one digit, of two, or else of three (ITU-T E.164, annex "List of
/// assigned country codes").
fn country_code(digits: &str) -> Option<&str> {
    let length = match digits.as_bytes() {
        [b'1' | b'7', ..] => 1,
        [b'2', b'0' | b'7', ..]
        | [b'3', b'0'..=b'4' | b'6' | b'9', ..]
        | [b'4', b'0' | b'1' | b'3'..=b'9', ..]
        | [b'5', b'1'..=b'8', ..]
        | [b'6', b'0'..=b'6', ..]
        | [b'8', b'1' | b'2' | b'4' | b'6', ..]
        | [b'9', b'0'..=b'5' | b'8', ..] => 2,
        _ => 3,
    };
    digits.get(..length)
}

/// A number without leading zeros: what those mean differs between countries.
fn number(country_code: i32, digits: &str) -> Option<PhoneNumber> {
    let national_number = digits.parse().ok().filter(|_| !digits.starts_with('0'))?;
    Some(PhoneNumber { country_code, national_number, ..PhoneNumber::default() })
}

fn digits(written: &str) -> String {
    written.chars().filter(char::is_ascii_digit).collect()
}

impl Trunk {
    /// ITU-T, "List of dialling procedures": where the trunk prefix is always written, and where it is 1.
    fn of(region: Region) -> Self {
        const ZERO: &[Region] = &[
            Region::GB,
            Region::DE,
            Region::FR,
            Region::AT,
            Region::CH,
            Region::NL,
            Region::BE,
            Region::SE,
            Region::FI,
            Region::IE,
            Region::AU,
            Region::NZ,
            Region::JP,
            Region::KR,
            Region::TH,
            Region::ID,
            Region::MY,
            Region::VN,
            Region::ZA,
            Region::NG,
            Region::KE,
            Region::IL,
            Region::RS,
            Region::HR,
            Region::SI,
            Region::SK,
            Region::BG,
            Region::RO,
            Region::UA,
            Region::TW,
        ];
        const ONE: &[Region] =
            &[Region::US, Region::CA, Region::PR, Region::DO, Region::JM, Region::TT, Region::BS, Region::BB];
        if ZERO.contains(&region) {
            Self::Zero
        } else if ONE.contains(&region) {
            Self::One
        } else {
            Self::Any
        }
    }

    /// Whether a national number that begins with a zero, or doesn't, can have it.
    fn may_be_of(self, zero: bool) -> bool {
        match self {
            Self::Zero => zero,
            Self::One => !zero,
            Self::Any => true,
        }
    }
}

impl fmt::Debug for Plans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plans").field("regions", &self.regions).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plainly_read_is_what_libphonenumber_reads() {
        let plans = Plans::new(&[Region::US, Region::GB, Region::DE, Region::FR]).expect("there are plans");
        for written in
            ["+49 30 901820", "(+44) 20 7946 0958", "+1 415-555-2671", "+352 26 12 34", "+7 495 123-45-67"]
        {
            let read = international(written).expect("is plain");
            assert_eq!(plans.util.parse(written, None).expect("is a number"), read, "{written}");
        }
        for (written, at) in [
            ("(415) 555-2671", 0),
            ("1 415 555 2671", 0),
            ("020 7946 0958", 1),
            ("030/901820", 2),
            ("01 42 68 53 00", 3),
        ] {
            let plan = plans.regions[at];
            let read = plan.national(written).expect("is plain");
            assert_eq!(plans.util.parse(written, Some(plan.region)).expect("is a number"), read, "{written}");
        }
        assert!(international("+39 02 1234 5678").is_none(), "Italy's zero counts");
    }
}
