//! Compares Attach with nginx and with nothing; `load --help` says how.

use std::path::Path;
use std::process::ExitCode;

use attach_benches::attach::{self, AuditMode};
use attach_benches::issuer::{Issuer, KEYS_PATH};
use attach_benches::layers::Variant;
use attach_benches::mock::Mock;
use attach_benches::options::{HELP, Options};
use attach_benches::target::Target;
use attach_benches::{Result, nginx, report, rounds, serve};

// What the gateway's binary uses as well.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.split_first() {
        Some((first, rest)) if first == serve::COMMAND => serve::main(rest),
        _ => Options::parse(&arguments).and_then(|options| match options {
            Some(options) => measure(&options),
            None => {
                print!("{HELP}");
                Ok(())
            }
        }),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> Result<()> {
    let issuer = Issuer::new()?;
    let mock = Mock::start([(KEYS_PATH, issuer.jwks())])?;
    let targets = targets(options, &issuer, mock)?;
    let plan = &options.plan;
    println!(
        "{} rounds; closed loop {} calls on {} connections, open loop {}/s for {} s; streamed calls: a fifth of both",
        plan.rounds, plan.calls, plan.connections, plan.rate, plan.seconds
    );
    println!("best round / median round; times in microseconds");
    let progress = |round: usize| eprintln!("round {} of {}", round + 1, plan.rounds);
    let results = rounds::run(&targets, &options.shapes, plan, progress)?;
    for &shape in &options.shapes {
        println!("\n{} calls\n{}", shape.as_str(), report::table(&targets, &results, shape));
    }
    println!("over a bare proxy\n{}", report::parts(&targets, &results, Variant::Nothing.as_str()));
    println!("{}", report::memory(&targets));
    match results.values().map(|figures| figures.failed).sum() {
        0_u64 => Ok(()),
        failed => Err(format!("{failed} calls failed: the figures above mean little").into()),
    }
}

fn targets(options: &Options, issuer: &Issuer, mock: Mock) -> Result<Vec<Target>> {
    let (upstream, token) = (mock.addr(), issuer.token("00u1bench")?);
    let mut targets = vec![Target::direct(upstream)];
    if options.wants("nginx") {
        match nginx::start(upstream)? {
            Some(server) => targets.push(Target::proxy("nginx", server, &token)),
            None => println!("nginx is not installed: no ratio to it"),
        }
    }
    for mode in [AuditMode::Relaxed, AuditMode::Strict] {
        if options.wants(mode.as_str()) {
            let server = attach::start(Path::new(&options.gateway), upstream, mode)?;
            targets.push(Target::proxy(format!("attach {}", mode.as_str()), server, &token));
        }
    }
    for variant in Variant::EVERY {
        if options.wants(variant.as_str()) {
            let server = serve::start(variant, upstream, &issuer.jwks())?;
            targets.push(Target::proxy(variant.as_str(), server, &token));
        }
    }
    Ok(targets)
}
