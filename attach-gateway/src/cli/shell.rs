//! `completions` and `man`: what shells and `man` read about the command line, made from the command line itself.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man as Page;

use super::print;
use crate::run::StartError;

/// Which shell.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell that is to complete.
    shell: Shell,
}

/// Where the manual goes.
#[derive(Debug, Args)]
pub(super) struct Man {
    /// Folder for the pages, one for each command, made if it is not there. Without it the first page is printed.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

impl Completions {
    /// Prints the script for `command`.
    ///
    /// # Errors
    ///
    /// Never: a closed pipe is the reader's decision.
    pub(super) fn run(&self, mut command: Command) -> Result<(), StartError> {
        let name = command.get_name().to_owned();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, name, &mut script);
        print(&mended(&String::from_utf8_lossy(&script)));
        Ok(())
    }
}

/// `clap_complete` 4.6 calls a program with a hyphen in its name by two names in its script for bash, which therefore
/// completes nothing below the first word.
fn mended(script: &str) -> String {
    script.replace("attach__subcmd__gateway", "attach__gateway")
}

impl Man {
    /// Prints the page of `command`, or writes its pages and those of all below it.
    ///
    /// # Errors
    ///
    /// When a page cannot be written.
    pub(super) fn run(&self, mut command: Command) -> Result<(), StartError> {
        let failed = |error| StartError::Io("manual page", error);
        command.build();
        match &self.out {
            None => print(&String::from_utf8_lossy(&page(&command).map_err(failed)?)),
            Some(folder) => {
                std::fs::create_dir_all(folder).map_err(failed)?;
                write(folder, &command).map_err(failed)?;
            }
        }
        Ok(())
    }
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let name = full_name(command);
    Page::new(command.clone().display_name(name)).render(&mut page)?;
    Ok(page)
}

/// `attach-gateway-audit-verify`: how `man` finds the page of a command below another.
fn full_name(command: &Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}

fn write(folder: &Path, command: &Command) -> io::Result<()> {
    std::fs::write(folder.join(format!("{}.1", full_name(command))), page(command)?)?;
    let below = command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help");
    below.into_iter().try_for_each(|below| write(folder, below))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn the_command_line_makes_sense() {
        Cli::command().debug_assert();
    }

    #[test]
    fn each_command_has_a_page_that_says_what_it_is_for() {
        let folder = std::env::temp_dir().join(format!("attach-man-{}", std::process::id()));
        Man { out: Some(folder.clone()) }.run(Cli::command()).expect("pages");
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect(name);
        assert!(read("attach-gateway.1").contains("Exit codes"));
        assert!(read("attach-gateway-audit-verify.1").contains("Verify audit logs"));
        assert!(read("attach-gateway-token.1").contains("valid token"));
        std::fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn every_shell_gets_a_script_that_knows_the_commands() {
        for shell in clap::ValueEnum::value_variants() {
            let mut script = Vec::new();
            let shell: Shell = *shell;
            clap_complete::generate(shell, &mut Cli::command(), "attach-gateway", &mut script);
            let script = String::from_utf8(script).expect("text");
            assert!(script.contains("healthcheck") && script.contains("completions"), "{shell}");
        }
    }
}
