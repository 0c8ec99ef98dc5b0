use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::SentinelClient;
use redis::{AsyncConnectionConfig, Client, RedisError, ScriptInvocation};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How long opening a connection may take, whoever waits for it.
const OPENING: Duration = Duration::from_secs(2);

/// What is behind the URL.
#[derive(Clone)]
pub(super) enum Target {
    Single(Box<Client>),
    Cluster(Box<ClusterClient>),
    Sentinel(Arc<Mutex<SentinelClient>>),
}

/// A connection that many use at once.
#[derive(Clone)]
pub(super) enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// Why there is no answer, without what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble(pub(super) Box<str>);

impl From<RedisError> for Trouble {
    fn from(error: RedisError) -> Self {
        Self(match error.code() {
            Some(code) => format!("it refused with {code}").into(),
            None => format!("{:?}", error.kind()).into(),
        })
    }
}

/// One connection, opened when it is needed and given up after an error.
#[derive(Clone)]
pub(super) struct Link(Arc<Inner>);

struct Inner {
    target: Target,
    open: ArcSwapOption<Connection>,
    opening: Arc<Mutex<()>>,
}

impl Link {
    pub(super) fn new(target: Target) -> Self {
        Self(Arc::new(Inner { target, open: ArcSwapOption::empty(), opening: Arc::default() }))
    }

    /// The connection. It is opened in a task of its own: it may take longer than somebody has who waits for it, and
    /// is there for the next.
    pub(super) async fn connection(&self) -> Result<Arc<Connection>, Trouble> {
        if let Some(open) = self.0.open.load_full() {
            return Ok(open);
        }
        let turn = Arc::clone(&self.0.opening).lock_owned().await;
        if let Some(open) = self.0.open.load_full() {
            return Ok(open);
        }
        let inner = Arc::clone(&self.0);
        let opening = tokio::spawn(async move {
            let _turn = turn;
            let connection = Arc::new(within(OPENING, async { Ok(inner.target.connect().await?) }).await?);
            inner.open.store(Some(Arc::clone(&connection)));
            Ok(connection)
        });
        opening.await.unwrap_or_else(|_| Err(Trouble("the runtime ends".into())))
    }

    /// Runs a script, which is loaded if it has to be.
    pub(super) async fn run(
        &self,
        connection: &Arc<Connection>,
        script: &ScriptInvocation<'_>,
    ) -> Result<Vec<i64>, Trouble> {
        let answer = match &**connection {
            Connection::Single(one) => script.invoke_async(&mut one.clone()).await,
            Connection::Cluster(one) => script.invoke_async(&mut one.clone()).await,
        };
        answer.map_err(|error| {
            self.give_up(connection);
            error.into()
        })
    }

    /// The next who asks opens another connection, unless somebody has already.
    pub(super) fn give_up(&self, connection: &Arc<Connection>) {
        self.0.open.compare_and_swap(connection, None);
    }

    /// The next who asks opens another connection.
    pub(super) fn close(&self) {
        self.0.open.store(None);
    }
}

impl Target {
    async fn connect(&self) -> Result<Connection, RedisError> {
        // Every wait has a limit of ours around it.
        let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        Ok(match self {
            Self::Single(client) => {
                Connection::Single(client.get_multiplexed_async_connection_with_config(&config).await?)
            }
            Self::Cluster(client) => Connection::Cluster(client.get_async_connection().await?),
            Self::Sentinel(client) => {
                let mut client = client.lock().await;
                Connection::Single(client.get_async_connection_with_config(&config).await?)
            }
        })
    }
}

/// What `work` comes to, if it does so in time.
pub(super) async fn within<T>(
    deadline: Duration,
    work: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    timeout(deadline, work).await.unwrap_or_else(|_| Err(Trouble("no answer in time".into())))
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}
