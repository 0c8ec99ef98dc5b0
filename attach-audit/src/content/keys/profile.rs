use std::fmt;

use attach_core::Identity;
use serde::{Deserialize, Serialize};

/// Who somebody is, for people's eyes: what the log itself leaves out.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Profile {
    /// The directory.
    pub directory: String,
    /// The stable id in it.
    pub id: String,
    /// The display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The name the directory knows them by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
}

impl Profile {
    pub(super) fn of(identity: &Identity) -> Self {
        let text = |text: &Option<std::sync::Arc<str>>| text.as_deref().map(str::to_owned);
        Self {
            directory: identity.directory.to_string(),
            id: identity.id.to_string(),
            name: text(&identity.name),
            email: text(&identity.email),
            user_name: text(&identity.user_name),
        }
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile").field("directory", &self.directory).finish_non_exhaustive()
    }
}
