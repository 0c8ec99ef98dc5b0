use attach_core::Dialect;
use attach_core::aws::{AccessKey, Keys};
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};

use crate::config::{Kind, Secret, Upstream};

/// What shows an upstream that it is the gateway who asks, as it is at one time.
pub(super) struct Credential {
    headers: Vec<(Dialect, HeaderName, HeaderValue)>,
    access: Option<Keys>,
    secrets: Vec<Secret>,
}

/// The interfaces that headers may be in.
const DIALECTS: [Dialect; 4] = [Dialect::OpenAi, Dialect::Anthropic, Dialect::Ollama, Dialect::Problem];

impl Credential {
    /// That of `upstream` with these secrets, in the order of [`super::keys`].
    pub(super) fn new(upstream: &Upstream, secrets: Vec<Secret>) -> Self {
        let access = upstream.bedrock.as_ref().and_then(|bedrock| bedrock.access.as_ref());
        let machine = upstream.bedrock.as_ref().and_then(|bedrock| bedrock.machine.as_ref());
        let (mut headers, mut signing) = (Vec::new(), machine.map(crate::machine::keys));
        match (access, &*secrets) {
            (Some(_), [id, secret, token @ ..]) => {
                let key = AccessKey::new(id.expose(), secret.expose());
                signing = Some(Keys::from(match token.first() {
                    Some(token) => key.session_token(token.expose()),
                    None => key,
                }));
            }
            (None, [key]) => {
                let all = DIALECTS.iter().filter_map(|dialect| {
                    let (name, value) = header(upstream, *dialect, key)?;
                    Some((*dialect, name, value))
                });
                headers = all.collect();
            }
            _ => {}
        }
        Self { headers, access: signing, secrets }
    }

    /// The header it is shown in.
    pub(super) fn header(&self, dialect: Dialect) -> Option<(&HeaderName, &HeaderValue)> {
        let (_, name, value) = self.headers.iter().find(|(known, ..)| *known == dialect)?;
        Some((name, value))
    }

    /// The keys that requests are signed with.
    pub(super) fn access(&self) -> Option<&Keys> {
        self.access.as_ref()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.secrets.is_empty() && self.access.is_none()
    }

    /// Whether `text` repeats one of its secrets.
    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        let known = |secret: &Secret| memchr::memmem::find(text, secret.expose().as_bytes()).is_some();
        self.secrets.iter().any(known) || self.access.as_ref().is_some_and(|keys| keys.is_in(text))
    }

    /// Whether it is made of these.
    pub(super) fn is_of(&self, secrets: &[Secret]) -> bool {
        self.secrets == secrets
    }
}

/// The header that carries an upstream's own key.
fn header(upstream: &Upstream, dialect: Dialect, key: &Secret) -> Option<(HeaderName, HeaderValue)> {
    let key = key.expose();
    let bearer = upstream.azure.as_ref().is_none_or(|azure| azure.bearer);
    let anthropic = dialect == Dialect::Anthropic && upstream.kind == Kind::Anthropic;
    let (name, text) = if anthropic {
        (HeaderName::from_static("x-api-key"), key.to_owned())
    } else if bearer {
        (AUTHORIZATION, format!("Bearer {key}"))
    } else {
        (HeaderName::from_static("api-key"), key.to_owned())
    };
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}
