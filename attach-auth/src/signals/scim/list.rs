//! What a request for resources asks for (RFC 7644 §3.4.2).

use serde_json::Value;

use super::attribute::Object;
use super::error::ScimError;

/// Resources in one answer at most, and unless asked otherwise.
const MOST: usize = 1000;
const USUAL: usize = 100;

/// The parameters of a query that are looked at.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) filter: Option<String>,
    start: Option<i64>,
    count: Option<i64>,
    only: Vec<String>,
    without: Vec<String>,
}

impl Asked {
    pub(super) fn parse(query: Option<&str>) -> Result<Self, ScimError> {
        let mut asked = Self::default();
        let number = |text: &str| {
            text.trim()
                .parse()
                .map(Some)
                .map_err(|_| ScimError::invalid_value("startIndex and count are numbers"))
        };
        let names = |text: &str| text.split(',').map(|name| name.trim().to_owned()).collect();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match &*name.to_ascii_lowercase() {
                "filter" => asked.filter = Some(value.into_owned()),
                "startindex" => asked.start = number(&value)?,
                "count" => asked.count = number(&value)?,
                "attributes" => asked.only = names(&value),
                "excludedattributes" => asked.without = names(&value),
                _ => {}
            }
        }
        Ok(asked)
    }

    /// How many to leave out, and how many to show after that.
    pub(super) fn page(&self) -> (usize, usize) {
        let skip = self.start.map_or(0, |start| usize::try_from(start - 1).unwrap_or(0));
        (skip, self.count.map_or(USUAL, |count| usize::try_from(count).unwrap_or(0)).min(MOST))
    }

    /// What of a resource is shown (RFC 7644 §3.9); its id always is.
    pub(super) fn project(&self, mut object: Object) -> Value {
        let names = |list: &[String], name: &str| {
            list.iter().any(|one| {
                let one = one.rsplit(':').next().unwrap_or(one).split('.').next().unwrap_or(one);
                one.eq_ignore_ascii_case(name)
            })
        };
        object.retain(|name, _| {
            matches!(&**name, "id" | "schemas" | "meta")
                || ((self.only.is_empty() || names(&self.only, name)) && !names(&self.without, name))
        });
        Value::Object(object)
    }
}
