use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::{complain, print};

#[derive(Debug, Args)]
pub(crate) struct Keygen {
    /// Where the private key goes; the file must not exist. Keep it where no gateway can read it.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

impl Keygen {
    pub(super) fn run(&self) -> ExitCode {
        let (public, private) = attach_audit::content::keygen();
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&self.output).and_then(|mut file| {
            file.write_all(private.as_bytes())?;
            file.sync_all()
        });
        if let Err(error) = written {
            let why = format!("{}: {error}", self.output.display());
            complain(&std::io::Error::new(error.kind(), why));
            return ExitCode::from(2);
        }
        print(&format!("{public}\n"));
        ExitCode::SUCCESS
    }
}
