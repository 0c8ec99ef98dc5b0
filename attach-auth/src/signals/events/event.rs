use std::time::{Duration, SystemTime};

use attach_core::json::{Kind, Value};

use crate::revocation::Effect;
use crate::signals::subject::{BadSubject, Named};

/// Events that mean that what was issued before is refused.
const NOT_BEFORE: [&str; 4] = [
    "https://schemas.openid.net/secevent/caep/event-type/session-revoked",
    "https://schemas.openid.net/secevent/caep/event-type/credential-change",
    "https://schemas.openid.net/secevent/risc/event-type/sessions-revoked",
    "https://schemas.openid.net/secevent/risc/event-type/credential-compromise",
];
/// Events that mean that everything is refused.
const DISABLED: [&str; 2] = [
    "https://schemas.openid.net/secevent/risc/event-type/account-disabled",
    "https://schemas.openid.net/secevent/risc/event-type/account-purged",
];
const ENABLED: &str = "https://schemas.openid.net/secevent/risc/event-type/account-enabled";

/// What one event means, and for whom.
#[derive(Debug)]
pub(super) struct Meaning {
    pub(super) named: Named,
    pub(super) effect: Effect,
}

/// What the claims of an event token, issued at `iat`, ask for: nothing, if none of its events does.
pub(super) fn read(claims: Value<'_>, iat: SystemTime) -> Result<Vec<Meaning>, &'static str> {
    let events = claims.get("events").filter(|events| events.kind() == Kind::Object);
    let mut events = events.ok_or("there is no `events`")?.members().peekable();
    if events.peek().is_none() {
        return Err("`events` is empty");
    }
    let mut meanings = Vec::new();
    for (uri, event) in events.take(10) {
        if event.kind() != Kind::Object {
            return Err("an event is not an object");
        }
        let Some(effect) = effect(&uri, event, claims, iat)? else { continue };
        // CAEP before its final version had the subject inside the event.
        let subject = claims.get("sub_id").or_else(|| event.get("subject")).ok_or("there is no `sub_id`")?;
        let named = Named::parse(subject).map_err(|bad| match bad {
            BadSubject::Malformed => "the subject is malformed",
            BadSubject::Unsupported => "the subject's format is not supported",
        })?;
        meanings.push(Meaning { named, effect });
    }
    Ok(meanings)
}

fn effect(
    uri: &str,
    event: Value<'_>,
    claims: Value<'_>,
    iat: SystemTime,
) -> Result<Option<Effect>, &'static str> {
    if NOT_BEFORE.contains(&uri) {
        let at = match (event.get("event_timestamp"), claims.get("toe")) {
            (Some(at), _) | (None, Some(at)) => moment(at).ok_or("the time of the event is no time")?,
            (None, None) => iat,
        };
        // Nobody can say today what is to be refused tomorrow.
        return Ok(Some(Effect::NotBefore(at.min(iat))));
    }
    Ok(match uri {
        ENABLED => Some(Effect::Enabled),
        uri if DISABLED.contains(&uri) => Some(Effect::Disabled),
        _ => None,
    })
}

/// A NumericDate; some transmitters write milliseconds.
fn moment(value: Value<'_>) -> Option<SystemTime> {
    let number = value.as_u64()?;
    let seconds = if number > 100_000_000_000 { number / 1000 } else { number };
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use attach_core::json::Document;

    use super::*;
    use crate::revocation::Subject;

    fn effects(json: &str) -> Result<Vec<Effect>, &'static str> {
        let document = Document::parse(json.to_owned().into()).expect("JSON");
        let iat = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        read(document.root(), iat).map(|all| all.into_iter().map(|meaning| meaning.effect).collect())
    }

    fn with(uri: &str, event: &str) -> String {
        format!(r#"{{"sub_id":{{"format":"opaque","id":"00u1"}},"events":{{"{uri}":{event}}}}}"#)
    }

    #[test]
    fn the_time_is_the_events_own_and_never_later_than_the_tokens() {
        let at = |seconds| Ok(vec![Effect::NotBefore(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))]);
        assert_eq!(effects(&with(NOT_BEFORE[0], r#"{"event_timestamp":900}"#)), at(900));
        assert_eq!(effects(&with(NOT_BEFORE[1], "{}")), at(1000));
        assert_eq!(effects(&with(NOT_BEFORE[1], r#"{"event_timestamp":99999}"#)), at(1000));
        assert!(effects(&with(NOT_BEFORE[1], r#"{"event_timestamp":"soon"}"#)).is_err());
    }

    #[test]
    fn accounts_are_disabled_and_enabled_and_what_we_do_not_know_asks_for_nothing() {
        assert_eq!(effects(&with(DISABLED[0], "{}")), Ok(vec![Effect::Disabled]));
        assert_eq!(effects(&with(ENABLED, "{}")), Ok(vec![Effect::Enabled]));
        let other = "https://schemas.openid.net/secevent/caep/event-type/token-claims-change";
        assert_eq!(effects(&with(other, "{}")), Ok(vec![]));
        assert!(effects(r#"{"events":{}}"#).is_err());
        assert!(effects(&with(other, "[]")).is_err());
    }

    #[test]
    fn a_subject_within_the_event_is_found() {
        let json = format!(
            r#"{{"events":{{"{}":{{"subject":{{"format":"email","email":"A@x.test"}}}}}}}}"#,
            NOT_BEFORE[0]
        );
        let document = Document::parse(json.into()).expect("JSON");
        let all = read(document.root(), SystemTime::UNIX_EPOCH).expect("an event");
        assert_eq!(all[0].named.users, [Subject::name("a@x.test")]);
    }
}
