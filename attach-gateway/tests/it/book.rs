//! The book holds together: what a page points to is there, and each page is in the index.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The pages of a folder and of those in it.
fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "md") {
            found.push(path);
        }
    }
}

/// A page without its pieces of code.
fn prose(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut code = false;
    let mut prose = Vec::new();
    for line in text.lines() {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        if !code && !fence {
            prose.push(line.to_owned());
        }
    }
    prose
}

/// Where the links of a line lead to.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
}

/// The headings of a page, by the names that links have for them.
fn anchors(path: &Path) -> BTreeSet<String> {
    let name = |line: &String| {
        let heading = line.strip_prefix('#')?.trim_start_matches('#').strip_prefix(' ')?.to_lowercase();
        let plain = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
        Some(heading.trim().chars().filter(plain).map(|c| if c == ' ' { '-' } else { c }).collect())
    };
    prose(path).iter().filter_map(name).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut all = vec![root().join("README.md"), root().join("CHANGELOG.md"), root().join("CONTRIBUTING.md")];
    pages(&root().join("docs"), &mut all);
    let (mut followed, mut dead) = (0, Vec::new());
    for page in &all {
        for line in prose(page) {
            for target in targets(&line).filter(|target| !target.contains(':') && !target.contains(' ')) {
                let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
                let path = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
                let there = path.exists() && (anchor.is_empty() || anchors(&path).contains(anchor));
                followed += 1;
                if !there {
                    dead.push(format!("{}: {target}", page.display()));
                }
            }
        }
    }
    assert!(followed > 300, "only {followed} links were found");
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn every_page_is_in_the_index_once() {
    let index = root().join("docs/README.md");
    let links = prose(&index);
    let links: Vec<&str> = links.iter().flat_map(|line| targets(line)).collect();
    for entry in std::fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        // The clients have an index of their own.
        let listed = if name == "clients" { "clients/README.md" } else { name.as_str() };
        let times = links.iter().filter(|link| **link == listed).count();
        assert!(times == 1 || name == "README.md", "{name} is there {times} times");
    }
}
