use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use openidconnect::url::Url;

/// A program that opens addresses in the person's browser.
#[derive(Debug)]
pub(super) struct Browser(PathBuf);

/// The platform's opener, if there is one and a screen to open on.
pub(super) fn find() -> Option<Browser> {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let (program, screen) = if cfg!(target_os = "macos") {
        ("open", !set("SSH_CONNECTION"))
    } else {
        ("xdg-open", set("DISPLAY") || set("WAYLAND_DISPLAY"))
    };
    let path = std::env::var_os("PATH")?;
    screen.then(|| on_path(program, &path)).flatten()
}

fn on_path(program: &str, path: &OsStr) -> Option<Browser> {
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .map(Browser)
}

impl Browser {
    /// Opens `url`; whether that could be tried. An [`Url`] never looks like an option: it begins with its scheme.
    pub(super) fn open(&self, url: &Url) -> bool {
        let mut command = Command::new(&self.0);
        command.arg(url.as_str()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().is_ok()
    }
}
