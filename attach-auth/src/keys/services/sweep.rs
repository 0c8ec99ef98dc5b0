use super::standing::state;
use super::{ServiceState, Services};
use crate::keys::KeyError;

impl Services {
    /// Disables what has been idle for too long or has no owner left, so that it stays so until an administrator
    /// looks at it. Their keys are refused before that. To be called every few minutes; says how many it disabled.
    ///
    /// # Errors
    ///
    /// When it cannot be recorded; the next call tries again.
    pub async fn sweep(&self) -> Result<usize, KeyError> {
        let (mut stopped, now) = (0, self.keys.now());
        if self.keys.is_down().is_some() {
            return Err(KeyError::Unavailable("the store is down".into()));
        }
        for service in self.keys.index.services() {
            let is = state(&self.keys, &service, now);
            if service.service.disabled.is_none()
                && matches!(is, ServiceState::Idle | ServiceState::Ownerless)
            {
                self.stop("sweep", &service, is).await?;
                stopped += 1;
            }
        }
        Ok(stopped)
    }
}
