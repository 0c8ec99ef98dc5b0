use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use attach_core::BoxError;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower::Service;

/// How long an answer is taken without asking again. A name that moves is followed within this time.
const FRESH: Duration = Duration::from_secs(10);

/// How long the resolver is waited for where an older answer will do.
const PATIENCE: Duration = Duration::from_secs(1);

/// How old an answer may be that is used because the resolver fails; between the one and three days of RFC 8767.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// How many names are remembered: more than any configuration has.
const NAMES: usize = 1024;

/// Resolves names as `R` does, and remembers: while `R` fails, its last answer holds (RFC 8767).
#[derive(Clone)]
pub(super) struct Resolver<R = GaiResolver> {
    inner: R,
    known: Arc<Mutex<HashMap<Box<str>, Known>>>,
    clock: Clock,
}

type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

#[derive(Clone)]
struct Known {
    addresses: Arc<[SocketAddr]>,
    since: Instant,
}

/// The addresses of a name.
pub(super) type Addresses = std::vec::IntoIter<SocketAddr>;

impl Known {
    fn addresses(&self) -> Addresses {
        Vec::from(&*self.addresses).into_iter()
    }
}

impl<R> Resolver<R> {
    pub(super) fn new(inner: R) -> Self {
        Self::timed(inner, Arc::new(Instant::now))
    }

    fn timed(inner: R, clock: Clock) -> Self {
        Self { inner, known: Arc::default(), clock }
    }

    fn age(&self, known: &Known) -> Duration {
        (self.clock)().saturating_duration_since(known.since)
    }

    fn known(&self, name: &str) -> Option<Known> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name).filter(|known| self.age(known) < STALE).cloned()
    }

    fn remember(&self, name: &str, addresses: Arc<[SocketAddr]>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < NAMES || known.contains_key(name) {
            known.insert(name.into(), Known { addresses, since: (self.clock)() });
        }
    }
}

impl<R> Resolver<R>
where
    R: Service<Name> + Clone + Send + 'static,
    R::Response: Iterator<Item = SocketAddr>,
    R::Error: Into<BoxError>,
    R::Future: Send,
{
    async fn resolve(mut self, name: Name) -> Result<Addresses, BoxError> {
        let known = self.known(name.as_str());
        if let Some(fresh) = known.as_ref().filter(|known| self.age(known) < FRESH) {
            return Ok(fresh.addresses());
        }
        let text = name.as_str().to_owned();
        let asked = self.inner.call(name);
        let Some(known) = known else {
            let addresses = asked.await.map_err(Into::into)?;
            return self.take(&text, addresses);
        };
        let why = match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(addresses)) => match self.take(&text, addresses) {
                Ok(addresses) => return Ok(addresses),
                Err(error) => error,
            },
            Ok(Err(error)) => error.into(),
            Err(late) => late.into(),
        };
        let age = self.age(&known);
        tracing::warn!(host = text, ?age, error = %why, "the resolver fails; its last answer is used");
        Ok(known.addresses())
    }

    fn take(&self, name: &str, addresses: R::Response) -> Result<Addresses, BoxError> {
        let addresses: Vec<_> = addresses.collect();
        if addresses.is_empty() {
            return Err("the name has no address".into());
        }
        self.remember(name, addresses.as_slice().into());
        Ok(addresses.into_iter())
    }
}

impl<R> Service<Name> for Resolver<R>
where
    R: Service<Name> + Clone + Send + 'static,
    R::Response: Iterator<Item = SocketAddr>,
    R::Error: Into<BoxError>,
    R::Future: Send,
{
    type Response = Addresses;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Addresses, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        // The clone has not been asked whether it is ready.
        let next = self.clone();
        Box::pin(std::mem::replace(self, next).resolve(name))
    }
}

impl<R> fmt::Debug for Resolver<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers, fails or hangs as it is told, and counts.
    #[derive(Clone, Default)]
    struct Fake(Arc<Mutex<(Says, usize)>>);

    #[derive(Clone, Copy, Default)]
    enum Says {
        #[default]
        Nothing,
        Address(u8),
        Failure,
    }

    impl Fake {
        fn say(&self, says: Says) {
            self.0.lock().unwrap().0 = says;
        }

        fn asked(&self) -> usize {
            self.0.lock().unwrap().1
        }
    }

    impl Service<Name> for Fake {
        type Response = Addresses;
        type Error = BoxError;
        type Future = Pin<Box<dyn Future<Output = Result<Addresses, BoxError>> + Send>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Name) -> Self::Future {
            let says = {
                let mut state = self.0.lock().unwrap();
                state.1 += 1;
                state.0
            };
            Box::pin(async move {
                match says {
                    Says::Nothing => std::future::pending().await,
                    Says::Address(last) => Ok(vec![SocketAddr::from(([10, 0, 0, last], 0))].into_iter()),
                    Says::Failure => Err("SERVFAIL".into()),
                }
            })
        }
    }

    /// A resolver, and a clock that stands until it is moved.
    fn resolver(fake: &Fake) -> (Resolver<Fake>, impl Fn(Duration)) {
        let now = Arc::new(Mutex::new(Instant::now()));
        let clock = Arc::clone(&now);
        let resolver = Resolver::timed(fake.clone(), Arc::new(move || *clock.lock().unwrap()));
        (resolver, move |by| *now.lock().unwrap() += by)
    }

    async fn ask(resolver: &Resolver<Fake>) -> Result<u8, String> {
        let name = "model.example".parse().unwrap();
        let mut addresses = resolver.clone().call(name).await.map_err(|error| error.to_string())?;
        match addresses.next().unwrap() {
            SocketAddr::V4(v4) => Ok(v4.ip().octets()[3]),
            SocketAddr::V6(_) => Err("another".into()),
        }
    }

    #[tokio::test]
    async fn a_new_address_is_found_within_thirty_seconds() {
        let fake = Fake::default();
        let (resolver, wait) = resolver(&fake);
        fake.say(Says::Address(1));
        assert_eq!(ask(&resolver).await, Ok(1));
        fake.say(Says::Address(2));
        assert_eq!((ask(&resolver).await, fake.asked()), (Ok(1), 1));
        wait(Duration::from_secs(29));
        assert_eq!(ask(&resolver).await, Ok(2));
    }

    #[tokio::test]
    async fn the_last_answer_holds_while_the_resolver_fails_or_hangs_and_for_no_more_than_a_day() {
        let fake = Fake::default();
        let (resolver, wait) = resolver(&fake);
        fake.say(Says::Failure);
        assert_eq!(ask(&resolver).await, Err("SERVFAIL".into()));
        fake.say(Says::Address(1));
        assert_eq!(ask(&resolver).await, Ok(1));
        for says in [Says::Failure, Says::Nothing] {
            fake.say(says);
            wait(Duration::from_secs(3600));
            assert_eq!(ask(&resolver).await, Ok(1));
        }
        fake.say(Says::Failure);
        wait(STALE);
        assert_eq!(ask(&resolver).await, Err("SERVFAIL".into()));
        fake.say(Says::Address(3));
        assert_eq!(ask(&resolver).await, Ok(3));
    }
}
