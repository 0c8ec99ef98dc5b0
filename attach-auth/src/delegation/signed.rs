//! Whom a front end says a request is for, in headers that it signed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use attach_core::identity::Group;
use attach_core::{Api, BodyCheck, Identity, Rejection};
use aws_lc_rs::digest::{SHA256, digest};
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, Method};

use super::asserted::{malformed, not_allowed};
use super::registry::WINDOW;
use super::signature::{Message, SignatureInput, base, sha256_of};
use super::{Delegation, FrontEnd};
use crate::Denial;
use crate::clock::since_epoch;
use crate::once::Shown;

const USER: &str = "x-attach-user";
const DIRECTORY: &str = "x-attach-directory";
const EMAIL: &str = "x-attach-email";
const NAME: &str = "x-attach-name";
const GROUPS: &str = "x-attach-groups";
const DIGEST: &str = "content-digest";
const INPUT: &str = "signature-input";
const SIGNATURE: &str = "signature";

/// The headers of which any makes a request one that speaks for somebody.
pub(super) const SIGNED_HEADERS: [&str; 7] = [USER, DIRECTORY, EMAIL, NAME, GROUPS, INPUT, SIGNATURE];

/// Of those, the ones that say who it is.
const SAYING: [&str; 5] = [USER, DIRECTORY, EMAIL, NAME, GROUPS];

/// The longest value of a header that says who somebody is, in bytes; groups may be longer.
const MAX_VALUE: usize = 512;
const MAX_GROUPS: usize = 8 << 10;

/// How long a nonce has to be, in characters, so that nobody hits on another's.
const NONCE: std::ops::RangeInclusive<usize> = 16..=128;

/// The person that `headers`, as they came, say the request is for.
pub(super) async fn person(
    delegation: &Delegation,
    front_end: &FrontEnd,
    headers: &HeaderMap,
    parts: &mut Parts,
) -> Result<Identity, Denial> {
    if front_end.keys.is_empty() {
        return Err(not_allowed("way", "this front end may not sign for its users; pass their tokens"));
    }
    let message = Message { method: &parts.method, uri: &parts.uri, headers };
    let text =
        one(headers, INPUT)?.ok_or_else(|| malformed("the headers that say who calls are not signed"))?;
    let input = SignatureInput::parse(text).ok_or_else(|| {
        malformed("`Signature-Input` is not one signature with created, nonce, keyid and alg")
    })?;
    let body = Promise::of(&message, parts)?;
    check_covered(&input, &message, body.is_some())?;
    check_time(&input, since_epoch(delegation.clock.now()))?;
    check_signature(front_end, &input, &message)?;
    let person = read(front_end, headers, input.created)?;
    let shown =
        delegation.nonces.show(&["front_end", &front_end.name], input.nonce, &*delegation.clock).await?;
    if shown == Shown::Again {
        return Err(Denial::invalid_token("delegation_replayed").with_message("this nonce was used before"));
    }
    if let Some(promise) = body {
        parts.extensions.insert(promise.check());
    }
    Ok(person)
}

/// The digest that the sender promises the body to have.
struct Promise([u8; 32]);

impl Promise {
    /// `None` where there is no body. Where nobody would read the body, nobody would keep the promise.
    fn of(message: &Message<'_>, parts: &Parts) -> Result<Option<Self>, Denial> {
        let known =
            parts.extensions.get::<Api>().is_some() || Api::of(message.method, message.uri.path()).is_some();
        if !known {
            let length = message.headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0");
            let body = length || message.headers.contains_key(TRANSFER_ENCODING);
            let bodiless = matches!(*message.method, Method::GET | Method::HEAD) && !body;
            return if bodiless {
                Ok(None)
            } else {
                Err(malformed("a body cannot be signed for this endpoint"))
            };
        }
        let text = message.field(DIGEST).ok_or_else(|| not_covered(DIGEST))?;
        let digest = sha256_of(&text).ok_or_else(|| malformed("`Content-Digest` has no sha-256"))?;
        Ok(Some(Self(digest)))
    }

    fn check(self) -> BodyCheck {
        BodyCheck::new(move |body| {
            if digest(&SHA256, body).as_ref() == self.0 {
                return Ok(());
            }
            Err(Rejection::bad_request("digest_mismatch", "the body is not the one that was signed"))
        })
    }
}

/// Everything that the decision rests on has to be under the signature.
fn check_covered(input: &SignatureInput<'_>, message: &Message<'_>, body: bool) -> Result<(), Denial> {
    let said = SAYING.into_iter().filter(|name| message.headers.contains_key(*name));
    let query = message.uri.query().map(|_| "@query");
    let needed =
        ["@method", "@path", USER].into_iter().chain(query).chain(body.then_some(DIGEST)).chain(said);
    match needed.into_iter().find(|component| !input.covers(component)) {
        Some(missing) => Err(not_covered(missing)),
        None => Ok(()),
    }
}

fn not_covered(component: &str) -> Denial {
    Denial::invalid_token("delegation_not_covered")
        .with_message(format!("the signature does not cover `{component}`"))
}

fn check_time(input: &SignatureInput<'_>, now: u64) -> Result<(), Denial> {
    let over = input.expires.is_some_and(|expires| expires <= now);
    if over || now.abs_diff(input.created) > WINDOW.as_secs() {
        return Err(Denial::invalid_token("delegation_expired")
            .with_message("the signature was made too long ago, or the clocks are apart"));
    }
    Ok(())
}

fn check_signature(
    front_end: &FrontEnd,
    input: &SignatureInput<'_>,
    message: &Message<'_>,
) -> Result<(), Denial> {
    if !NONCE.contains(&input.nonce.len()) {
        return Err(malformed("the nonce has fewer than 16 characters, or more than 128"));
    }
    let text = one(message.headers, SIGNATURE)?.ok_or_else(|| malformed("there is no `Signature`"))?;
    let signature =
        input.signature(text).ok_or_else(|| malformed("`Signature` is not the one of the input"))?;
    let key = front_end.keys.iter().find(|key| key.id() == input.keyid && key.algorithm() == input.alg);
    let key = key.ok_or_else(|| Denial::invalid_token("delegation_unknown_key"))?;
    let base =
        base(input, message).ok_or_else(|| malformed("a component of the signature has no value here"))?;
    if key.verifies(&base, &signature) { Ok(()) } else { Err(Denial::invalid_token("delegation_signature")) }
}

/// The person the headers tell of, now that they are known to be the front end's.
fn read(front_end: &FrontEnd, headers: &HeaderMap, created: u64) -> Result<Identity, Denial> {
    let said = |name| said(headers, name);
    let id = said(USER)?.ok_or_else(|| malformed("`X-Attach-User` is missing"))?;
    let directory = match (said(DIRECTORY)?, front_end.directories.as_slice()) {
        (Some(named), _) => named.into(),
        (None, [only]) => Arc::clone(only),
        (None, _) => return Err(malformed("`X-Attach-Directory` has to say whose user this is")),
    };
    if !front_end.speaks_for(&directory) {
        return Err(not_allowed("directory", "this front end may not speak for people of that directory"));
    }
    let mut person = Identity::person(Arc::clone(&directory), id);
    person.email = said(EMAIL)?.map(Into::into);
    person.name = said(NAME)?.map(Into::into);
    person.groups = groups(front_end, headers, &directory)?;
    person.issued_at = moment(created);
    if !front_end.members_of.is_empty() && !front_end.members_of.iter().any(|group| person.is_member(group)) {
        return Err(Denial::forbidden("group_not_allowed").with_reason("group"));
    }
    Ok(person)
}

/// A group that may not be said is refused and not left out: a rule may deny by it.
fn groups(
    front_end: &FrontEnd,
    headers: &HeaderMap,
    directory: &Arc<str>,
) -> Result<BTreeSet<Group>, Denial> {
    let Some(list) = one(headers, GROUPS)? else { return Ok(BTreeSet::new()) };
    if list.len() > MAX_GROUPS {
        return Err(malformed("`X-Attach-Groups` is too long"));
    }
    let names = list.split(',').map(|name| unescaped(name.trim()).filter(|name| !name.is_empty()));
    let names: Vec<String> =
        names.collect::<Option<_>>().ok_or_else(|| malformed("`X-Attach-Groups` cannot be read"))?;
    if !names.iter().all(|name| front_end.may_assert(name)) {
        return Err(not_allowed("group", "this front end may not say that somebody is in that group"));
    }
    Ok(names.into_iter().map(|name| Group::new(Arc::clone(directory), name)).collect())
}

/// One header's text, escapes undone.
fn said(headers: &HeaderMap, name: &'static str) -> Result<Option<String>, Denial> {
    let Some(text) = one(headers, name)? else { return Ok(None) };
    let text = unescaped(text).filter(|text| !text.is_empty() && text.len() <= MAX_VALUE);
    text.map(Some)
        .ok_or_else(|| malformed("a header that says who calls is empty, too long or cannot be read"))
}

fn one<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, Denial> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(_), Some(_)) => Err(malformed("a header that says who calls is there twice")),
        (Some(value), None) => {
            value.to_str().map(Some).map_err(|_| malformed("a header that says who calls is not ASCII"))
        }
        (None, _) => Ok(None),
    }
}

/// Undoes percent-encoding; `None` if it is none, or hides what is not text or not printable.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let digit = |byte: Option<u8>| u8::try_from(char::from(byte?).to_digit(16)?).ok();
        out.push(if byte == b'%' { digit(bytes.next())? << 4 | digit(bytes.next())? } else { byte });
    }
    String::from_utf8(out).ok().filter(|text| !text.chars().any(char::is_control))
}

fn moment(seconds: u64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}
