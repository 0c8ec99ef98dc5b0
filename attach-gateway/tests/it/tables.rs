//! The pages that say which test shows what name tests that are there.

use std::path::Path;

/// The scenarios of faults that this product holds itself to.
const FAULTS: [&str; 32] = [
    "upstream-refused",
    "upstream-blackhole",
    "upstream-slow-ttft",
    "upstream-stall-midstream",
    "upstream-reset-midstream",
    "upstream-5xx-burst",
    "upstream-429",
    "upstream-garbage",
    "upstream-lies-usage",
    "client-abort",
    "client-slow-reader",
    "overload-2x",
    "conn-flood",
    "redis-down",
    "redis-slow",
    "redis-flush",
    "idp-down-warm",
    "idp-rotation",
    "revocation",
    "audit-disk-full",
    "audit-eio",
    "audit-slow",
    "siem-down",
    "kill-9",
    "power-cut",
    "sigterm-drain",
    "config-reload",
    "clock-step",
    "fd-exhaustion",
    "dns-fail",
    "panic",
    "memory",
];

/// The text of every Rust file below.
fn sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

/// A page of the documentation.
pub(crate) fn page(name: &str) -> String {
    std::fs::read_to_string(root().join("docs").join(name)).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The names of tests in the column `tests` of a page's tables.
fn named(page: &str) -> Vec<String> {
    let (mut column, mut names) = (None, Vec::new());
    for line in page.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let Some(place) = column.filter(|_| line.starts_with('|')) else {
            column = cells.iter().position(|cell| *cell == "tests");
            continue;
        };
        let cell = cells.get(place).copied().unwrap_or_default();
        names.extend(cell.split('`').skip(1).step_by(2).filter(|name| name.contains('_')).map(str::to_owned));
    }
    names
}

/// Every test that a page names is in the sources; how many there are.
pub(crate) fn named_tests_are_there(name: &str) -> usize {
    let mut text = String::new();
    for name in
        ["attach-core", "attach-auth", "attach-quota", "attach-redact", "attach-audit", "attach-gateway"]
    {
        sources(&root().join(name).join("src"), &mut text);
        sources(&root().join(name).join("tests"), &mut text);
    }
    let names = named(&page(name));
    for test in &names {
        assert!(text.contains(&format!("fn {test}(")), "{test} is not there");
    }
    names.len()
}

#[test]
fn every_fault_of_the_list_has_a_row_and_every_row_tests_that_are_there() {
    let page = page("faults.md");
    for fault in FAULTS {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{fault}` |")));
        let row = row.unwrap_or_else(|| panic!("{fault} is not in docs/faults.md"));
        let tests = named(&format!("| scenario | what is broken | what happens | tests | figure |\n{row}"));
        assert!(!tests.is_empty(), "{fault} names no test");
    }
    assert!(named_tests_are_there("faults.md") >= FAULTS.len());
}
