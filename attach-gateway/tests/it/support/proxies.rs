//! Proxies that are not ours.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::tools::{found, installed, skip};

/// An installed proxy.
pub(crate) struct Proxy {
    program: PathBuf,
    /// Where what it is linked to is.
    libraries: PathBuf,
    module: PathBuf,
}

impl Proxy {
    /// `None`, with a line, where it is not installed.
    pub(crate) fn haproxy() -> Option<Self> {
        let root = installed("proxies").or_else(|| skip("HAProxy"))?;
        let libraries = std::fs::read_dir(root.join("usr/lib")).unwrap().map(|entry| entry.unwrap().path());
        let libraries = libraries.into_iter().find(|path| path.join("liblua5.3.so.0").exists()).unwrap();
        Some(Self { program: root.join("usr/sbin/haproxy"), libraries, module: PathBuf::new() })
    }

    /// nginx with the module for connections that are no HTTP; `None`, with a line, where one is not installed.
    pub(crate) fn nginx_stream() -> Option<Self> {
        let module = |path: PathBuf| path.join("usr/lib/nginx/modules/ngx_stream_module.so");
        let places = [installed("proxies").map(module), Some(module("/".into()))];
        let module = places.into_iter().flatten().find(|path| path.exists() && found("nginx"));
        let module = module.or_else(|| skip("nginx with its stream module"))?;
        Some(Self { program: "nginx".into(), libraries: PathBuf::new(), module })
    }

    /// To start it, quietly.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env("LD_LIBRARY_PATH", &self.libraries);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// What nginx has to load.
    pub(crate) fn module(&self) -> &Path {
        &self.module
    }
}
