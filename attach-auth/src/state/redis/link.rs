use std::fmt;
use std::future::Future;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, Pipeline, RedisError, ScriptInvocation};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::super::backend::Lost;

/// One connection, opened when it is needed and given up after any error. Nothing waits longer than it says.
pub(super) struct Link {
    client: Client,
    open: Mutex<Option<MultiplexedConnection>>,
}

impl Link {
    pub(super) fn new(client: Client) -> Self {
        Self { client, open: Mutex::const_new(None) }
    }

    pub(super) async fn pipe<T: FromRedisValue>(
        &self,
        pipe: &Pipeline,
        deadline: Duration,
    ) -> Result<T, Lost> {
        let work = async {
            let mut connection = self.connection().await?;
            pipe.query_async(&mut connection).await
        };
        self.within(deadline, work).await
    }

    pub(super) async fn call<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
        deadline: Duration,
    ) -> Result<T, Lost> {
        let work = async {
            let mut connection = self.connection().await?;
            script.invoke_async(&mut connection).await
        };
        self.within(deadline, work).await
    }

    /// How many replicas have what this connection wrote so far.
    pub(super) async fn replicas(&self, wanted: u32, deadline: Duration) -> Result<u32, Lost> {
        let mut wait = redis::cmd("WAIT");
        wait.arg(wanted).arg(u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX));
        let open = self.open.lock().await.clone();
        // A new connection wrote nothing and would be told so.
        let Some(mut connection) = open else { return Ok(0) };
        self.within(deadline * 2, async { wait.query_async(&mut connection).await }).await
    }

    /// The next command opens another connection.
    pub(super) fn close(&self) {
        // Held by somebody: one who opens another just now, or will find this one broken as well.
        if let Ok(mut open) = self.open.try_lock() {
            *open = None;
        }
    }

    async fn connection(&self) -> Result<MultiplexedConnection, RedisError> {
        let mut open = self.open.lock().await;
        if let Some(connection) = &*open {
            return Ok(connection.clone());
        }
        // Every wait has a limit of ours around it.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        Ok(open.insert(connection).clone())
    }

    async fn within<T>(
        &self,
        deadline: Duration,
        work: impl Future<Output = Result<T, RedisError>>,
    ) -> Result<T, Lost> {
        let lost = match timeout(deadline, work).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => Lost::Unreachable(describe(&error)),
            Err(_) => Lost::Unreachable("no answer in time".into()),
        };
        self.close();
        Err(lost)
    }
}

/// What went wrong, without what was sent.
fn describe(error: &RedisError) -> Box<str> {
    match error.code() {
        Some(code) => format!("it refused with {code}").into(),
        None => format!("{:?}", error.kind()).into(),
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}
