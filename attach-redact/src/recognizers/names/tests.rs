use crate::{Entity, Redactor};

fn people(text: &str) -> Vec<(String, f32)> {
    let redactor = Redactor::builder().build().unwrap();
    let found = redactor.find(text).into_iter().filter(|finding| finding.entity == Entity::Person);
    found.map(|finding| (text[finding.range].to_owned(), finding.score)).collect()
}

fn names(text: &str) -> Vec<String> {
    people(text).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn names_of_many_cultures_are_found_without_a_cue() {
    for name in [
        "Sigríður Jónsdóttir",
        "Zsófia Szűcs",
        "Chinedu Okonkwo",
        "Haruka Nakagawa",
        "Ngozi Eze",
        "Tereza Dvořáková",
        "Nguyễn Thị Linh",
        "Xhevdet Krasniqi",
        "Giorgi Beridze",
        "Aino Virtanen",
        "Mehmet Yılmaz",
        "Farhad Hosseini",
        "Joao da Silva",
        "Siobhan O'Malley",
    ] {
        assert_eq!(names(&format!("The invoice goes to {name} in the end.")), [name]);
    }
}

#[test]
fn words_around_unlisted_names_tell() {
    assert_eq!(names("My neighbour Xqzaro is ill."), ["Xqzaro"]);
    assert_eq!(names("\"Never!\" said Qxarbel."), ["Qxarbel"]);
    assert_eq!(names("They named him Xqzaro."), ["Xqzaro"]);
    assert_eq!(names("Nachname: Xqzarbel"), ["Xqzarbel"]);
    assert_eq!(names("From: Xqzaro Qimbel <x@example.org>"), ["Xqzaro Qimbel"]);
    assert_eq!(names("Qxarbel, could you call me back?"), ["Qxarbel"]);
    assert_eq!(names("Xqzaro's daughter was there."), ["Xqzaro"]);
    assert_eq!(names("Kind regards,\nXqzaro"), ["Xqzaro"]);
}

#[test]
fn one_known_name_tells_of_the_others_in_a_series() {
    assert_eq!(names("I saw Peter, Xqzaro, Julia and Mark there."), ["Peter", "Xqzaro", "Julia", "Mark"]);
    assert_eq!(names("The founders: Qxarbel, Becker and White."), ["Qxarbel", "Becker", "White"]);
}

#[test]
fn firms_streets_and_places_are_no_people() {
    for text in [
        "She works for Hawkins, Richardson and Santana there.",
        "Turn left into rue Victor Hugo now.",
        "We met on Washington Street and in San Bernardino.",
        "The Jordan River, Davis & Co and Morgan Bank are near.",
        "It stands at 95 Carlo Cattaneo 130 still.",
        "An offer of Garcia-Roberson was late.",
    ] {
        assert!(names(text).is_empty(), "{text}: {:?}", names(text));
    }
}

#[test]
fn a_text_without_capitals_is_searched_for_listed_names() {
    assert_eq!(names("please write to julia hernandez today"), ["julia hernandez"]);
    assert_eq!(names("my name is xqzaro"), ["xqzaro"]);
    assert!(names("will the mark of grace stand in may").is_empty());
    assert!(names("run julia/anna.jl in martin-dev").is_empty());
}

#[test]
fn the_score_says_how_sure() {
    let score = |text: &str| people(text).first().map_or(0.0, |(_, score)| *score);
    assert!(score("Dear Mrs. Hernandez,") >= 0.9);
    assert!(score("ask Zbigniew Nowak there") >= 0.85);
    assert!((0.7..0.85).contains(&score("Dear Xqzaro,")));
    assert!((0.45..0.6).contains(&score("that is why Zbigniew left")));
}

/// Our own words: no name in it, and much that looks like one.
const NAMELESS: &str = include_str!("nameless.txt");

#[test]
fn prose_and_code_without_names_stay_as_they_are() {
    assert_eq!(names(NAMELESS), Vec::<String>::new());
}

#[test]
fn a_search_always_goes_on() {
    for text in [
        "A. A. A. A",
        "Aa Bb Cc Dd Ee Ff Gg Hh Ii Jj Kk",
        "van van Van van",
        "Mr Mr. Mrs",
        "Ünal’s Ö’",
        "\u{130}\u{130} A-",
        "Þ, Þ and Þ, Þ",
    ] {
        assert!(names(&text.repeat(50)).len() < 1000, "{text}");
    }
}
