use http::Uri;
use openidconnect::url::form_urlencoded;

use super::answer::Refused;

/// What is asked for behind the `?`.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn of(uri: &Uri) -> Self {
        let text = uri.query().unwrap_or_default();
        Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// A filter that is misspelt must not look like none.
    pub(super) fn knows(&self, names: &[&str]) -> Result<(), Refused> {
        match self.0.iter().find(|(name, _)| !names.contains(&&**name)) {
            Some((name, _)) => {
                Err(Refused::bad_request(&format!("{name:?} is not one of {}", names.join(", "))))
            }
            None => Ok(()),
        }
    }

    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| &**value)
    }

    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, Refused> {
        let mut all = self.all(name).filter(|value| !value.is_empty());
        match (all.next(), all.next()) {
            (_, Some(_)) => Err(Refused::bad_request(&format!("`{name}` is there twice"))),
            (one, None) => Ok(one),
        }
    }
}
