//! The command line.

use std::path::PathBuf;

use crate::Result;
use crate::rounds::Plan;
use crate::target::Shape;

/// What `load --help` prints.
pub const HELP: &str = "\
Compares Attach with nginx and with nothing, over loopback. Ends by itself.

  load [--gateway PATH] [--quick] [--only NAMES] [--shape plain|streamed]
       [--rounds N] [--calls N] [--connections N] [--rate PER_SECOND] [--seconds S]

  --gateway PATH   the gateway's binary; target/dist/attach-gateway unless given
  --quick          seconds instead of minutes: shows that everything works, measures nothing well
  --only NAMES     comma-separated: nginx, relaxed, strict, nothing, auth, quota, redact, audit, all
  --shape SHAPE    one shape of call only
";

/// What was asked for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// The gateway's binary.
    pub gateway: PathBuf,
    /// How much is measured.
    pub plan: Plan,
    /// The servers that are measured beside the mock itself; all if empty.
    pub only: Vec<String>,
    /// The shapes of call.
    pub shapes: Vec<Shape>,
}

impl Options {
    /// Reads the arguments; `None` means that help is wanted.
    ///
    /// # Errors
    ///
    /// When one of them makes no sense.
    pub fn parse(arguments: &[String]) -> Result<Option<Self>> {
        let mut options = Self {
            gateway: PathBuf::from("target/dist/attach-gateway"),
            plan: if arguments.iter().any(|one| one == "--quick") { Plan::quick() } else { Plan::usual() },
            only: Vec::new(),
            shapes: Shape::BOTH.to_vec(),
        };
        let mut arguments = arguments.iter();
        while let Some(name) = arguments.next() {
            if name == "--help" || name == "-h" {
                return Ok(None);
            }
            if name != "--quick" {
                let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
                options.set(name, value).map_err(|error| format!("{name} {value}: {error}"))?;
            }
        }
        Ok(Some(options))
    }

    /// Whether the server `name` is to be measured.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|one| one == name)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        match name {
            "--gateway" => self.gateway = value.into(),
            "--only" => self.only = value.split(',').map(str::to_owned).collect(),
            "--rounds" => self.plan.rounds = value.parse()?,
            "--calls" => self.plan.calls = value.parse()?,
            "--connections" => self.plan.connections = value.parse()?,
            "--rate" => self.plan.rate = value.parse()?,
            "--seconds" => self.plan.seconds = value.parse()?,
            "--shape" => {
                let shape = Shape::BOTH.into_iter().find(|shape| shape.as_str() == value);
                self.shapes = vec![shape.ok_or("plain or streamed")?];
            }
            _ => return Err("there is no such option; see --help".into()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Option<Options>> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_not_given_stays_as_it_is_wherever_quick_stands() {
        let options = parse("--rounds 3 --quick --only nginx,all").expect("is right").expect("no help");
        assert_eq!((options.plan.rounds, options.plan.calls), (3, Plan::quick().calls));
        assert!(options.wants("all") && !options.wants("auth"));
        assert!(parse("--help").expect("is right").is_none());
        assert!(parse("--round 3").is_err() && parse("--rounds").is_err() && parse("--rounds x").is_err());
    }
}
