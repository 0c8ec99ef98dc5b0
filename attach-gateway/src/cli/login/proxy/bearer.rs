use std::time::Duration;

use http::HeaderValue;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::cli::login::arguments::Which;
use crate::cli::login::error::LoginError;
use crate::cli::login::refresh;

/// How long a token is used before its file is looked at again: somebody may log out meanwhile.
const FRESH: Duration = Duration::from_secs(5);

/// The bearer of whoever is logged in, refreshed when it has to be.
pub(super) struct Bearer {
    which: Which,
    kept: Mutex<Option<(HeaderValue, Instant)>>,
}

impl Bearer {
    pub(super) fn new(which: Which) -> Self {
        Self { which, kept: Mutex::new(None) }
    }

    /// What goes into `Authorization` now.
    pub(super) async fn value(&self) -> Result<HeaderValue, LoginError> {
        let mut kept = self.kept.lock().await;
        if let Some((value, until)) = &*kept
            && Instant::now() < *until
        {
            return Ok(value.clone());
        }
        *kept = None;
        let token = refresh::token(&self.which).await?;
        let mut value = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| LoginError::Refused("the token has characters that no token has".into()))?;
        value.set_sensitive(true);
        *kept = Some((value.clone(), Instant::now() + FRESH));
        Ok(value)
    }
}
