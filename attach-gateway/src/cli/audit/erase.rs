use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::{complain, configuration, print, runtime};
use crate::state::StateDir;
use crate::trail;

#[derive(Debug, Args)]
pub(crate) struct Erase {
    /// Configuration file of the gateway, as it is started with.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The directory of the person, `actor.directory` in the log.
    #[arg(long, value_name = "NAME")]
    directory: String,
    /// The person, `actor.uid` in the log.
    #[arg(long, value_name = "ID")]
    user: String,
}

/// Nobody is known by that name here, which may well be a mistyped one.
#[derive(Debug)]
struct Nothing(String);

impl fmt::Display for Nothing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing was erased: {}", self.0)
    }
}

impl std::error::Error for Nothing {}

impl Erase {
    pub(super) fn run(&self) -> ExitCode {
        match self.erase() {
            Ok(true) => {
                print("erased: nobody can read what was sealed of theirs on this node\n");
                ExitCode::SUCCESS
            }
            Ok(false) => {
                let Self { user, directory, .. } = self;
                complain(&Nothing(format!("this node has no key of {user:?} in directory {directory:?}")));
                ExitCode::FAILURE
            }
            Err(error) => {
                complain(&*error);
                ExitCode::from(2)
            }
        }
    }

    fn erase(&self) -> Result<bool, Box<dyn std::error::Error>> {
        let config = configuration(self.config.as_deref(), |name| std::env::var(name).ok())?;
        let state = StateDir::open(config.state_dir.as_deref()).map_err(|error| {
            let running = error.kind() == std::io::ErrorKind::ResourceBusy;
            let more =
                if running { ": while it runs, DELETE /admin/v1/content of its admin listener" } else { "" };
            format!("{error}{more}")
        })?;
        let trail::Trail { audit, .. } = trail::open(&config, &state, &trail::Node::of(&config, &state)?)?;
        let erased = runtime()?.block_on(async {
            let erased = audit.erase_content("attach-gateway audit erase", &self.directory, &self.user).await;
            audit.close().await;
            erased
        });
        Ok(erased?)
    }
}
