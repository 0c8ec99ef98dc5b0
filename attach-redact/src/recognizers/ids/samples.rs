//! Identity numbers in their notations, alone and where a word names them. Published samples, or made after the rules.

use crate::{Action, Entity, Redactor};

/// Found where nothing names it, by somebody who asks for what has the form.
const FORMS: &[(Entity, &[&str])] = &[
    (Entity::UkNhs, &["943 476 5919", "943-476-5919", "9434765919"]),
    (Entity::UkNino, &["AB 12 34 56 C", "AB123456C", "ab 123456 c"]),
    (Entity::CaSin, &["130 692 544", "130-692-544", "130692544"]),
    (Entity::PlPesel, &["44051401359"]),
    (Entity::EsNif, &["12345678Z", "12345678-Z", "12.345.678-Z", "1234567l"]),
    (Entity::EsNie, &["X1234567L", "x-1234567-l", "X 1234567 L"]),
    (Entity::ItFiscalCode, &["RSSMRA85T10A562S", "rssmra85t10a562s", "RSS MRA 85T10 A562S"]),
    (Entity::DeTaxId, &["86095742719", "47 036 892 816"]),
    (Entity::AbaRouting, &["011000015", "0110-0001-5"]),
    (Entity::UsNpi, &["1234567893", "1234-567-893", "1234 567 893"]),
    (Entity::MedicalLicense, &["AP5836727", "ap5836727", "F91234563"]),
    (Entity::UsItin, &["911-70-1234", "911701234", "900 94 1234"]),
    (Entity::UsMbi, &["1EG4-TE5-MK73", "1EG4TE5MK73", "1eg4 te5 mk73"]),
    (Entity::UsDriverLicense, &["H12345678", "123AB4567"]),
    (Entity::UkDrivingLicence, &["MORGA657054SM9IJ", "MORGA 657054 SM9IJ", "LEE99612155J99AB"]),
    (Entity::UkVehicleRegistration, &["AB51 ABC", "AB51ABC", "ab51 abc"]),
    (Entity::DeSocialSecurity, &["15070649C103", "15 070649 C 103"]),
    (Entity::DeHealthInsurance, &["A000500015"]),
    (Entity::DeIdCard, &["L01X00T471", "l01x00t44", "T22000124"]),
    (Entity::DePassport, &["C01X00T478", "C01X00T41"]),
    (Entity::DeFuehrerschein, &["BO12345678A"]),
    (Entity::DeTaxNumber, &["123/456/78901", "12/345/67890", "0281508150123"]),
    (Entity::DeVatId, &["DE136695976", "DE 136 695 976", "de136695976", "DE123456789"]),
    (Entity::DeHandelsregister, &["HRB 12345", "hra12345"]),
    (Entity::DeKfz, &["B AB 1234", "B-AB-1234", "HH-AB 12E", "KÖ-X 1H"]),
    (Entity::DeLanr, &["123456601"]),
    (Entity::ItVatCode, &["07643520567", "IT07643520567", "07643 52_0567"]),
    (Entity::FiPersonalIdentityCode, &["131052-308T", "131052-308t", "010594Y9021"]),
    (Entity::SePersonnummer, &["19640823-3234", "640823-3234", "196408233234", "640823+3234", "701063-2391"]),
    (Entity::SeOrganisationsnummer, &["556016-0680", "5560160680", "165560160680"]),
];

/// Found only where the word in front names it.
const NAMED: &[(Entity, &str, &[&str])] = &[
    (Entity::UsItin, "taxpayer id", &["911-701234", "91170-1234"]),
    (Entity::UsPassport, "passport", &["A12345678", "912803456"]),
    (Entity::UsBankNumber, "account", &["12345678", "12345678901234567"]),
    (Entity::UsDriverLicense, "driver license", &["1234567", "S123"]),
    (Entity::UkPassport, "passport number", &["AB1234567", "123456789"]),
    (Entity::UkPostcode, "postcode", &["SW1A 1AA", "ec1a1bb", "M1 1AE", "B33 8TH", "W1A 0AX", "GIR 0AA"]),
    (Entity::UkVehicleRegistration, "number plate", &["A123 BCD", "ABC 123D"]),
    (Entity::DeIdCard, "Personalausweis", &["L01X00T47"]),
    (Entity::DePassport, "Reisepass", &["C01X00T47"]),
    (Entity::DeFuehrerschein, "Führerschein", &["B072RRE2I55"]),
    (Entity::DeTaxNumber, "Steuernummer", &["93815/08152", "181 815 08155"]),
    (Entity::DeKfz, "Kennzeichen", &["B-AB1234"]),
    (Entity::DePlz, "PLZ", &["10115", "01067"]),
    (Entity::DeBsnr, "BSNR", &["021234568"]),
    (Entity::EsPassport, "pasaporte", &["AAA123456"]),
    (Entity::ItDriverLicense, "patente", &["AA0123456B", "U1H00B000C"]),
    (Entity::ItIdentityCard, "carta d'identità", &["AA1234567", "AA 1234567", "1234567AA", "CA00000AA"]),
    (Entity::ItPassport, "passaporto", &["YA1234567"]),
    (Entity::ItFiscalCode, "codice fiscale", &["RSSMRA85T10A562T"]),
];

/// Never found, whatever is asked for.
const NONE: &[(Entity, &[&str])] = &[
    (Entity::UkNhs, &["nhs 943 476 5918", "nhs 9434765919.5", "nhs 1943 476 5919"]),
    (Entity::UkNino, &["nino GB 12 34 56 C", "nino AB 12 34 56 E", "nino QQ 12 34 56 C"]),
    (Entity::CaSin, &["sin 046 454 286", "sin 130 692-544", "sin 130 692 545"]),
    (Entity::PlPesel, &["pesel 44051401358", "pesel 440514013590"]),
    (Entity::EsNif, &["dni 12345678A", "dni 123456Z"]),
    (Entity::EsNie, &["nie W1234567L", "nie X1234567M"]),
    (Entity::DeTaxId, &["Steuer-ID 86095742718", "Steuer-ID 06095742719"]),
    (Entity::AbaRouting, &["routing 421042111", "routing 011000016"]),
    (Entity::UsNpi, &["npi 1234567890", "npi 3234567893"]),
    (Entity::MedicalLicense, &["dea AP5836728", "dea QP5836727"]),
    (Entity::UsItin, &["itin 911-89-1234", "itin 911-93-1234", "itin 811-70-1234"]),
    (Entity::UsMbi, &["mbi 1SG4-TE5-MK73", "mbi 1EG4TE5MK7"]),
    (Entity::UkPassport, &["passport AB 1234567", "passport AB12345678"]),
    (Entity::UkPostcode, &["postcode QA1 1AA", "postcode M1 1AI"]),
    (Entity::UkDrivingLicence, &["licence MO9G9657054SM9IJ", "licence MORGA613054SM9IJ"]),
    (Entity::UkVehicleRegistration, &["plate AB35 ABC", "plate IB51 ABC"]),
    (Entity::DePlz, &["PLZ 01000", "PLZ 99999", "PLZ 00123"]),
    (Entity::DeBsnr, &["BSNR 000000000"]),
    (Entity::DeKfz, &["Kennzeichen BXYZ AB 1234"]),
    (Entity::ItVatCode, &["partita iva 00000000000", "partita iva 07643520568"]),
    (Entity::SePersonnummer, &["personnummer 640832-3232", "personnummer 19640823-3235"]),
    (Entity::SeOrganisationsnummer, &["orgnr 551016-0680"]),
];

fn redactor(threshold: f32) -> Redactor {
    let all = Entity::BUILT_IN.iter().cloned();
    let asked = all.fold(Redactor::builder(), |builder, entity| {
        builder.entity(entity.clone(), Action::Replace).threshold(entity, threshold)
    });
    asked.build().expect("builds")
}

fn finds(redactor: &Redactor, entity: &Entity, text: &str, sample: &str) -> bool {
    let found = redactor.candidates(text).expect("is looked through");
    found.iter().any(|finding| finding.entity == *entity && &text[finding.range.clone()] == sample)
}

#[test]
fn forms_and_check_digits_are_found_by_who_asks_for_them() {
    let redactor = redactor(0.3);
    for (entity, samples) in FORMS {
        for sample in *samples {
            let text = format!("The value is ({sample}), as said.");
            assert!(finds(&redactor, entity, &text, sample), "{entity} in {text}");
        }
    }
}

#[test]
fn what_many_other_numbers_look_like_is_found_where_it_is_named() {
    let redactor = redactor(crate::finding::THRESHOLD);
    for (entity, word, samples) in NAMED {
        for sample in *samples {
            let (named, bare) = (format!("{word}: {sample}."), format!("The value is: {sample}."));
            assert!(finds(&redactor, entity, &named, sample), "{entity} in {named}");
            assert!(!finds(&redactor, entity, &bare, sample), "{entity} in {bare}");
        }
    }
}

#[test]
fn what_breaks_a_rule_is_never_found() {
    let redactor = redactor(0.3);
    for (entity, texts) in NONE {
        for text in *texts {
            let found = redactor.candidates(text).expect("is looked through");
            assert!(found.iter().all(|finding| finding.entity != *entity), "{entity} in {text}");
        }
    }
}

#[test]
fn by_default_a_check_digit_is_believed_where_a_word_names_the_number() {
    let redactor = Redactor::builder().build().expect("builds");
    let named = [
        (Entity::UkNhs, "NHS", "943 476 5919"),
        (Entity::UkNino, "National Insurance", "AB123456C"),
        (Entity::CaSin, "my SIN", "130-692-544"),
        (Entity::PlPesel, "pesel", "44051401359"),
        (Entity::EsNif, "DNI", "12345678Z"),
        (Entity::DeTaxId, "Steuer-ID", "86095742719"),
        (Entity::AbaRouting, "routing number", "011000015"),
        (Entity::UsNpi, "npi", "1234567893"),
        (Entity::MedicalLicense, "DEA", "AP5836727"),
    ];
    for (entity, word, sample) in named {
        assert!(finds(&redactor, &entity, &format!("{word}: {sample}"), sample), "{entity}");
        assert!(!finds(&redactor, &entity, &format!("order: {sample}"), sample), "{entity}");
    }
    for (entity, sample) in [(Entity::EsNie, "X1234567L"), (Entity::ItFiscalCode, "RSSMRA85T10A562S")] {
        assert!(finds(&redactor, &entity, &format!("order: {sample}"), sample), "{entity}");
    }
}
