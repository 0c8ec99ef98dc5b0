//! What is looked for, one file per kind.

pub(crate) mod broken;
pub(crate) mod crypto;
pub(crate) mod digits;
pub(crate) mod email;
pub(crate) mod extras;
pub(crate) mod iban;
pub(crate) mod ids;
pub(crate) mod ip;
pub(crate) mod names;
pub(crate) mod phone;
pub(crate) mod secrets;
pub(crate) mod spelled;
pub(crate) mod terms;
pub(crate) mod url;
