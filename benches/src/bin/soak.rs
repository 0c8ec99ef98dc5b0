//! Runs the gateway for a long time and compares what its clients saw with its audit log; `soak --help` says how.

use std::process::ExitCode;

use attach_benches::soak::{self, HELP, Plan};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let verdict = match Plan::parse(&arguments) {
        Ok(Some(plan)) => soak::run(&plan),
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => Err(error),
    };
    match verdict {
        Ok(verdict) => {
            println!("{verdict}");
            if verdict.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}
