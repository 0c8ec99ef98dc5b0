use std::io;

use rustls::{CertificateError, Error};

/// Why a TLS handshake did not come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unshaken {
    /// The client's certificate is not by an authority that is believed, or not one for clients.
    Untrusted,
    /// It is not good any more, or not yet.
    Expired,
    /// It is on a list of those that are revoked.
    Revoked,
    /// The list that would say so is missing or out of date.
    RevocationUnknown,
    /// The client showed none.
    NoCertificate,
    /// The client broke it off, most often because it does not believe our certificate.
    Client,
    /// It is no TLS, or none that both speak.
    Protocol,
    /// The connection ended.
    Broken,
    /// It took too long.
    Timeout,
}

impl Unshaken {
    pub(crate) const ALL: [Self; 9] = [
        Self::Untrusted,
        Self::Expired,
        Self::Revoked,
        Self::RevocationUnknown,
        Self::NoCertificate,
        Self::Client,
        Self::Protocol,
        Self::Broken,
        Self::Timeout,
    ];

    /// Of what the acceptor said.
    pub(super) fn of(error: &io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(Error::InvalidCertificate(why)) => Self::of_certificate(why),
            Some(Error::NoCertificatesPresented) => Self::NoCertificate,
            Some(Error::AlertReceived(_)) => Self::Client,
            Some(_) => Self::Protocol,
            None => Self::Broken,
        }
    }

    fn of_certificate(why: &CertificateError) -> Self {
        match why {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Self::Expired,
            CertificateError::Revoked => Self::Revoked,
            CertificateError::ExpiredRevocationList
            | CertificateError::ExpiredRevocationListContext { .. }
            | CertificateError::UnknownRevocationStatus => Self::RevocationUnknown,
            _ => Self::Untrusted,
        }
    }

    /// What metrics call it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Untrusted => "untrusted",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::RevocationUnknown => "revocation_unknown",
            Self::NoCertificate => "no_certificate",
            Self::Client => "client",
            Self::Protocol => "protocol",
            Self::Broken => "broken",
            Self::Timeout => "timeout",
        }
    }
}
