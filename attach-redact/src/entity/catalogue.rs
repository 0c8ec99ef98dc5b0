//! Every kind of thing that is looked for out of the box, one row each.

use super::{Custom, Detection};

/// Makes the enumeration and what is known of each entity from the same rows.
macro_rules! catalogue {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:literal $label:literal $detection:ident $priority:literal;)+) => {
        /// What a finding is.
        ///
        /// The names are Microsoft Presidio's where it has one, and stable: configuration, audit records and counts use
        /// them. Placeholders carry the shorter [`label`](Self::label).
        ///
        /// ```
        /// use attach_redact::Entity;
        ///
        /// assert_eq!("EMAIL_ADDRESS".parse(), Ok(Entity::Email));
        /// assert_eq!(Entity::Email.label(), "EMAIL");
        /// assert_eq!("EMPLOYEE_ID".parse::<Entity>()?.name(), "EMPLOYEE_ID");
        /// assert!("employee id".parse::<Entity>().is_err());
        /// # Ok::<(), attach_redact::ConfigError>(())
        /// ```
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Entity {
            $(
                #[doc = concat!("`", $name, "`:")]
                $(#[doc = $doc])+
                $variant,
            )+
            /// Anything else, under a name of its own: configured terms, patterns and recognizers.
            Custom(Custom),
        }

        /// What is known of an entity.
        #[derive(Clone, Copy)]
        pub(super) struct Row {
            pub(super) name: &'static str,
            pub(super) label: &'static str,
            pub(super) detection: Detection,
            pub(super) priority: u8,
        }

        impl Entity {
            /// Every built-in entity.
            pub const BUILT_IN: &'static [Self] = &[$(Self::$variant),+];

            const ROWS: &'static [Row] = &[$(
                Row { name: $name, label: $label, detection: Detection::$detection, priority: $priority },
            )+];

            /// Its place in the catalogue, if it is built in.
            pub(crate) fn index(&self) -> Option<usize> {
                match self {
                    Self::Custom(_) => None,
                    $(Self::$variant => Some(Index::$variant as usize),)+
                }
            }

            pub(super) fn row(&self) -> Option<Row> {
                self.index().and_then(|index| Self::ROWS.get(index).copied())
            }
        }

        /// The variants without what a custom one carries, for their numbers.
        #[derive(Clone, Copy)]
        enum Index {
            $($variant),+
        }
    };
}

catalogue! {
    /// An e-mail address.
    Email "EMAIL_ADDRESS" "EMAIL" On 4;
    /// A telephone number.
    Phone "PHONE_NUMBER" "PHONE" On 2;
    /// A payment card's number.
    CreditCard "CREDIT_CARD" "CREDIT_CARD" On 6;
    /// An international bank account number.
    Iban "IBAN_CODE" "IBAN" On 7;
    /// A United States social security number.
    UsSsn "US_SSN" "US_SSN" On 5;
    /// An Internet address, version 4 or 6.
    IpAddress "IP_ADDRESS" "IP" On 3;
    /// A hardware address of a network interface.
    MacAddress "MAC_ADDRESS" "MAC" On 3;
    /// An address of a cryptocurrency.
    Crypto "CRYPTO" "CRYPTO" On 3;
    /// The user and the password in a URL.
    UrlCredentials "URL_CREDENTIALS" "CREDENTIALS" On 8;
    /// An API key, a token, a private key.
    Secret "SECRET" "SECRET" On 9;
    /// A person's name.
    Person "PERSON" "PERSON" On 1;
    /// A number of the National Health Service of the United Kingdom.
    UkNhs "UK_NHS" "UK_NHS" On 3;
    /// A national insurance number of the United Kingdom.
    UkNino "UK_NINO" "UK_NINO" On 3;
    /// A Canadian social insurance number.
    CaSin "CA_SIN" "CA_SIN" On 3;
    /// An Australian tax file number.
    AuTfn "AU_TFN" "AU_TFN" On 3;
    /// An Australian business number.
    AuAbn "AU_ABN" "AU_ABN" On 3;
    /// An Indian Aadhaar number.
    InAadhaar "IN_AADHAAR" "IN_AADHAAR" On 3;
    /// A Polish PESEL number.
    PlPesel "PL_PESEL" "PL_PESEL" On 3;
    /// A Spanish tax number of a citizen.
    EsNif "ES_NIF" "ES_NIF" On 3;
    /// A Spanish identity number of a foreigner.
    EsNie "ES_NIE" "ES_NIE" On 3;
    /// An Italian codice fiscale.
    ItFiscalCode "IT_FISCAL_CODE" "IT_FISCAL_CODE" On 3;
    /// A German tax identification number.
    DeTaxId "DE_TAX_ID" "DE_TAX_ID" On 3;
    /// A routing number of a bank of the United States.
    AbaRouting "ABA_ROUTING_NUMBER" "ABA_ROUTING" On 3;
    /// A national provider identifier of the United States.
    UsNpi "US_NPI" "US_NPI" On 3;
    /// A registration with the United States' Drug Enforcement Administration.
    MedicalLicense "MEDICAL_LICENSE" "MEDICAL_LICENSE" On 3;
    /// An individual taxpayer identification number of the United States.
    UsItin "US_ITIN" "US_ITIN" OptIn 3;
    /// A Medicare beneficiary identifier of the United States.
    UsMbi "US_MBI" "US_MBI" OptIn 3;
    /// A passport of the United States.
    UsPassport "US_PASSPORT" "US_PASSPORT" OptIn 2;
    /// A bank account's number in the United States.
    UsBankNumber "US_BANK_NUMBER" "US_BANK_NUMBER" OptIn 1;
    /// A driver's licence of one of the United States.
    UsDriverLicense "US_DRIVER_LICENSE" "US_DRIVER_LICENSE" OptIn 1;
    /// A passport of the United Kingdom.
    UkPassport "UK_PASSPORT" "UK_PASSPORT" OptIn 2;
    /// A postcode of the United Kingdom.
    UkPostcode "UK_POSTCODE" "UK_POSTCODE" OptIn 1;
    /// A driving licence of the United Kingdom.
    UkDrivingLicence "UK_DRIVING_LICENCE" "UK_DRIVING_LICENCE" OptIn 3;
    /// A number plate of the United Kingdom.
    UkVehicleRegistration "UK_VEHICLE_REGISTRATION" "UK_VEHICLE_REGISTRATION" OptIn 2;
    /// A German pension insurance number.
    DeSocialSecurity "DE_SOCIAL_SECURITY" "DE_SOCIAL_SECURITY" OptIn 3;
    /// A German health insurance number.
    DeHealthInsurance "DE_HEALTH_INSURANCE" "DE_HEALTH_INSURANCE" OptIn 3;
    /// A German identity card.
    DeIdCard "DE_ID_CARD" "DE_ID_CARD" OptIn 2;
    /// A German passport.
    DePassport "DE_PASSPORT" "DE_PASSPORT" OptIn 2;
    /// A German driving licence.
    DeFuehrerschein "DE_FUEHRERSCHEIN" "DE_FUEHRERSCHEIN" OptIn 2;
    /// A German tax number of a tax office.
    DeTaxNumber "DE_TAX_NUMBER" "DE_TAX_NUMBER" OptIn 2;
    /// A German value added tax number.
    DeVatId "DE_VAT_ID" "DE_VAT_ID" OptIn 3;
    /// An entry in the German commercial register.
    DeHandelsregister "DE_HANDELSREGISTER" "DE_HANDELSREGISTER" OptIn 2;
    /// A German number plate.
    DeKfz "DE_KFZ" "DE_KFZ" OptIn 2;
    /// A German postcode.
    DePlz "DE_PLZ" "DE_PLZ" OptIn 1;
    /// The number of a German physician.
    DeLanr "DE_LANR" "DE_LANR" OptIn 2;
    /// The number of a German medical practice.
    DeBsnr "DE_BSNR" "DE_BSNR" OptIn 2;
    /// A Spanish passport.
    EsPassport "ES_PASSPORT" "ES_PASSPORT" OptIn 2;
    /// An Italian driving licence.
    ItDriverLicense "IT_DRIVER_LICENSE" "IT_DRIVER_LICENSE" OptIn 2;
    /// An Italian identity card.
    ItIdentityCard "IT_IDENTITY_CARD" "IT_IDENTITY_CARD" OptIn 2;
    /// An Italian passport.
    ItPassport "IT_PASSPORT" "IT_PASSPORT" OptIn 2;
    /// An Italian value added tax number.
    ItVatCode "IT_VAT_CODE" "IT_VAT_CODE" OptIn 3;
    /// A Finnish personal identity code.
    FiPersonalIdentityCode "FI_PERSONAL_IDENTITY_CODE" "FI_PERSONAL_CODE" OptIn 3;
    /// A Swedish personal identity number.
    SePersonnummer "SE_PERSONNUMMER" "SE_PERSONNUMMER" OptIn 3;
    /// The number of a Swedish organisation.
    SeOrganisationsnummer "SE_ORGANISATIONSNUMMER" "SE_ORG_NUMMER" OptIn 2;
    /// A Turkish identity number.
    TrNationalId "TR_NATIONAL_ID" "TR_NATIONAL_ID" OptIn 3;
    /// A Turkish number plate.
    TrLicensePlate "TR_LICENSE_PLATE" "TR_LICENSE_PLATE" OptIn 2;
    /// A Turkish telephone number.
    TrPhoneNumber "TR_PHONE_NUMBER" "TR_PHONE" OptIn 2;
    /// An Australian company number.
    AuAcn "AU_ACN" "AU_ACN" OptIn 2;
    /// An Australian Medicare number.
    AuMedicare "AU_MEDICARE" "AU_MEDICARE" OptIn 3;
    /// An Indian permanent account number.
    InPan "IN_PAN" "IN_PAN" OptIn 3;
    /// An Indian goods and services tax number.
    InGstin "IN_GSTIN" "IN_GSTIN" OptIn 3;
    /// An Indian passport.
    InPassport "IN_PASSPORT" "IN_PASSPORT" OptIn 2;
    /// An Indian voter's card.
    InVoter "IN_VOTER" "IN_VOTER" OptIn 2;
    /// An Indian number plate.
    InVehicleRegistration "IN_VEHICLE_REGISTRATION" "IN_VEHICLE" OptIn 2;
    /// A Korean resident registration number.
    KrRrn "KR_RRN" "KR_RRN" OptIn 3;
    /// A Korean foreigner registration number.
    KrFrn "KR_FRN" "KR_FRN" OptIn 3;
    /// A Korean business registration number.
    KrBrn "KR_BRN" "KR_BRN" OptIn 3;
    /// A Korean passport.
    KrPassport "KR_PASSPORT" "KR_PASSPORT" OptIn 2;
    /// A Korean driver's licence.
    KrDriverLicense "KR_DRIVER_LICENSE" "KR_DRIVER_LICENSE" OptIn 2;
    /// A Singaporean identity number.
    SgNricFin "SG_NRIC_FIN" "SG_NRIC_FIN" OptIn 3;
    /// The number of a Singaporean entity.
    SgUen "SG_UEN" "SG_UEN" OptIn 3;
    /// A Thai identity number.
    ThTnin "TH_TNIN" "TH_TNIN" OptIn 3;
    /// A Philippine taxpayer number.
    PhTin "PH_TIN" "PH_TIN" OptIn 2;
    /// A Philippine mobile telephone number.
    PhMobileNumber "PH_MOBILE_NUMBER" "PH_MOBILE" OptIn 2;
    /// A Nigerian identity number.
    NgNin "NG_NIN" "NG_NIN" OptIn 3;
    /// A Nigerian number plate.
    NgVehicleRegistration "NG_VEHICLE_REGISTRATION" "NG_VEHICLE" OptIn 2;
    /// A South African identity number.
    ZaIdNumber "ZA_ID_NUMBER" "ZA_ID_NUMBER" OptIn 3;
    /// A random value assigned to a name such as `password`.
    GenericSecret "GENERIC_SECRET" "GENERIC_SECRET" OptIn 8;
    /// A street and a house number.
    StreetAddress "STREET_ADDRESS" "STREET_ADDRESS" OptIn 1;
    /// A date that words around it call a birthday.
    DateOfBirth "DATE_OF_BIRTH" "DATE_OF_BIRTH" OptIn 2;
    /// A date.
    DateTime "DATE_TIME" "DATE_TIME" OptIn 1;
    /// A URL or a domain.
    Url "URL" "URL" OptIn 1;
    /// A universally unique identifier (RFC 9562).
    Uuid "UUID" "UUID" OptIn 1;
}
