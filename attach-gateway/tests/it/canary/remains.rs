use std::path::Path;

/// What a run has left behind, by the name of where it is.
#[derive(Default)]
pub(super) struct Remains(pub(super) Vec<(String, Vec<u8>)>);

impl Remains {
    pub(super) fn add(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push((name.into(), bytes.into()));
    }

    pub(super) fn add_folder(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.add_folder(&path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                self.add(path.display().to_string(), bytes);
            }
        }
    }

    /// What is encoded in content files, decoded.
    pub(super) fn decode(&mut self) {
        use base64::Engine as _;
        let stored = self.0.iter().filter(|(name, _)| name.contains("/content-"));
        let mut decoded = Vec::new();
        for (name, bytes) in stored {
            for word in bytes.split(|byte| *byte == b'"') {
                let text = base64::engine::general_purpose::STANDARD.decode(word);
                decoded.extend(text.ok().map(|text| (format!("{name}, decoded"), text)));
            }
        }
        self.0.append(&mut decoded);
    }

    /// Everywhere that one of `values` stands, with what stands before it.
    pub(super) fn leaks(&self, values: &[String]) -> Vec<String> {
        let mut leaks = Vec::new();
        for (name, bytes) in &self.0 {
            let text = String::from_utf8_lossy(bytes);
            for value in values {
                let before = |at: usize| text[..at].chars().rev().take(300).collect::<Vec<_>>();
                leaks.extend(text.find(value.as_str()).map(|at| {
                    format!("{name}: {value:?} after …{}", before(at).into_iter().rev().collect::<String>())
                }));
            }
        }
        leaks
    }
}
