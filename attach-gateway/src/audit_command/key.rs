use std::path::PathBuf;
use std::process::ExitCode;

use attach_audit::checkpoint::Signer;
use clap::Args;

use super::trusted::trouble;
use crate::cli::{configuration, print};
use crate::state::StateDir;
use crate::trail::KEY;

#[derive(Debug, Args)]
pub(crate) struct Key {
    /// Configuration file, for the state directory; else ATTACH_STATE_DIR, else where the gateway puts it by itself.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Key {
    pub(super) fn run(&self) -> ExitCode {
        let env = |name: &str| std::env::var(name).ok();
        let configured = match &self.config {
            Some(file) => match configuration(Some(file), env) {
                Ok(config) => config.state_dir,
                Err(error) => return trouble(&error),
            },
            None => env("ATTACH_STATE_DIR").map(PathBuf::from),
        };
        let path = StateDir::place(configured.as_deref()).join(KEY);
        match Signer::load(&path) {
            Ok(signer) => {
                print(&format!("{}\n", signer.verifier_key()));
                ExitCode::SUCCESS
            }
            Err(error) => trouble(&std::io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
        }
    }
}
