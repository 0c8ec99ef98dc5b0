use std::process::ExitCode;

use attach_audit::checkpoint::Signer;
use clap::Args;

use super::place::Node;
use super::trusted::trouble;
use crate::cli::{env, print};
use crate::trail::KEY;

#[derive(Debug, Args)]
pub(crate) struct Key {
    #[command(flatten)]
    node: Node,
}

impl Key {
    pub(super) fn run(&self) -> ExitCode {
        let path = match self.node.state(env) {
            Ok(state) => state.join(KEY),
            Err(error) => return trouble(&error),
        };
        match Signer::load(&path) {
            Ok(signer) => {
                print(&format!("{}\n", signer.verifier_key()));
                ExitCode::SUCCESS
            }
            Err(error) => trouble(&std::io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
        }
    }
}
