//! Where the model's answers point in the text.

use attach_redact::Recognize;
use attach_redact::ner::Ner;

use super::tiny::{SURE, Tiny, config};

/// Entities and the text they stand for.
fn found<'t>(ner: &Ner, text: &'t str) -> Vec<(String, &'t str)> {
    let findings = ner.recognize(text).unwrap();
    findings.into_iter().map(|found| (found.entity.name().to_owned(), &text[found.range])).collect()
}

fn person(text: &str) -> (String, &str) {
    ("PERSON".into(), text)
}

#[test]
fn names_are_found_whole_among_letters_of_any_script() {
    let ner = Tiny::new().load().unwrap();
    let place = |text| ("LOCATION".to_owned(), text);
    assert_eq!(
        found(&ner, "„Zoë Müller-Łukasz” met Anna, 李明 in Köln am Rhein, the Acme."),
        [
            person("Zoë Müller-Łukasz"),
            person("Anna"),
            person("李明"),
            place("Köln am Rhein"),
            ("ORGANIZATION".to_owned(), "Acme"),
        ]
    );
}

#[test]
fn a_range_is_in_bytes_of_the_text() {
    let ner = Tiny::new().load().unwrap();
    let found = ner.recognize("…Zoë").unwrap();
    assert_eq!((found[0].range.clone(), found.len()), (3..7, 1));
    assert!(found[0].score > 0.99 && found[0].score <= 1.0);
}

#[test]
fn a_word_is_what_its_first_token_is() {
    let ner = Tiny::new().load().unwrap();
    assert_eq!(found(&ner, "met Zoë in"), [person("Zoë")], "though its second token is a place");
}

#[test]
fn names_that_begin_anew_are_two() {
    let ner = Tiny::new().load().unwrap();
    assert_eq!(found(&ner, "Anna Anna Müller"), [person("Anna"), person("Anna Müller")]);
}

#[test]
fn invisible_characters_hide_no_name() {
    let ner = Tiny::new().load().unwrap();
    assert_eq!(found(&ner, "met An\u{200B}na."), [person("An\u{200B}na")]);
}

#[test]
fn labels_that_nobody_asked_for_are_not_found() {
    let tiny = Tiny::new();
    assert!(found(&tiny.load().unwrap(), "Jazz").is_empty());
    let only = [("MISC", "HOBBY".parse().unwrap())];
    let ner = Ner::loader_in(&tiny.folder).labels(only).load().unwrap();
    assert_eq!(found(&ner, "Anna met Jazz"), [("HOBBY".to_owned(), "Jazz")]);
}

#[test]
fn what_is_less_probable_than_the_threshold_is_not_found() {
    // e^1 : e^1 + 6 = 0.31 for Köln, e^2.5 : e^2.5 + 6 = 0.67 for the others.
    let tiny = Tiny::sure(|token| if token == 13 { 1.0 } else { 2.5 });
    let with = |threshold: f32| Ner::loader_in(&tiny.folder).threshold(threshold).load();
    assert_eq!(found(&with(0.5).unwrap(), "Anna in Köln"), [person("Anna")]);
    assert!(found(&with(0.9).unwrap(), "Anna in Köln").is_empty());
    for nonsense in [0.0, 0.39, 1.01, f32::NAN] {
        assert!(with(nonsense).unwrap_err().to_string().contains("threshold"), "{nonsense}");
    }
}

#[test]
fn a_text_longer_than_the_model_reads_is_read_to_its_end() {
    let tiny = Tiny::new();
    for positions in [16, 100, 512] {
        tiny.write("config.json", &config(positions));
        let ner = Ner::loader_in(&tiny.folder).most_windows(1000).load().unwrap();
        let text = "the é Zoë Müller met, ".repeat(400);
        let found = ner.recognize(&text).unwrap();
        assert_eq!(found.len(), 400, "{positions}");
        assert!(found.iter().all(|found| &text[found.range.clone()] == "Zoë Müller"), "{positions}");
        assert!(found.windows(2).all(|pair| pair[0].range.end < pair[1].range.start), "{positions}");
        assert_eq!(found, ner.recognize(&text).unwrap(), "the same again");
    }
}

#[test]
fn a_text_of_too_many_windows_is_a_fault() {
    let tiny = Tiny::new();
    let ner = Ner::loader_in(&tiny.folder).most_windows(2).load().unwrap();
    assert!(ner.recognize(&"the ".repeat(900)).is_ok());
    let fault = ner.recognize(&"the ".repeat(1000)).unwrap_err();
    assert!(fault.to_string().contains("too long"), "{fault}");
}

#[test]
fn a_text_without_words_is_not_shown_to_the_model() {
    let tiny = Tiny::new();
    let ner = Ner::loader_in(&tiny.folder).most_windows(0).load().unwrap();
    for text in ["", " \n\t ", "-----", "… !? 🎉"] {
        assert_eq!(ner.recognize(text).unwrap(), [], "{text:?}");
    }
    assert!(ner.recognize("a").is_err(), "one window is too many");
}

#[test]
fn an_answer_that_is_no_number_is_a_fault() {
    let tiny = Tiny::sure(|token| if token == 12 { f32::NAN } else { SURE });
    let ner = tiny.load().unwrap();
    assert!(ner.recognize("Zoë").is_ok());
    assert!(ner.recognize("Anna").is_err());
}
