use std::path::PathBuf;
use std::time::Duration;

use crate::Result;

/// What `audit --help` prints.
pub const HELP: &str = "\
Measures the two audit layers around a service that takes a few milliseconds, in each mode and with 1, 64 and 256
requests in flight, against the same service without them. The log is real, so is the disk.

  audit [--dir DIR] [--work MS] [--seconds S]

  --dir DIR      where the logs are written: a directory on the disk that is measured; the platform's place for
                 temporary files unless given, which may be in memory
  --work MS      how long the service takes, 5 unless given
  --seconds S    for each row, 3 unless given
";

/// What is measured.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Plan {
    /// Where the logs are written.
    pub dir: Option<PathBuf>,
    /// How long the service takes.
    pub work: Duration,
    /// For each row.
    pub time: Duration,
}

impl Plan {
    /// Reads the arguments; `None` means that help is wanted.
    ///
    /// # Errors
    ///
    /// When one of them makes no sense.
    pub fn parse(arguments: &[String]) -> Result<Option<Self>> {
        let mut plan = Self { dir: None, work: Duration::from_millis(5), time: Duration::from_secs(3) };
        let mut arguments = arguments.iter();
        while let Some(name) = arguments.next() {
            if name == "--help" || name == "-h" {
                return Ok(None);
            }
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--dir" => plan.dir = Some(value.into()),
                "--work" => plan.work = Duration::try_from_secs_f64(value.parse::<f64>()? / 1e3)?,
                "--seconds" => plan.time = Duration::try_from_secs_f64(value.parse()?)?,
                _ => return Err(format!("there is no {name}; see --help").into()),
            }
        }
        Ok(Some(plan))
    }
}
