use super::*;

#[test]
fn keywords_are_lower_case_and_not_too_short() {
    let (_, keywords) = Secrets::new().expect("the table is readable");
    for word in keywords.keys() {
        assert_eq!(*word, word.to_lowercase());
        assert!(word.len() >= 3 || matches!(*word, "q~"), "{word}");
    }
}
