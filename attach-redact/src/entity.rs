use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::ConfigError;

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
    /// `EMAIL_ADDRESS`
    Email,
    /// `PHONE_NUMBER`
    Phone,
    /// `CREDIT_CARD`: a payment card's number.
    CreditCard,
    /// `IBAN_CODE`: an international bank account number.
    Iban,
    /// `US_SSN`: a United States social security number.
    UsSsn,
    /// `IP_ADDRESS`, version 4 or 6.
    IpAddress,
    /// `MAC_ADDRESS`
    MacAddress,
    /// `CRYPTO`: a Bitcoin address.
    Crypto,
    /// `URL_CREDENTIALS`: the user and the password in a URL.
    UrlCredentials,
    /// `SECRET`: an API key, a token, a private key.
    Secret,
    /// `PERSON`: a person's name.
    Person,
    /// Anything else, under a name of its own: configured terms, patterns and recognizers.
    Custom(Custom),
}

/// The name of an entity that is not built in; made by [`Entity::custom`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Custom(Arc<str>);

impl Entity {
    /// Every built-in entity.
    pub const BUILT_IN: [Self; 11] = [
        Self::Email,
        Self::Phone,
        Self::CreditCard,
        Self::Iban,
        Self::UsSsn,
        Self::IpAddress,
        Self::MacAddress,
        Self::Crypto,
        Self::UrlCredentials,
        Self::Secret,
        Self::Person,
    ];

    /// The entity called `name`; the built-in one if there is one of that name.
    ///
    /// # Errors
    ///
    /// A name that is not `[A-Z][A-Z0-9_]*`, has more than 32 characters or contains `PII`.
    pub fn custom(name: &str) -> Result<Self, ConfigError> {
        if let Some(known) = Self::BUILT_IN.into_iter().find(|entity| entity.name() == name) {
            return Ok(known);
        }
        let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        let valid = name.len() <= 32
            && name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.bytes().all(allowed)
            && !name.contains("PII")
            && !name.ends_with('_')
            && name != LITERAL;
        if valid { Ok(Self::Custom(Custom(name.into()))) } else { Err(ConfigError::EntityName(name.into())) }
    }

    /// The stable name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Email => "EMAIL_ADDRESS",
            Self::Phone => "PHONE_NUMBER",
            Self::CreditCard => "CREDIT_CARD",
            Self::Iban => "IBAN_CODE",
            Self::UsSsn => "US_SSN",
            Self::IpAddress => "IP_ADDRESS",
            Self::MacAddress => "MAC_ADDRESS",
            Self::Crypto => "CRYPTO",
            Self::UrlCredentials => "URL_CREDENTIALS",
            Self::Secret => "SECRET",
            Self::Person => "PERSON",
            Self::Custom(custom) => &custom.0,
        }
    }

    /// What placeholders call it.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::Email => "EMAIL",
            Self::Phone => "PHONE",
            Self::Iban => "IBAN",
            Self::IpAddress => "IP",
            Self::MacAddress => "MAC",
            Self::UrlCredentials => "CREDENTIALS",
            other => other.name(),
        }
    }

    /// Which of two otherwise equal findings names the union: the higher.
    pub(crate) fn priority(&self) -> u8 {
        match self {
            Self::Secret => 9,
            Self::UrlCredentials => 8,
            Self::Iban => 7,
            Self::CreditCard => 6,
            Self::UsSsn => 5,
            Self::Email => 4,
            Self::IpAddress | Self::MacAddress | Self::Crypto | Self::Custom(_) => 3,
            Self::Phone => 2,
            Self::Person => 1,
        }
    }
}

/// The label of a caller's own text that would be taken for a placeholder.
pub(crate) const LITERAL: &str = "LITERAL";

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Entity {
    type Err = ConfigError;

    fn from_str(name: &str) -> Result<Self, ConfigError> {
        Self::custom(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_labels_are_distinct() {
        let distinct = |of: fn(&Entity) -> &str| {
            let mut seen: Vec<_> = Entity::BUILT_IN.iter().map(|entity| of(entity).to_owned()).collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), Entity::BUILT_IN.len());
        };
        distinct(Entity::name);
        distinct(Entity::label);
    }

    #[test]
    fn a_name_that_could_confuse_placeholders_is_refused() {
        for name in ["", "person", "A B", "9A", "MY_PII_TYPE", "LITERAL", "A_", &"A".repeat(33)] {
            assert!(Entity::custom(name).is_err(), "{name:?}");
        }
    }
}
