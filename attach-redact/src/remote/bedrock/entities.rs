use crate::Entity;

/// Bedrock's types that have another name here: Presidio's where it has one.
///
/// Source: [`GuardrailPiiEntityFilter`](https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_GuardrailPiiEntityFilter.html).
const NAMES: [(&str, &str); 18] = [
    ("AWS_ACCESS_KEY", "SECRET"),
    ("AWS_SECRET_KEY", "SECRET"),
    ("CA_SOCIAL_INSURANCE_NUMBER", "CA_SIN"),
    ("CREDIT_DEBIT_CARD_CVV", "CARD_CVV"),
    ("CREDIT_DEBIT_CARD_EXPIRY", "CARD_EXPIRY"),
    ("CREDIT_DEBIT_CARD_NUMBER", "CREDIT_CARD"),
    ("EMAIL", "EMAIL_ADDRESS"),
    ("INTERNATIONAL_BANK_ACCOUNT_NUMBER", "IBAN_CODE"),
    ("NAME", "PERSON"),
    ("PHONE", "PHONE_NUMBER"),
    ("UK_NATIONAL_HEALTH_SERVICE_NUMBER", "UK_NHS"),
    ("UK_NATIONAL_INSURANCE_NUMBER", "UK_NINO"),
    ("UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER", "UK_UTR"),
    ("US_BANK_ACCOUNT_NUMBER", "US_BANK_NUMBER"),
    ("US_BANK_ROUTING_NUMBER", "ABA_ROUTING_NUMBER"),
    ("US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER", "US_ITIN"),
    ("US_PASSPORT_NUMBER", "US_PASSPORT"),
    ("US_SOCIAL_SECURITY_NUMBER", "US_SSN"),
];

/// The entity that Bedrock calls `kind`.
pub(super) fn entity(kind: &str) -> Entity {
    let known = NAMES.iter().find(|(bedrock, _)| *bedrock == kind);
    crate::remote::entity(known.map_or(kind, |(_, name)| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The types of the API's reference.
    const TYPES: &str = "ADDRESS AGE AWS_ACCESS_KEY AWS_SECRET_KEY CA_HEALTH_NUMBER CA_SOCIAL_INSURANCE_NUMBER \
        CREDIT_DEBIT_CARD_CVV CREDIT_DEBIT_CARD_EXPIRY CREDIT_DEBIT_CARD_NUMBER DRIVER_ID EMAIL \
        INTERNATIONAL_BANK_ACCOUNT_NUMBER IP_ADDRESS LICENSE_PLATE MAC_ADDRESS NAME PASSWORD PHONE PIN SWIFT_CODE \
        UK_NATIONAL_HEALTH_SERVICE_NUMBER UK_NATIONAL_INSURANCE_NUMBER UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER URL USERNAME \
        US_BANK_ACCOUNT_NUMBER US_BANK_ROUTING_NUMBER US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER US_PASSPORT_NUMBER \
        US_SOCIAL_SECURITY_NUMBER VEHICLE_IDENTIFICATION_NUMBER";

    #[test]
    fn every_documented_type_has_an_entity_with_a_whole_name() {
        for kind in TYPES.split_whitespace() {
            let name = entity(kind).name().to_owned();
            assert!(name != "SENSITIVE" && !name.ends_with('_') && name.len() < 32, "{kind}: {name}");
        }
        assert_eq!(TYPES.split_whitespace().count(), 31);
        assert_eq!(entity("NAME"), Entity::Person);
        assert_eq!(entity("US_SOCIAL_SECURITY_NUMBER"), Entity::UsSsn);
        assert_eq!(entity("A_TYPE_OF_NEXT_YEAR").name(), "A_TYPE_OF_NEXT_YEAR");
    }
}
