//! Which models there are: the configured names, and what the upstreams say of themselves.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use attach_auth::policy::ModelGlob;
use attach_core::{Dialect, Rejection};
use tokio::task::JoinSet;

use super::directory::{Directory, named};
use crate::config::Model;
pub(crate) use crate::upstream::Listed;
use crate::upstream::Upstreams;

/// What each upstream that was asked said.
type Said = HashMap<usize, Result<Arc<[Listed]>, Rejection>>;

/// Every model that clients of a dialect may ask for, in the configuration's order. A pattern stands for the models that
/// match it at any of the upstreams that it goes to under their own names; these are asked all at once.
///
/// # Errors
///
/// When nothing is known because no upstream could be asked.
pub(crate) async fn listing(directory: &Directory, dialect: Dialect) -> Result<Vec<Listed>, Rejection> {
    if directory.models().is_empty() {
        let Some(place) = directory.whole(dialect) else { return Ok(Vec::new()) };
        let mut said = ask(directory.upstreams(), [place].into()).await;
        return said.remove(&place).unwrap_or_else(|| Ok(Arc::default())).map(|all| all.to_vec());
    }
    let places = directory.models().iter().flat_map(|model| expanding(model, dialect)).collect();
    let said = ask(directory.upstreams(), places).await;
    let (mut listed, mut seen) = (Vec::new(), HashSet::new());
    for model in directory.models() {
        let exact = named(model, dialect).filter(|glob| glob.is_exact());
        listed.extend(exact.map(|glob| Listed { name: glob.as_str().into(), native: None }));
        let matches =
            |one: &&Listed| named(model, dialect).any(|glob| !glob.is_exact() && glob.matches(&one.name));
        for place in expanding(model, dialect) {
            let all = said.get(&place).and_then(|said| said.as_ref().ok());
            listed.extend(all.into_iter().flat_map(|all| all.iter()).filter(matches).cloned());
        }
    }
    listed.retain(|one| seen.insert(Arc::clone(&one.name)));
    match said.into_values().find_map(Result::err) {
        Some(rejection) if listed.is_empty() => Err(rejection),
        _ => Ok(listed),
    }
}

/// The upstreams whose models the patterns of `model` stand for.
fn expanding(model: &Model, dialect: Dialect) -> Vec<usize> {
    if named(model, dialect).all(ModelGlob::is_exact) {
        return Vec::new();
    }
    model.targets.iter().filter(|target| target.model.is_none()).map(|target| target.upstream).collect()
}

async fn ask(upstreams: &Arc<Upstreams>, places: HashSet<usize>) -> Said {
    let (mut asking, mut said) = (JoinSet::new(), HashMap::new());
    for n in places {
        let upstreams = Arc::clone(upstreams);
        asking.spawn(async move {
            let place = upstreams.places().get(n)?;
            Some((n, place.models().await))
        });
    }
    while let Some(one) = asking.join_next().await {
        said.extend(one.ok().flatten());
    }
    said
}

impl Directory {
    /// The upstream that every name goes to, where no model is configured.
    fn whole(&self, dialect: Dialect) -> Option<usize> {
        let places = self.upstreams().places();
        let speaking = places.iter().position(|place| place.upstream.speaks(dialect));
        speaking.or_else(|| (!places.is_empty()).then_some(0))
    }
}
