//! Identity numbers of several countries, and what is looked for only on request.

use attach_redact::{Action, ConfigError, Entity, Redactor};

/// What is found of `entity` in `text`, as written.
fn found(redactor: &Redactor, entity: &Entity, text: &str) -> Vec<String> {
    let findings = redactor.find(text).into_iter().filter(|finding| finding.entity == *entity);
    findings.map(|finding| text[finding.range].to_owned()).collect()
}

/// Looks for `entity`, and not for telephone numbers: what overlaps bears one name.
fn with(entity: Entity) -> Redactor {
    let builder = Redactor::builder().entity(Entity::Phone, Action::Allow);
    builder.entity(entity, Action::Replace).build().expect("builds")
}

#[test]
fn numbers_looked_for_by_default_need_a_check_digit_and_a_word() {
    let redactor = Redactor::builder().build().expect("builds");
    // The samples of the tax office, the business register and UIDAI.
    for (entity, word, number, wrong) in [
        (Entity::AuTfn, "TFN", "123 456 782", "123 456 783"),
        (Entity::AuAbn, "ABN", "51 824 753 556", "51 824 753 557"),
        (Entity::InAadhaar, "Aadhaar", "9999 9999 0019", "9999 9999 0018"),
    ] {
        assert_eq!(found(&redactor, &entity, &format!("my {word} is {number}")), [number]);
        assert!(found(&redactor, &entity, &format!("my number is {number}")).is_empty(), "{entity}");
        assert!(found(&redactor, &entity, &format!("my {word} is {wrong}")).is_empty(), "{entity}");
    }
}

#[test]
fn numbers_asked_for_are_found_by_their_check_digit_alone() {
    for (entity, number) in [
        (Entity::AuAcn, "004 085 616"),
        (Entity::KrBrn, "116-82-00276"),
        (Entity::SgUen, "197401143C"),
        (Entity::ThTnin, "1-2345-45678-78-1"),
        (Entity::TrNationalId, "17291716060"),
        (Entity::ZaIdNumber, "7503305044089"),
        (Entity::InGstin, "27AAPFU0939F1ZV"),
        (Entity::TrPhoneNumber, "+90 (212) 555 01 23"),
        (Entity::PhMobileNumber, "0 (917) 123 4567"),
    ] {
        assert_eq!(found(&with(entity.clone()), &entity, &format!("see {number}.")), [number]);
        assert!(found(&Redactor::builder().build().expect("builds"), &entity, number).is_empty());
    }
}

#[test]
fn a_word_of_a_script_without_capitals_counts_with_its_particle() {
    let passports = with(Entity::KrPassport);
    assert_eq!(found(&passports, &Entity::KrPassport, "여권번호는 M123A4567입니다"), ["M123A4567"]);
    assert!(found(&passports, &Entity::KrPassport, "부품 M123A4567").is_empty());
}

#[test]
fn a_number_past_the_end_of_a_window_is_found_in_the_next() {
    let row = "004 085 616, 004 085 616 ".repeat(40);
    assert_eq!(found(&with(Entity::AuAcn), &Entity::AuAcn, &row).len(), 80);
}

#[test]
fn only_a_date_that_is_called_a_birthday_is_one() {
    let births = with(Entity::DateOfBirth);
    for text in ["born on 2/8/1935", "DOB: 1935-02-08", "geboren am 8.2.1935", "née le 8 février 1935"] {
        assert_eq!(found(&births, &Entity::DateOfBirth, text).len(), 1, "{text}");
    }
    assert!(found(&births, &Entity::DateOfBirth, "The contract of 2/8/1935 is void").is_empty());
    let dates = with(Entity::DateTime);
    assert_eq!(found(&dates, &Entity::DateTime, "The contract of 2/8/1935 is void"), ["2/8/1935"]);
}

#[test]
fn a_uuid_is_found_only_on_request() {
    // RFC 9562, appendix A.3.
    let text = "id 919108f7-52d1-4320-9bac-f847db4148a8.";
    assert_eq!(found(&with(Entity::Uuid), &Entity::Uuid, text), ["919108f7-52d1-4320-9bac-f847db4148a8"]);
    assert!(Redactor::builder().build().expect("builds").find(text).is_empty());
}

#[test]
fn telephone_numbers_are_those_of_the_countries_set() {
    let swiss = Redactor::builder().regions(["ch"]).expect("is a country").build().expect("builds");
    assert_eq!(found(&swiss, &Entity::Phone, "at 044 668 18 00 today"), ["044 668 18 00"]);
    assert!(found(&swiss, &Entity::Phone, "at (415) 555-2671 today").is_empty());
    assert_eq!(found(&swiss, &Entity::Phone, "at +1 415 555 2671 today").len(), 1);
    let error = Redactor::builder().regions(["UK"]).expect_err("is none");
    assert!(matches!(error, ConfigError::Region(_)) && error.to_string().contains("GB"), "{error}");
    assert!(Redactor::builder().regions(["001"]).is_err() && Redactor::builder().regions(["XX"]).is_err());
}
