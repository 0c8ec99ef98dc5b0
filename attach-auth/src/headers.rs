//! What of a request's headers the inner service must not see.

use http::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue};

/// Headers that carry a credential, whatever a server might take for one.
const CREDENTIALS: [&str; 6] =
    ["authorization", "dpop", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key"];

/// Connection options that are no header to drop, or one that an inner service may need.
const OPTIONS: [&str; 5] = ["close", "keep-alive", "upgrade", "te", "http2-settings"];

/// Removes what only we may say (`X-Attach-*` and whatever a server might take for it), what the sender declares to
/// be for this hop only, and, unless `keep_credential`, every credential.
pub(crate) fn clean(headers: &mut HeaderMap, keep_credential: bool) {
    drop_hop_headers(headers);
    let unwanted = |name: &HeaderName| {
        let name = name.as_str();
        begins_like(name, "x-attach-")
            || is_like(name, "x-attach")
            || (!keep_credential && CREDENTIALS.iter().any(|credential| is_like(name, credential)))
    };
    let unwanted: Vec<HeaderName> = headers.keys().filter(|name| unwanted(name)).cloned().collect();
    for name in unwanted {
        headers.remove(name);
    }
}

/// CGI and its descendants turn every odd character of a header's name into the same underscore.
fn begins_like(name: &str, ours: &str) -> bool {
    let same = |(theirs, ours): (u8, u8)| match ours {
        b'-' => !theirs.is_ascii_alphanumeric(),
        _ => theirs.eq_ignore_ascii_case(&ours),
    };
    name.len() >= ours.len() && name.bytes().zip(ours.bytes()).all(same)
}

fn is_like(name: &str, ours: &str) -> bool {
    name.len() == ours.len() && begins_like(name, ours)
}

/// RFC 9110 §7.6.1: the headers that `Connection` lists, and their mention.
fn drop_hop_headers(headers: &mut HeaderMap) {
    if !headers.contains_key(CONNECTION) {
        return;
    }
    let listed: Vec<String> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|option| option.trim().to_ascii_lowercase())
        .filter(|option| !option.is_empty())
        .collect();
    let (kept, dropped): (Vec<_>, Vec<_>) =
        listed.into_iter().partition(|option| OPTIONS.contains(&option.as_str()));
    if dropped.is_empty() {
        return;
    }
    for name in dropped {
        headers.remove(name.as_str());
    }
    headers.remove(CONNECTION);
    if let Ok(value) = HeaderValue::from_str(&kept.join(", "))
        && !kept.is_empty()
    {
        headers.insert(CONNECTION, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(names: &[(&str, &str)], keep: bool) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in names {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            headers.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        clean(&mut headers, keep);
        headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or("?"))).collect()
    }

    #[test]
    fn every_look_alike_goes() {
        let look_alikes = [
            ("X-Attach-User", "root"),
            ("X-Attach-User", "again"),
            ("x_attach_user", "root"),
            ("x.attach.groups", "admins"),
            ("X-ATTACH_SESSION", "1"),
            ("x~attach~user", "root"),
            ("x-attach", "1"),
        ];
        assert_eq!(cleaned(&look_alikes, true), Vec::<String>::new());
        assert_eq!(cleaned(&[("x-attachment", "kept")], false), ["x-attachment: kept"]);
    }

    #[test]
    fn credentials_go_unless_kept() {
        let credentials =
            [("authorization", "Bearer a"), ("x-api-key", "k"), ("X_Api_Key", "k"), ("api-key", "k")];
        assert_eq!(cleaned(&credentials, false), Vec::<String>::new());
        assert_eq!(cleaned(&credentials, true).len(), 4);
    }

    #[test]
    fn headers_of_this_hop_go_and_what_the_connection_needs_stays() {
        let kept = cleaned(
            &[
                ("connection", "X-Secret, Upgrade"),
                ("connection", "keep-alive"),
                ("x-secret", "1"),
                ("upgrade", "websocket"),
            ],
            false,
        );
        assert_eq!(kept.len(), 2);
        assert!(kept.contains(&"connection: upgrade, keep-alive".to_owned()), "{kept:?}");
        assert!(kept.contains(&"upgrade: websocket".to_owned()));
    }
}
