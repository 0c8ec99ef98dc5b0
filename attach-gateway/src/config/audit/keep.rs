//! `audit.keep` and `audit.disk_alert`: how long the log is kept, and when its disk is too full.

use std::fmt::Write;
use std::time::Duration;

use attach_audit::retention::Keep;
use serde::Deserialize;

use crate::config::ConfigError;
use crate::config::units::{Size, Span};

/// Less is taken for a slip: it would delete yesterday.
const LEAST: Duration = Duration::from_secs(86_400);

/// `audit.keep` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(expecting = "a table like { age = \"400d\", size = \"200GiB\" }")]
pub(in crate::config) struct Table {
    age: Option<String>,
    size: Option<Size>,
}

pub(super) fn resolve(table: Option<&Table>) -> Result<Keep, ConfigError> {
    let Some(table) = table else { return Ok(Keep::default()) };
    let keep = match table.age.as_deref() {
        None => Keep::default(),
        Some("forever") => Keep::everything(),
        Some(age) => Keep::everything().age(span(age)?),
    };
    Ok(table.size.map_or(keep, |size| keep.size(size.0 as u64)))
}

fn span(text: &str) -> Result<Duration, ConfigError> {
    let wrong = |why: &str| ConfigError::new(format!("audit.keep.age: {why}"));
    let age = Span::parse(text).map_err(|why| wrong(&format!("{why}, or \"forever\"")))?.0;
    if age < LEAST { Err(wrong("less than a day; write it like \"400d\"")) } else { Ok(age) }
}

/// The share of the disk from which on there is an alert.
pub(super) fn disk_alert(percent: Option<u8>) -> Result<f64, ConfigError> {
    match percent.unwrap_or(80) {
        percent @ 1..=100 => Ok(f64::from(percent) / 100.0),
        _ => Err(ConfigError::new(
            "audit.disk_alert: write hundredths of the disk between 1 and 100, as in 80",
        )),
    }
}

pub(super) fn describe(out: &mut String, keep: &Keep, disk_alert: f64) {
    let age = keep.age.map_or("forever".to_owned(), |age| format!("{}d", age.as_secs() / 86_400));
    let size = keep.size.map_or(String::new(), |size| format!(", size {} MiB", size >> 20));
    let _ = writeln!(out, "audit.keep: age {age}{size}; disk_alert = {:.0}", disk_alert * 100.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Keep, ConfigError> {
        resolve(Some(&toml::from_str(text).expect("TOML")))
    }

    #[test]
    fn the_age_has_a_default_that_a_size_leaves_alone() {
        assert_eq!(resolve(None).expect("valid"), Keep::default());
        assert_eq!(parsed("size = \"1GiB\"").expect("valid"), Keep::default().size(1 << 30));
        let both = parsed("age = \"200d\"\nsize = \"1GiB\"").expect("valid");
        assert_eq!(both, Keep::everything().age(200 * LEAST).size(1 << 30));
        assert_eq!(parsed("age = \"forever\"").expect("valid"), Keep::everything());
    }

    #[test]
    fn nonsense_says_what_to_write() {
        for age in ["0d", "23h", "long"] {
            let refused = parsed(&format!("age = {age:?}")).expect_err("refused").to_string();
            assert!(
                refused.contains("audit.keep.age") && refused.contains("d\"") || refused.contains("forever"),
                "{refused}"
            );
        }
        let bare = toml::Value::from("400d").try_into::<Table>().expect_err("refused").to_string();
        assert!(bare.contains("age = \"400d\""), "{bare}");
        assert!(disk_alert(Some(0)).is_err() && disk_alert(Some(101)).is_err());
        assert!(disk_alert(None).is_ok_and(|share| (share - 0.8).abs() < 1e-9));
    }
}
