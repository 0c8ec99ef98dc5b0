use std::path::PathBuf;
use std::time::Duration;

use crate::Result;

/// What `soak --help` prints.
pub const HELP: &str = "\
Runs the gateway under a steady load and compares what its clients saw with its audit log. Ends with 0 if nothing is
lost, doubled or left open, the chain verifies, and memory stays within 10 % of its five-minute value.

  soak [--minutes M] [--rate PER_SECOND] [--gateway PATH] [--with FILE] [--keep DIR]

  --minutes M      how long, up to 55; 30 unless given. Below 6 the value that memory is compared with is that
                   after a third of the time.
  --rate N         calls a second, 300 unless given
  --gateway PATH   the gateway's binary; target/release/attach-gateway unless given
  --with FILE      TOML that is put behind the configuration, for whatever else is to be on
  --keep DIR       the state directory, kept; a temporary one unless given
";

/// What is run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Plan {
    /// The gateway's binary.
    pub gateway: PathBuf,
    /// How long.
    pub time: Duration,
    /// Calls a second.
    pub rate: f64,
    /// More configuration.
    pub with: Option<PathBuf>,
    /// Where the state is kept.
    pub keep: Option<PathBuf>,
}

impl Plan {
    /// Reads the arguments; `None` means that help is wanted.
    ///
    /// # Errors
    ///
    /// When one of them makes no sense.
    pub fn parse(arguments: &[String]) -> Result<Option<Self>> {
        let mut plan = Self {
            gateway: PathBuf::from("target/release/attach-gateway"),
            time: Duration::from_secs(30 * 60),
            rate: 300.0,
            with: None,
            keep: None,
        };
        let mut arguments = arguments.iter();
        while let Some(name) = arguments.next() {
            if name == "--help" || name == "-h" {
                return Ok(None);
            }
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--minutes" => plan.time = minutes(value.parse()?)?,
                "--rate" => plan.rate = rate(value.parse()?)?,
                "--gateway" => plan.gateway = value.into(),
                "--with" => plan.with = Some(value.into()),
                "--keep" => plan.keep = Some(value.into()),
                _ => return Err(format!("there is no {name}; see --help").into()),
            }
        }
        Ok(Some(plan))
    }
}

/// A token lasts an hour.
fn minutes(minutes: f64) -> Result<Duration> {
    if (0.05..=55.0).contains(&minutes) {
        Ok(Duration::from_secs_f64(minutes * 60.0))
    } else {
        Err("--minutes is from 0.05 to 55".into())
    }
}

fn rate(rate: f64) -> Result<f64> {
    if (1.0..=100_000.0).contains(&rate) { Ok(rate) } else { Err("--rate is from 1 to 100000".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Option<Plan>> {
        Plan::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let plan = parse("--minutes 0.5 --rate 20").expect("is right").expect("no help");
        assert_eq!((plan.time, plan.rate), (Duration::from_secs(30), 20.0));
        assert!(parse("--help").expect("is right").is_none());
        for wrong in ["--minutes 60", "--rate 0", "--rate", "--speed 3", "--rate NaN"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
