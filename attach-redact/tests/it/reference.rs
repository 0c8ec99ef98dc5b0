//! The entity reference of the book is that of the catalogue.

use std::collections::BTreeMap;

use attach_redact::{Detection, Entity};

/// The rows of the reference by entity: the placeholder's label, and the column that says whether it is looked for.
fn reference() -> BTreeMap<String, (String, String)> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/entities.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut rows = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [name, label, source, counts, check, default, misses] = cells[..] else {
            panic!("{} cells: {line}", cells.len())
        };
        assert!([source, counts, check, misses].iter().all(|cell| !cell.is_empty()), "{line}");
        let row = (label.trim_matches('`').to_owned(), default.to_owned());
        let twice = rows.insert(name.trim_matches('`').to_owned(), row);
        assert!(twice.is_none(), "twice: {line}");
    }
    rows
}

#[test]
fn the_reference_has_every_entity_and_no_other() {
    let listed: Vec<_> = reference().into_keys().collect();
    let mut known: Vec<_> = Entity::BUILT_IN.iter().map(|entity| entity.name().to_owned()).collect();
    known.sort();
    assert_eq!(listed, known);
}

#[test]
fn the_reference_says_what_placeholders_are_called_and_what_is_on() {
    let reference = reference();
    for entity in Entity::BUILT_IN {
        let (label, default) = &reference[entity.name()];
        assert_eq!(label, entity.label(), "{entity}");
        let says = if entity.detection() == Detection::On { "on; " } else { "on request; " };
        assert!(default.starts_with(says), "{entity}: {default}");
    }
}

/// The names of tests in the book's table of complaints.
#[test]
fn each_complaint_in_the_book_has_its_test() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/redaction.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, after) = page.split_once("## What goes wrong elsewhere").unwrap();
    let (table, _) = after.split_once("\n## ").unwrap();
    let named =
        table.lines().filter_map(|line| line.strip_suffix(" |")?.rsplit_once(" | ")?.1.strip_prefix('`'));
    let named: Vec<_> = named.flat_map(|cell| cell.trim_end_matches('`').split("`, `")).collect();
    assert!(named.len() >= 16, "{named:?}");
    let tests = include_str!("complaints.rs");
    for name in named {
        assert!(tests.contains(&format!("fn {name}()")), "{name}");
    }
}
