//! Changes in the original bytes.

use attach_core::json::SpliceError;

use super::*;

#[test]
fn a_splice_keeps_every_other_byte() {
    let document = parse("{ \"a\" : \"one\" ,\"b\":[12345678, 1.50e1],\"c\":{\"k\":\"v\"}}");
    let get = |key: &str| document.root().get(key).expect("is there");
    let number = get("b").elements().next().expect("has one");
    let key = get("c").get("k").expect("is there");
    let edits = [
        Edit::key(key.id(), "q\"q"),
        Edit::string(number.id(), "NUMBER_1"),
        Edit::string(get("a").id(), ""),
        Edit::string(key.id(), "w"),
    ];
    let spliced = document.splice(&edits).expect("can be spliced");
    assert_eq!(spliced.bytes(), "{ \"a\" : \"\" ,\"b\":[\"NUMBER_1\", 1.50e1],\"c\":{\"q\\\"q\":\"w\"}}");
    assert_eq!(spliced.value(key.id()).key().as_deref(), Some("q\"q"));
    assert_eq!(spliced.value(number.id()).kind(), Kind::String);
    assert_eq!(spliced.value(number.id()).path(), "$.b[0]");
    // And once more on top of that.
    let again = spliced.splice(&[Edit::string(number.id(), "N")]).expect("can be spliced");
    assert_eq!(again.bytes(), "{ \"a\" : \"\" ,\"b\":[\"N\", 1.50e1],\"c\":{\"q\\\"q\":\"w\"}}");
}

#[test]
fn an_edit_that_cannot_be_made_is_an_error() {
    let document = parse(r#"{"a":"x","b":{"c":1},"d":true}"#);
    let id = |key: &str| document.root().get(key).expect("is there").id();
    let splice = |edit: Edit| document.splice(&[edit]).map(drop);
    assert_eq!(splice(Edit::string(id("b"), "x")), Err(SpliceError::NotReplaceable));
    assert_eq!(splice(Edit::string(id("d"), "x")), Err(SpliceError::NotReplaceable));
    assert_eq!(splice(Edit::key(document.root().id(), "x")), Err(SpliceError::NotReplaceable));
    assert_eq!(splice(Edit::key(id("a"), "d")), Err(SpliceError::DuplicateKey));
    assert_eq!(splice(Edit::key(id("a"), "x\n")), Err(SpliceError::ControlCharacter));
    assert_eq!(splice(Edit::key(id("a"), "a")), Ok(()));
    let twice = [Edit::string(id("a"), "x"), Edit::string(id("a"), "y")];
    assert_eq!(document.splice(&twice).map(drop), Err(SpliceError::EditedTwice));
    let swapped = document.splice(&[Edit::key(id("a"), "d"), Edit::key(id("d"), "a")]).expect("both at once");
    assert_eq!(swapped.bytes(), r#"{"d":"x","b":{"c":1},"a":true}"#);
    let other = parse("[1,2,3,4,5,6,7]").root().descendants().last().expect("has some").id();
    assert_eq!(splice(Edit::string(other, "x")), Err(SpliceError::NoSuchValue));
}

#[test]
fn a_member_comes_in_and_every_other_byte_stays() {
    let document = parse("{ \"a\" : 1,\"b\":{ },\"c\":{\"k\":[{}]}}");
    let get = |key: &str| document.root().get(key).expect("is there");
    let (b, c) = (get("b").id(), get("c").id());
    let key = get("c").get("k").expect("is there").id();
    let edits = [
        Edit::insert(b, "x", "{\"y\":true}"),
        Edit::insert(document.root().id(), "n\"w", "-1.50"),
        Edit::insert(b, "z", "null"),
        Edit::key(key, "q"),
        Edit::insert(c, "m", "[]"),
    ];
    let spliced = document.splice(&edits).expect("can be spliced");
    let expected =
        "{\"n\\\"w\":-1.50, \"a\" : 1,\"b\":{\"x\":{\"y\":true},\"z\":null },\"c\":{\"m\":[],\"q\":[{}]}}";
    assert_eq!(spliced.bytes(), expected);
    parse(expected);
    for (id, raw) in [(b, "{\"x\":{\"y\":true},\"z\":null }"), (c, "{\"m\":[],\"q\":[{}]}"), (key, "[{}]")] {
        assert_eq!(spliced.value(id).raw(), raw.as_bytes());
    }
    assert_eq!(spliced.value(key).key().as_deref(), Some("q"));
    assert!(spliced.root().get("n\"w").is_none(), "until it is parsed again");
}

#[test]
fn no_object_gets_two_members_of_a_name_however_often_it_is_spliced() {
    let document = parse(r#"{"a":1,"b":null}"#);
    let root = document.root().id();
    let b = document.root().get("b").expect("is there").id();
    let refused = |document: &Document, edits: &[Edit]| document.splice(edits).map(drop);
    let twice = Err(SpliceError::DuplicateKey);
    assert_eq!(refused(&document, &[Edit::insert(root, "a", "2")]), twice);
    assert_eq!(refused(&document, &[Edit::insert(root, "x", "2"), Edit::insert(root, "x", "2")]), twice);
    assert_eq!(refused(&document, &[Edit::insert(root, "x", "2"), Edit::key(b, "x")]), twice);
    let spliced =
        document.splice(&[Edit::insert(root, "x", "2"), Edit::raw(b, r#"{"y":1}"#)]).expect("can be");
    assert_eq!(spliced.bytes(), r#"{"x":2,"a":1,"b":{"y":1}}"#);
    assert_eq!(refused(&spliced, &[Edit::insert(root, "x", "3")]), twice);
    assert_eq!(refused(&spliced, &[Edit::key(b, "x")]), twice);
    assert_eq!(refused(&spliced, &[Edit::insert(b, "y", "3")]), twice);
    let again = spliced.splice(&[Edit::insert(b, "z", "3")]).expect("is another name");
    assert_eq!(again.bytes(), r#"{"x":2,"a":1,"b":{"z":3,"y":1}}"#);
}

#[test]
fn a_value_is_replaced_by_any_json() {
    let document = parse(r#"{"a":null,"b":[7,"x",true],"c":"last"}"#);
    let mut nodes = document.root().descendants();
    let (a, b) = (nodes.next().expect("a").id(), nodes.next().expect("b").id());
    let [seven, text, truth] = [nodes.next(), nodes.next(), nodes.next()].map(|it| it.expect("one").id());
    let last = document.root().get("c").expect("is there").id();
    let edits = [
        Edit::raw(a, r#"{"k":1}"#),
        Edit::raw(seven, "12"),
        Edit::raw(text, r#""\"""#),
        Edit::raw(truth, "null"),
    ];
    let spliced = document.splice(&edits).expect("can be spliced");
    assert_eq!(spliced.bytes(), r#"{"a":{"k":1},"b":[12,"\"",null],"c":"last"}"#);
    assert_eq!((spliced.value(a).kind(), spliced.value(seven).as_u64()), (Kind::Object, Some(12)));
    assert_eq!((spliced.value(text).as_str().as_deref(), spliced.value(truth).is_null()), (Some("\""), true));
    assert_eq!(spliced.value(last).as_str().as_deref(), Some("last"));
    for (edit, error) in [
        (Edit::raw(b, "1"), SpliceError::NotReplaceable),
        (Edit::insert(b, "k", "1"), SpliceError::NotReplaceable),
        (Edit::insert(a, "k", "1"), SpliceError::NotReplaceable),
        (Edit::insert(document.root().id(), "k\n", "1"), SpliceError::ControlCharacter),
        (Edit::raw(a, "1,2"), SpliceError::NotJson),
        (Edit::raw(a, " 1"), SpliceError::NotJson),
        (Edit::raw(a, r#"{"k":1,"k":2}"#), SpliceError::NotJson),
        (Edit::insert(document.root().id(), "k", ""), SpliceError::NotJson),
    ] {
        assert_eq!(document.splice(std::slice::from_ref(&edit)).map(drop), Err(error), "{edit:?}");
    }
}
