//! Against what BERT's own tests and documentation expect.

use super::*;

/// The vocabulary of BERT's own `tokenization_test.py`, and some more.
const VOCABULARY: [&str; 24] = [
    "[UNK]", "[CLS]", "[SEP]", "want", "##want", "##ed", "wa", "un", "runn", "##ing", ",", "low", "##er",
    "the", "new", "john", "johan", "##son", "!", "Ah", "##oj", "\u{535A}", "\u{63A8}", "'",
];

fn tokenizer(lowercase: bool) -> Tokenizer {
    let pieces = WordPiece::new(VOCABULARY.into_iter().zip(0..), "##", "[UNK]", MOST_CHARS).unwrap();
    Tokenizer::new(How { clean: true, ideographs: true, strip_accents: lowercase, lowercase }, pieces)
        .unwrap()
}

fn pieces(lowercase: bool, text: &str) -> Vec<&'static str> {
    tokenizer(lowercase)
        .tokens(text, 1000)
        .unwrap()
        .ids
        .into_iter()
        .map(|id| VOCABULARY[id as usize])
        .collect()
}

/// Words as the vocabulary is asked for them, and as they stand in the text.
fn words(lowercase: bool, text: &str) -> Vec<(String, &str)> {
    let mut words = Vec::new();
    tokenizer(lowercase).words.each(text, |range, word| words.push((word.to_owned(), &text[range])));
    words
}

fn spelled(lowercase: bool, text: &str) -> Vec<String> {
    words(lowercase, text).into_iter().map(|(word, _)| word).collect()
}

#[test]
fn words_are_spelled_by_the_longest_pieces() {
    assert_eq!(pieces(true, "UNwant\u{E9}d,running"), ["un", "##want", "##ed", ",", "runn", "##ing"]);
    assert_eq!(pieces(true, "unwanted running"), ["un", "##want", "##ed", "runn", "##ing"]);
    assert_eq!(pieces(true, "unwantedX running"), ["[UNK]", "runn", "##ing"], "all of a word or none of it");
    assert_eq!(
        pieces(true, &"low".repeat(40)),
        ["[UNK]"],
        "a word of more than 100 characters is not looked up"
    );
    assert_eq!(pieces(true, ""), [""; 0]);
}

#[test]
fn text_is_cut_as_bert_cuts_it() {
    assert_eq!(spelled(true, " \tHeLLo!how  \n Are yoU?  "), ["hello", "!", "how", "are", "you", "?"]);
    assert_eq!(spelled(false, " \tHeLLo!how  \n Are yoU?  "), ["HeLLo", "!", "how", "Are", "yoU", "?"]);
    assert_eq!(spelled(true, "H\u{E9}llo"), ["hello"], "accents go with capitals");
    assert_eq!(spelled(false, "H\u{E9}llo"), ["H\u{E9}llo"]);
    assert_eq!(spelled(true, "ah\u{535A}\u{63A8}zz"), ["ah", "\u{535A}", "\u{63A8}", "zz"]);
    assert_eq!(spelled(false, "a$b\u{3002}c\u{B4}d"), ["a", "$", "b", "\u{3002}", "c\u{B4}d"]);
}

#[test]
fn every_word_knows_where_it_stands() {
    let expected = [("strasse", "Stra\u{DF}e"), (",", ","), ("lodz", "Ł\u{F3}d\u{17A}")];
    let found = words(true, "Stra\u{DF}e, Ł\u{F3}d\u{17A}");
    assert_eq!(found.iter().map(|(_, text)| *text).collect::<Vec<_>>(), expected.map(|(_, text)| text));
    assert_eq!(found[2].0, "łodz", "ł is a letter of its own");
    let hidden = words(true, "Jo\u{200B}h\u{AD}n\u{301} x");
    assert_eq!(hidden, [("john".to_owned(), "Jo\u{200B}h\u{AD}n"), ("x".to_owned(), "x")]);
    assert_eq!(words(true, "\u{130}x")[0].1, "\u{130}x", "what becomes two characters");
}

#[test]
fn no_more_is_spelled_than_can_be_read() {
    assert!(tokenizer(true).tokens("want, want", 3).is_some());
    assert!(tokenizer(true).tokens("want, want", 2).is_none());
}

#[test]
fn names_of_special_tokens_in_a_text_are_text() {
    let special = tokenizer(false).frame;
    assert!(tokenizer(false).tokens("[CLS] [SEP]", 1000).unwrap().ids.iter().all(|id| !special.contains(id)));
}
