//! For any document: we read what `serde_json` reads, and a splice changes what it names.

use attach_core::json::{Document, Edit, JsonErrorKind, Kind, NodeId, SpliceError, Value, escape_into};
use proptest::prelude::*;
use serde_json::Value as Tree;

use super::{parse, try_parse};

/// A tree whose keys have no control characters, and no number that needs rounding.
fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::from),
        any::<i64>().prop_map(Tree::from),
        any::<u64>().prop_map(Tree::from),
        (-1e6..1e6).prop_map(|number: f64| Tree::from(number.trunc() / 64.0)),
        any::<String>().prop_map(Tree::from),
        "[ -~]{0,40}".prop_map(Tree::from),
    ];
    leaf.prop_recursive(5, 96, 12, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..12).prop_map(Tree::from),
            proptest::collection::vec(("\\PC{0,6}", inner), 0..24).prop_map(|members| {
                let clean = |key: &String| !key.chars().any(char::is_control);
                Tree::Object(members.into_iter().filter(|(key, _)| clean(key)).collect())
            }),
        ]
    })
}

/// Spells a tree in one of many ways: white space and escapes by the bits of `style`.
struct Speller {
    style: u64,
    out: String,
}

impl Speller {
    fn spell(tree: &Tree, style: u64) -> String {
        let mut speller = Self { style, out: String::new() };
        speller.value(tree);
        speller.out
    }

    fn bit(&mut self) -> bool {
        self.style = self.style.rotate_left(7).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.style >> 61 == 0
    }

    fn space(&mut self) {
        while self.bit() {
            self.out.push([' ', '\n', '\t', '\r'][(self.style % 4) as usize]);
        }
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            if c < ' ' || c == '"' || c == '\\' || self.bit() {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    self.out.push_str(&format!("\\u{unit:04X}"));
                }
            } else {
                self.out.push(c);
            }
        }
        self.out.push('"');
    }

    fn value(&mut self, tree: &Tree) {
        self.space();
        match tree {
            Tree::String(text) => self.string(text),
            Tree::Array(elements) => {
                self.out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        self.out.push(',');
                    }
                    self.value(element);
                }
                self.out.push(']');
            }
            Tree::Object(members) => {
                self.out.push('{');
                for (index, (key, member)) in members.iter().enumerate() {
                    if index > 0 {
                        self.out.push(',');
                    }
                    self.space();
                    self.string(key);
                    self.space();
                    self.out.push(':');
                    self.value(member);
                }
                self.space();
                self.out.push('}');
            }
            scalar => self.out.push_str(&scalar.to_string()),
        }
        self.space();
    }
}

/// Our view as a tree of `serde_json`'s, without its parser.
fn to_tree(value: Value<'_>) -> Tree {
    match value.kind() {
        Kind::Null => Tree::Null,
        Kind::Bool => Tree::from(value.as_bool().expect("a boolean")),
        Kind::Number => match (value.as_u64(), value.as_i64()) {
            // Serde reads -0 as a double.
            (_, Some(0)) if value.raw().starts_with(b"-") => Tree::from(-0.0),
            (Some(number), _) => Tree::from(number),
            (None, Some(number)) => Tree::from(number),
            (None, None) => Tree::from(value.as_f64().expect("a number")),
        },
        Kind::String => Tree::from(value.as_str().expect("a string").into_owned()),
        Kind::Array => value.elements().map(to_tree).collect(),
        Kind::Object => {
            Tree::Object(value.members().map(|(key, member)| (key.into_owned(), to_tree(member))).collect())
        }
    }
}

/// Whether two trees are equal, but for the last bit of a double: serde's quick parser is not exact.
fn alike(ours: &Tree, theirs: &Tree) -> bool {
    match (ours, theirs) {
        (Tree::Number(a), Tree::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap_or_default(), b.as_f64().unwrap_or_default());
            a == b || (a - b).abs() <= a.abs() * 1e-15 + f64::MIN_POSITIVE
        }
        (Tree::Array(a), Tree::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        (Tree::Object(a), Tree::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| alike(a, b)))
        }
        (a, b) => a == b,
    }
}

/// Every node with the JSON pointer (RFC 6901) to it.
fn pointers(value: Value<'_>, pointer: &str, out: &mut Vec<(NodeId, String)>) {
    out.push((value.id(), pointer.to_owned()));
    for (index, element) in value.elements().enumerate() {
        pointers(element, &format!("{pointer}/{index}"), out);
    }
    for (key, member) in value.members() {
        pointers(member, &format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")), out);
    }
}

/// A document is what its bytes say, also when it was not parsed from them.
fn assert_same_as_reparsed(document: &Document) -> Result<(), TestCaseError> {
    let again = try_parse(document.bytes()).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let facts = |value: Value<'_>| {
        let parent = value.parent().map(Value::id);
        (
            value.id(),
            value.span(),
            value.kind(),
            value.raw_key().map(<[u8]>::to_vec),
            parent,
            value.as_str().map(String::from),
        )
    };
    let all = |document: &Document| {
        let root = document.root();
        std::iter::once(root).chain(root.descendants()).map(facts).collect::<Vec<_>>()
    };
    prop_assert_eq!(all(document), all(&again));
    Ok(())
}

/// Refused although `serde_json` accepts: only what the parsers of this world disagree on.
fn is_stricter_than_serde(kind: JsonErrorKind) -> bool {
    use JsonErrorKind::*;
    matches!(kind, DuplicateKey | ControlCharacterInKey | TooDeep | NumberOutOfRange)
}

fn compare_with_serde(bytes: &[u8]) -> Result<(), TestCaseError> {
    match (try_parse(bytes), serde_json::from_slice::<Tree>(bytes)) {
        (Ok(document), Ok(tree)) => prop_assert!(alike(&to_tree(document.root()), &tree)),
        (Ok(_), Err(error)) => return Err(TestCaseError::fail(format!("only we accept: {error}"))),
        (Err(error), Ok(_)) => prop_assert!(is_stricter_than_serde(error.kind), "only we refuse: {error}"),
        (Err(_), Err(_)) => {}
    }
    Ok(())
}

proptest! {
    #[test]
    fn we_read_what_serde_reads(tree in tree(), style in any::<u64>()) {
        let text = Speller::spell(&tree, style);
        let document = try_parse(text.as_bytes()).map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
        prop_assert!(alike(&to_tree(document.root()), &tree), "{}", text);
        prop_assert_eq!(document.root().raw(), text.trim_matches([' ', '\n', '\t', '\r']).as_bytes());
    }

    #[test]
    fn a_splice_changes_the_named_leaves_and_nothing_else(
        tree in tree(),
        style in any::<u64>(),
        chosen in proptest::collection::vec(any::<proptest::sample::Index>(), 1..5),
        texts in proptest::collection::vec(any::<String>(), 5),
    ) {
        let document = parse(&Speller::spell(&tree, style));
        let mut nodes = Vec::new();
        pointers(document.root(), "", &mut nodes);
        nodes.retain(|(id, _)| matches!(document.value(*id).kind(), Kind::String | Kind::Number));
        if nodes.is_empty() {
            return Ok(());
        }
        let mut expected = to_tree(document.root());
        let mut edits = Vec::new();
        let mut seen = Vec::new();
        for (index, text) in chosen.iter().zip(&texts) {
            let (id, pointer) = index.get(&nodes);
            if !seen.contains(id) {
                seen.push(*id);
                edits.push(Edit::string(*id, text.as_str()));
                *expected.pointer_mut(pointer).expect("is there") = Tree::from(text.as_str());
            }
        }
        let spliced = document.splice(&edits).expect("can be spliced");
        prop_assert_eq!(to_tree(spliced.root()), expected);
        assert_same_as_reparsed(&spliced)?;
    }

    #[test]
    fn a_renamed_key_is_renamed_and_nothing_else(tree in tree(), style in any::<u64>(), new in "[a-z\"\\\\é]{0,8}") {
        let document = parse(&Speller::spell(&tree, style));
        let member = document.root().descendants().filter(|value| value.key().is_some()).last();
        let Some(member) = member else { return Ok(()) };
        let taken = member.parent().is_some_and(|object| object.get(&new).is_some_and(|other| other.id() != member.id()));
        match document.splice(&[Edit::key(member.id(), new.as_str())]) {
            Ok(spliced) => {
                prop_assert!(!taken);
                let renamed = spliced.value(member.id());
                prop_assert_eq!(renamed.key(), Some(new.as_str().into()));
                prop_assert_eq!(renamed.raw(), member.raw());
                assert_same_as_reparsed(&spliced)?;
            }
            Err(error) => prop_assert!(taken && error == SpliceError::DuplicateKey),
        }
    }

    #[test]
    fn a_member_that_comes_in_is_there_and_nothing_else_changes(
        tree in tree(),
        style in any::<u64>(),
        new in "[a-z\"\\\\é]{0,8}",
        value in tree(),
        at in any::<proptest::sample::Index>(),
    ) {
        let document = parse(&Speller::spell(&tree, style));
        let mut nodes = Vec::new();
        pointers(document.root(), "", &mut nodes);
        let objects: Vec<_> =
            nodes.iter().filter(|(id, _)| document.value(*id).kind() == Kind::Object).collect();
        if objects.is_empty() {
            return Ok(());
        }
        let (object, pointer) = at.get(&objects);
        let taken = document.value(*object).get(&new).is_some();
        match document.splice(&[Edit::insert(*object, new.as_str(), value.to_string())]) {
            Ok(spliced) => {
                prop_assert!(!taken);
                let before = nodes.iter().map(|(id, _)| (document.value(*id).kind(), document.value(*id).key()));
                let after = nodes.iter().map(|(id, _)| (spliced.value(*id).kind(), spliced.value(*id).key()));
                prop_assert!(before.eq(after), "every id stands for what it stood for");
                let mut expected = to_tree(document.root());
                expected.pointer_mut(pointer).and_then(Tree::as_object_mut).expect("is one").insert(new, value);
                prop_assert!(alike(&to_tree(parse(std::str::from_utf8(spliced.bytes()).expect("text")).root()), &expected));
            }
            Err(error) => prop_assert!(taken && error == SpliceError::DuplicateKey),
        }
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        compare_with_serde(&bytes)?;
    }

    #[test]
    fn json_like_text_is_read_as_serde_reads_it(text in "[\\[\\]{}:,\"\\\\ued8c0-2.+eE tfnrals/\\n-]{0,24}") {
        compare_with_serde(text.as_bytes())?;
    }

    #[test]
    fn damaged_json_is_read_as_serde_reads_it(
        tree in tree(),
        style in any::<u64>(),
        at in any::<proptest::sample::Index>(),
        byte in prop_oneof![any::<u8>(), proptest::sample::select(b"[]{}:,\"\\u0e-. \n".to_vec())],
        remove in any::<bool>(),
    ) {
        let mut bytes = Speller::spell(&tree, style).into_bytes();
        let at = at.index(bytes.len());
        if remove { bytes.remove(at); } else { bytes[at] = byte; }
        compare_with_serde(&bytes)?;
    }

    #[test]
    fn escaping_is_serdes(text in any::<String>()) {
        let mut ours = vec![b'"'];
        escape_into(&text, &mut ours);
        ours.push(b'"');
        prop_assert_eq!(ours, serde_json::to_vec(&text).expect("a string"));
    }
}
