//! What happened: both audit layers around a service, a log on disk, its verification, and what a change looks like.
//!
//! ```sh
//! cargo run -p attach-examples --example audit_log
//! ```
//!
//! Makes three requests, prints the records and the report, then changes one byte of one record and verifies again.

use std::convert::Infallible;
use std::error::Error;
use std::path::Path;

use attach_audit::log::Options;
use attach_audit::verify::verify;
use attach_audit::{Audit, Log, Mode};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{ServiceBuilder, ServiceExt, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let folder = std::env::temp_dir().join(format!("attach-audit-example-{}", std::process::id()));
    let audit =
        Audit::new(Log::open(&folder, Options::new("node-1"))?).mode(Mode::Strict).exempt(["/healthz"]);

    let service = ServiceBuilder::new()
        .layer(audit.layer())
        // Layers that identify, decide, count and redact stand here; what they say is in the records.
        .layer(audit.intent_layer())
        .service(service_fn(async |_: Request<Full<Bytes>>| {
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"hello"))))
        }));
    for path in ["/a", "/b", "/healthz"] {
        let answer = service.clone().oneshot(Request::get(path).body(Full::default())?).await?;
        // The last byte of an answer leaves when its record is durable, so the answer has to be read.
        answer.into_body().collect().await?;
    }
    audit.close().await;

    let segment = segment(&folder)?;
    let log = std::fs::read_to_string(&segment)?;
    for line in log.lines() {
        let record: serde_json::Value = serde_json::from_str(line)?;
        println!("{:>3} {:<8} {}", record["seq"], record["kind"].as_str().unwrap_or(""), record["route"]);
    }
    println!("\n{}\n", verify(&folder)?);

    std::fs::write(&segment, log.replacen("/a", "/x", 1))?;
    match verify(&folder) {
        Ok(_) => println!("the change was not found"),
        Err(error) => println!("after changing one byte: {error}"),
    }
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

fn segment(folder: &Path) -> Result<std::path::PathBuf, Box<dyn Error + Send + Sync>> {
    let files = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let mut paths = files.into_iter().map(|file| file.path());
    Ok(paths.find(|path| path.extension().is_some_and(|kind| kind == "jsonl")).ok_or("no segment")?)
}
