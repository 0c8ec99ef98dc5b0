use super::SendError;

/// Does what takes its time, such as writing a megabyte of JSON, off the runtime's threads: whatever else is on one of
/// them would be held up.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, SendError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| SendError::unavailable(error.to_string()))
}
