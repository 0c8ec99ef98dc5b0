//! What the audit layers cost alone, in each mode; `audit --help` says how.

use std::process::ExitCode;

use attach_benches::audit::{HELP, Plan, run};

// What the gateway's binary uses as well.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = Plan::parse(&arguments).and_then(|plan| match plan {
        Some(plan) => run(&plan),
        None => {
            print!("{HELP}");
            Ok(())
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("audit: {error}");
            ExitCode::FAILURE
        }
    }
}
