//! Which models there are: the configured names, and what the upstreams say of themselves.

use std::sync::Arc;

use attach_core::Rejection;

use super::directory::Directory;
pub(crate) use crate::upstream::Listed;
use crate::upstream::models;

/// Every model, in the configuration's order; a glob stands for the upstream's models that match it.
///
/// # Errors
///
/// When nothing is known because no upstream could be asked.
pub(crate) async fn listing(directory: &Directory) -> Result<Vec<Listed>, Rejection> {
    let mut listed: Vec<Listed> = Vec::new();
    let mut failed = None;
    if directory.models().is_empty() {
        match directory.upstreams().places().first() {
            Some(place) => listed = models(place).await?,
            None => return Ok(listed),
        }
    }
    for model in directory.models() {
        for glob in model.names.iter().filter(|glob| glob.is_exact()) {
            listed.push(Listed { name: glob.as_str().into(), native: None });
        }
        let globs: Vec<_> = model.names.iter().filter(|glob| !glob.is_exact()).collect();
        if globs.is_empty() {
            continue;
        }
        let Some(place) =
            model.targets.first().and_then(|target| directory.upstreams().places().get(target.upstream))
        else {
            continue;
        };
        match models(place).await {
            Ok(mut own) => {
                own.retain(|one| globs.iter().any(|glob| glob.matches(&one.name)));
                listed.extend(own);
            }
            Err(rejection) => failed = Some(rejection),
        }
    }
    let mut seen = std::collections::HashSet::new();
    listed.retain(|one| seen.insert(Arc::clone(&one.name)));
    match failed {
        Some(rejection) if listed.is_empty() => Err(rejection),
        _ => Ok(listed),
    }
}
