use super::fields::{bytes, integer, key, string};

/// The longest `Signature-Input` that is looked at, in bytes.
const MAX_INPUT: usize = 2048;

/// The one member of `Signature-Input` (RFC 9421 §4.1), with every parameter that we ask for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SignatureInput<'a> {
    pub(super) label: &'a str,
    /// The covered components, in order, without a second mention of any.
    pub(crate) components: Vec<&'a str>,
    /// The components and parameters as they were written, which is how they are signed (RFC 9421 §2.3).
    pub(super) params: &'a str,
    /// Seconds since the epoch.
    pub(crate) created: u64,
    /// Seconds since the epoch.
    pub(crate) expires: Option<u64>,
    pub(crate) nonce: &'a str,
    pub(crate) keyid: &'a str,
    pub(crate) alg: &'a str,
}

impl<'a> SignatureInput<'a> {
    /// `None` if it is anything but one signature whose creator said when, once, by which key and how.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        if text.len() > MAX_INPUT {
            return None;
        }
        let (label, rest) = key(text)?;
        let params = rest.strip_prefix('=')?;
        let (components, rest) = components(params)?;
        let given = Given::parse(rest)?;
        Some(Self {
            label,
            components,
            params,
            created: given.created?,
            expires: given.expires,
            nonce: given.nonce?,
            keyid: given.keyid?,
            alg: given.alg?,
        })
    }

    /// The signature of this label, if `text` (a `Signature` field, RFC 9421 §4.2) holds it and no other.
    pub(crate) fn signature(&self, text: &str) -> Option<Vec<u8>> {
        let (label, rest) = key(text)?;
        let (signature, rest) = bytes(rest.strip_prefix('=')?)?;
        (label == self.label && rest.is_empty()).then_some(signature)
    }

    pub(crate) fn covers(&self, component: &str) -> bool {
        self.components.contains(&component)
    }
}

/// An inner list of strings without parameters, and what comes after it.
fn components(text: &str) -> Option<(Vec<&str>, &str)> {
    let mut rest = text.strip_prefix('(')?;
    let mut components = Vec::new();
    loop {
        let (component, after) = string(rest)?;
        if components.contains(&component) {
            return None;
        }
        components.push(component);
        match after.strip_prefix(' ') {
            Some(next) => rest = next,
            None => return Some((components, after.strip_prefix(')')?)),
        }
    }
}

#[derive(Default)]
struct Given<'a> {
    created: Option<u64>,
    expires: Option<u64>,
    nonce: Option<&'a str>,
    keyid: Option<&'a str>,
    alg: Option<&'a str>,
    tag: Option<&'a str>,
}

impl<'a> Given<'a> {
    /// A parameter that we do not know may mean that the signature is not what it seems, so it is refused.
    fn parse(mut rest: &'a str) -> Option<Self> {
        let mut given = Self::default();
        while !rest.is_empty() {
            let (name, after) = key(rest.strip_prefix(';')?)?;
            let value = after.strip_prefix('=')?;
            rest = match name {
                "created" => once(&mut given.created, integer(value)?)?,
                "expires" => once(&mut given.expires, integer(value)?)?,
                "nonce" => once(&mut given.nonce, string(value)?)?,
                "keyid" => once(&mut given.keyid, string(value)?)?,
                "alg" => once(&mut given.alg, string(value)?)?,
                "tag" => once(&mut given.tag, string(value)?)?,
                _ => return None,
            };
        }
        Some(given)
    }
}

fn once<'a, T>(place: &mut Option<T>, (value, rest): (T, &'a str)) -> Option<&'a str> {
    place.replace(value).is_none().then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"sig1=("@method" "@path");created=1;keyid="k";alg="ed25519";nonce="n""#;

    #[test]
    fn every_parameter_is_found() {
        let input = SignatureInput::parse(GOOD).unwrap();
        assert_eq!(input.components, ["@method", "@path"]);
        assert_eq!((input.created, input.keyid, input.alg, input.nonce), (1, "k", "ed25519", "n"));
        assert_eq!(input.params, GOOD.strip_prefix("sig1=").unwrap());
        assert_eq!(input.signature("sig1=:Zg==:").as_deref(), Some(b"f".as_slice()));
        for other in
            ["sig2=:Zg==:", "sig1=:Zg==:, sig2=:Zg==:", "sig1=:Zg==:;x", "sig1=Zg==", "sig1=\"Zg==\""]
        {
            assert_eq!(input.signature(other), None, "{other}");
        }
    }

    #[test]
    fn anything_but_one_signature_in_canonical_spelling_is_refused() {
        for (what, by) in [
            (";created=1", ""),
            (";created=1", ";created=1;created=2"),
            (";created=1", ";created=\"1\""),
            (";created=1", "; created=1"),
            (";nonce=\"n\"", ""),
            (";keyid=\"k\"", ""),
            (";alg=\"ed25519\"", ""),
            (";alg=\"ed25519\"", ";alg=ed25519"),
            (";alg=\"ed25519\"", ";alg=\"ed25519\";new=1"),
            ("\"@path\"", "\"@path\" \"@path\""),
            ("\"@path\"", "\"@path\";req"),
            ("\"@path\"", " \"@path\""),
            ("\"@path\"", "@path"),
            ("(\"@method\" \"@path\")", "()"),
            ("\"@path\")", "\"@path\""),
            ("nonce=\"n\"", "nonce=\"n\", sig2=(\"@method\")"),
            ("sig1=", "sig1 ="),
            ("sig1=", "Sig1="),
            ("sig1=", ""),
        ] {
            let text = GOOD.replace(what, by);
            assert_eq!(SignatureInput::parse(&text), None, "{text}");
        }
        let long = GOOD.replace("\"k\"", &format!("\"{}\"", "k".repeat(MAX_INPUT)));
        assert_eq!(SignatureInput::parse(&long), None);
    }
}
