//! nginx as a plain reverse proxy: the peer everybody knows.

use std::io;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use crate::Result;
use crate::process::{Server, free_addr};
use crate::scratch::Scratch;

/// Starts nginx in front of `upstream`; `None` if it is not installed.
///
/// It does what it is for and nothing else: keep-alive on both sides, no access log, as many workers as processors.
///
/// # Errors
///
/// When it is installed and does not start.
pub fn start(upstream: SocketAddr) -> Result<Option<Server>> {
    let found = Command::new("nginx").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Ok(None);
    }
    let addr = free_addr()?;
    let files = Scratch::new("nginx")?;
    let dir = files.path().display().to_string();
    let path = files.write("nginx.conf", &config(addr, upstream, &dir))?;
    let command = || {
        let mut command = Command::new("nginx");
        command.arg("-p").arg(&dir).arg("-e").arg(format!("{dir}/error.log")).arg("-c").arg(&path);
        command
    };
    let mut stop = command();
    stop.args(["-s", "stop"]).stderr(Stdio::null());
    Server::start(command(), addr, files, Some(stop)).map(Some)
}

fn config(addr: SocketAddr, upstream: SocketAddr, dir: &str) -> String {
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("  {kind}_temp_path {dir}/{kind};\n"))
        .concat();
    format!(
        "daemon off;\nworker_processes auto;\npid {dir}/nginx.pid;\nerror_log {dir}/error.log;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\n{temporary}  access_log off;\n  keepalive_timeout 600s;\n  keepalive_requests 100000000;\n\
         \x20 tcp_nodelay on;\n\
         \x20 upstream model {{ server {upstream}; keepalive 256; keepalive_requests 100000000; }}\n\
         \x20 server {{\n    listen {addr};\n\
         \x20   location / {{\n      proxy_pass http://model;\n      proxy_http_version 1.1;\n\
         \x20     proxy_set_header Connection \"\";\n    }}\n  }}\n}}\n"
    )
}
