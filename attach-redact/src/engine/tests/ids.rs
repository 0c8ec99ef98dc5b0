//! Identity numbers: windows against every rule on all of the text.

use proptest::prelude::*;

use super::*;

/// Published samples, and what stands around them.
const PIECES: &[&str] = &[
    "943 476 5919",
    "QQ 12 34 56 C",
    "AB 12 34 56 C",
    "ab123456c",
    "130 692 544",
    "130-692-544",
    "44051401359",
    "12345678Z",
    "12.345.678-Z",
    "X1234567L",
    "RSSMRA85T10A562S",
    "RSS MRA 85T10 A562S",
    "86095742719",
    "47 036 892 816",
    "011000015",
    "0710-0001-3",
    "1234567893",
    "AP5836727",
    "911-70-1234",
    "911-701234",
    "1EG4-TE5-MK73",
    "1EG4TE5MK73",
    "A12345678",
    "AB51 ABC",
    "M456 DEF",
    "ABC 123D",
    "EC1A 1BB",
    "MORGA657054SM9IJ",
    "15070649C103",
    "A000500015",
    "L01X00T471",
    "T22000124",
    "BO12345678A",
    "123/456/78901",
    "DE 136 695 976",
    "HRB 12345",
    "MIL EF 1234E",
    "KÖ-AB 12",
    "10115",
    "123456601",
    "AAA123456",
    "U1H00B000C",
    "AA 1234567",
    "07643520567",
    "0 7 6 4 3_5_2_0 5 6 7",
    "131052-308T",
    "19640823-3234",
    "556016-0680",
    "nhs",
    "nino",
    "pesel",
    "passport",
    "routing",
    "npi",
    "dea",
    "sin",
    "dni",
    "codice fiscale",
    "steuernummer",
    "kennzeichen",
    "plz",
    "account",
    "license",
    "itin",
];
const BETWEEN: &[&str] = &[
    " ", " ", " ", "-", ".", "/", "_", ", ", ": ", "\n", "", "x", "1", " a ", " of the ", "é", "(", ") ",
    "  ",
];

fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => prop::sample::select(PIECES).prop_map(str::to_owned),
        1 => "[0-9]{1,12}",
        1 => "[A-Za-z0-9 ./_-]{0,16}",
    ];
    let between = prop::sample::select(BETWEEN);
    prop::collection::vec((piece, between), 0..16)
        .prop_map(|pairs| pairs.into_iter().map(|(piece, between)| piece + between).collect())
}

fn everything(threshold: f32) -> Engine {
    let all = || Entity::BUILT_IN.iter().cloned();
    let thresholds = all().map(|entity| (entity, threshold)).collect();
    Engine::new(Parts { on: all().collect(), thresholds, ..Parts::default() }).expect("builds")
}

/// What every rule's pattern finds on all of `text`.
fn naive(engine: &Engine, text: &str) -> Vec<Finding> {
    let mut hits = Hits::new(engine, text);
    context(engine, &mut hits);
    engine.ids.scan(&mut hits, &(0..text.len()), usize::MAX);
    hits.found
}

/// Whether what is found lies in a word that is too long for an identifier.
fn is_data(text: &str, finding: &Finding) -> bool {
    let letters = |byte: &u8| byte.is_ascii_alphanumeric();
    let (before, after) = text.as_bytes().split_at(finding.range.start);
    before.iter().rev().take_while(|byte| letters(byte)).count()
        + after.iter().take_while(|byte| letters(byte)).count()
        > 48
}

fn agree(engine: &Engine, threshold: f32, text: &str) -> Result<(), TestCaseError> {
    let windowed = crate::finding::resolve(engine.find_plain(text));
    for finding in naive(engine, text) {
        if finding.score < threshold || is_data(text, &finding) {
            continue;
        }
        let covered = windowed
            .iter()
            .any(|other| other.range.start <= finding.range.start && finding.range.end <= other.range.end);
        prop_assert!(covered, "{:?} of {:?} not in {:?}", finding, text, windowed);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn windows_find_the_identity_numbers_that_a_search_of_everything_finds(text in texts()) {
        static SURE: std::sync::OnceLock<Engine> = std::sync::OnceLock::new();
        static EAGER: std::sync::OnceLock<Engine> = std::sync::OnceLock::new();
        agree(SURE.get_or_init(|| everything(0.4)), 0.4, &text)?;
        agree(EAGER.get_or_init(|| everything(0.3)), 0.3, &text)?;
        agree(engine(), 0.4, &text)?;
    }
}

#[test]
fn a_word_inside_the_words_of_a_number_names_it() {
    let found = |text: &str| {
        let mut found = engine().find_plain(text);
        found.retain(|finding| finding.score >= 0.4);
        crate::finding::resolve(found).into_iter().map(|finding| finding.entity).collect::<Vec<_>>()
    };
    assert_eq!(found("room B 12 pesel 44051401359"), [Entity::PlPesel]);
    assert_eq!(found("room B 12 pixel 44051401359"), []);
    let long = "12 ab ".repeat(30);
    assert_eq!(found(&format!("{long}RSSMRA 85T10 A562S {long}")), [Entity::ItFiscalCode]);
}
