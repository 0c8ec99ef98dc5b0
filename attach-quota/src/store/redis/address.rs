use std::fmt;
use std::sync::Arc;

use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::sentinel::{SentinelClientBuilder, SentinelServerType};
use redis::{Client, ConnectionInfo, IntoConnectionInfo, RedisResult, TlsCertificates};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::sync::Mutex;

use super::link::Target;

/// The URL of a quota store makes no sense. The URL itself is not shown: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisUrlError(&'static str);

impl fmt::Display for RedisUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for RedisUrlError {}

pub(super) const NAME: RedisUrlError =
    RedisUrlError("the name of a quota store is of letters, digits, '-', '_' and '.'");
pub(super) const PEM: RedisUrlError =
    RedisUrlError("the certificates have to be PEM, and the URL one with TLS");
const URL: RedisUrlError = RedisUrlError(
    "the URL of a quota store has to be redis://[user:password@]host[:port][/db], \
     redis-cluster://[user:password@]host:port[,host:port…] or \
     redis-sentinel://[user:password@]host:port[,host:port…]/SERVICE[/db]; rediss… for TLS",
);

/// Where the store is.
#[derive(Clone)]
pub(super) struct Address {
    kind: Kind,
    tls: bool,
    nodes: Vec<ConnectionInfo>,
}

#[derive(Clone)]
enum Kind {
    Single,
    Cluster,
    Sentinel { service: String, db: i64 },
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, RedisUrlError> {
        let (scheme, rest) = url.split_once("://").ok_or(URL)?;
        let (tls, kind) = match scheme {
            "redis" => (false, ""),
            "rediss" => (true, ""),
            "redis-cluster" => (false, "cluster"),
            "rediss-cluster" => (true, "cluster"),
            "redis-sentinel" => (false, "sentinel"),
            "rediss-sentinel" => (true, "sentinel"),
            _ => return Err(URL),
        };
        if kind.is_empty() {
            return Ok(Self { kind: Kind::Single, tls, nodes: vec![info(url)?] });
        }
        let (login, rest) = rest.rsplit_once('@').map_or(("", rest), |(login, rest)| (login, rest));
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let kind = match (kind, path) {
            ("cluster", "") => Kind::Cluster,
            ("cluster", _) | ("sentinel", "") => return Err(URL),
            _ => {
                let (service, db) = path.split_once('/').unwrap_or((path, "0"));
                let db = db.parse().map_err(|_| URL)?;
                Kind::Sentinel { service: service.to_owned(), db }
            }
        };
        let (scheme, at) = (if tls { "rediss" } else { "redis" }, if login.is_empty() { "" } else { "@" });
        let node = |host: &str| info(&format!("{scheme}://{login}{at}{host}"));
        Ok(Self { kind, tls, nodes: hosts.split(',').map(node).collect::<Result<_, _>>()? })
    }

    /// With TLS, servers are known by `roots` (PEM) instead of by what the system trusts.
    pub(super) fn target(&self, roots: Option<&[u8]>) -> Result<Target, RedisUrlError> {
        if self.tls {
            ensure_provider();
        }
        if roots.is_some_and(|pem| !is_certificates(pem)) {
            return Err(PEM);
        }
        let roots = roots.map(|pem| TlsCertificates { client_tls: None, root_cert: Some(pem.to_vec()) });
        match (&roots, self.tls) {
            (Some(_), false) => Err(PEM),
            (Some(_), true) => self.build(roots).map_err(|_| PEM),
            (None, _) => self.build(None).map_err(|_| URL),
        }
    }

    fn build(&self, roots: Option<TlsCertificates>) -> RedisResult<Target> {
        match (&self.kind, self.nodes.first()) {
            (Kind::Single, Some(node)) => Ok(Target::Single(Box::new(match roots {
                Some(roots) => Client::build_with_tls(node.clone(), roots)?,
                None => Client::open(node.clone())?,
            }))),
            (Kind::Cluster, _) => self.cluster(roots).map(Box::new).map(Target::Cluster),
            (Kind::Sentinel { service, db }, Some(node)) => self.sentinel(service, *db, node, roots),
            (_, None) => Err((redis::ErrorKind::InvalidClientConfig, "no host").into()),
        }
    }

    fn cluster(&self, roots: Option<TlsCertificates>) -> RedisResult<ClusterClient> {
        // A redirection is followed at once; everything else is for our own deadline and breaker.
        let builder = ClusterClientBuilder::new(self.nodes.clone()).retries(2).max_retry_wait(10);
        match roots {
            Some(roots) => builder.certs(roots),
            None => builder,
        }
        .build()
    }

    fn sentinel(
        &self,
        service: &str,
        db: i64,
        node: &ConnectionInfo,
        roots: Option<TlsCertificates>,
    ) -> RedisResult<Target> {
        let sentinels = self.nodes.iter().map(|node| node.addr().clone());
        let mut builder = SentinelClientBuilder::new(sentinels, service, SentinelServerType::Master)?
            .set_client_to_redis_db(db);
        let login = node.redis_settings();
        if let Some(user) = login.username() {
            builder = builder.set_client_to_redis_username(user);
        }
        if let Some(password) = login.password() {
            builder = builder.set_client_to_redis_password(password);
        }
        if self.tls {
            builder = builder.set_client_to_redis_tls_mode(redis::TlsMode::Secure);
        }
        if let Some(roots) = roots {
            builder = builder
                .set_client_to_redis_certificates(roots.clone())
                .set_client_to_sentinel_certificates(roots);
        }
        Ok(Target::Sentinel(Arc::new(Mutex::new(builder.build()?))))
    }
}

fn info(url: &str) -> Result<ConnectionInfo, RedisUrlError> {
    url.into_connection_info().map_err(|_| URL)
}

/// At least one, and all readable: trusting nobody is not what somebody means.
fn is_certificates(pem: &[u8]) -> bool {
    let mut some = CertificateDer::pem_slice_iter(pem).peekable();
    some.peek().is_some() && some.all(|one| one.is_ok())
}

/// Without one for the process, rustls panics if a program is built with more than one.
fn ensure_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread was faster.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_deployment_is_understood() {
        for (url, nodes) in [
            ("redis://localhost", 1),
            ("rediss://user:pass@redis.example:6380/2", 1),
            ("redis-cluster://a:1,b:2,c:3", 3),
            ("rediss-cluster://user:pa%40ss@a:1,[::1]:2", 2),
            ("redis-sentinel://:secret@a:26379,b:26379/main", 2),
            ("rediss-sentinel://a/main/3", 1),
        ] {
            let address = Address::parse(url).expect(url);
            assert_eq!(address.nodes.len(), nodes, "{url}");
            assert!(address.target(None).is_ok(), "{url}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_and_no_password_is_shown() {
        for url in [
            "localhost:6379",
            "http://u:hunter2@a",
            "redis-cluster://a:1/0",
            "redis-sentinel://u:hunter2@a:1",
            "redis-sentinel://a:1/main/x",
            "redis-cluster://",
        ] {
            let error = Address::parse(url).err().expect(url);
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
        let plain = Address::parse("redis://localhost").expect("a URL");
        assert_eq!(plain.target(Some(b"")).err(), Some(PEM));
    }
}
