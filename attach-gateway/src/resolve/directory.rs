use std::io;
use std::sync::Arc;

use attach_core::destination::{Candidate, Labels};
use attach_core::{Api, Destination};

use crate::config::{Config, Model, Upstream};
use crate::upstream::{Place, Upstreams};

/// Which model goes where.
#[derive(Debug)]
pub(crate) struct Directory {
    upstreams: Arc<Upstreams>,
    models: Vec<Model>,
}

/// Where a model may be had.
pub(crate) struct Target<'a> {
    pub(crate) upstream: &'a Upstream,
    pub(crate) model: Arc<str>,
    pub(crate) labels: Arc<Labels>,
}

impl Directory {
    pub(crate) fn new(config: &Config, upstreams: Arc<Upstreams>) -> Self {
        Self { upstreams, models: config.models.clone() }
    }

    /// With upstreams of its own, which nothing is sent to.
    pub(crate) fn of(config: &Config) -> io::Result<Self> {
        Ok(Self::new(config, Arc::new(Upstreams::new(&config.upstreams)?)))
    }

    /// Where `model` may be had for a call of `api`, most preferred first. An exact name beats a glob.
    pub(crate) fn targets(&self, api: Api, model: &str) -> Vec<Target<'_>> {
        if self.models.is_empty() {
            let places = self.upstreams.places();
            let place = places.iter().find(|place| place.upstream.speaks(api.dialect()));
            let place = place.or_else(|| places.first());
            return place.into_iter().map(|place| own(place, model.into())).collect();
        }
        let Some(entry) = self.model(model) else { return Vec::new() };
        entry
            .targets
            .iter()
            .zip(&entry.labels)
            .filter_map(|(target, labels)| {
                Some(Target {
                    upstream: &self.upstreams.places().get(target.upstream)?.upstream,
                    model: target.model.clone().unwrap_or_else(|| model.into()),
                    labels: Arc::clone(labels),
                })
            })
            .collect()
    }

    /// [`targets`](Self::targets) as the layers know them.
    pub(crate) fn destination(&self, api: Api, model: &str) -> Destination {
        let candidate = |target: Target<'_>| {
            Candidate::new(Arc::clone(&target.upstream.name), target.model, target.labels)
        };
        Destination::new(self.targets(api, model).into_iter().map(candidate).collect())
    }

    /// Where a listed model may be had, by whichever operation.
    pub(crate) fn anywhere(&self, model: &str) -> Destination {
        if !self.models.is_empty() {
            return self.destination(Api::OpenAiChat, model);
        }
        let candidate = |place: &Place| {
            let upstream = &place.upstream;
            Candidate::new(Arc::clone(&upstream.name), model, Arc::clone(&upstream.labels))
        };
        Destination::new(self.upstreams.places().iter().map(candidate).collect())
    }

    /// The upstreams themselves.
    pub(crate) fn upstreams(&self) -> &Upstreams {
        &self.upstreams
    }

    /// The configured public models; empty means that names are the upstream's own.
    pub(crate) fn models(&self) -> &[Model] {
        &self.models
    }

    fn model(&self, name: &str) -> Option<&Model> {
        let exact = |model: &&Model| model.names.iter().any(|glob| glob.is_exact() && glob.matches(name));
        let any = |model: &&Model| model.names.iter().any(|glob| glob.matches(name));
        self.models.iter().find(exact).or_else(|| self.models.iter().find(any))
    }
}

fn own(place: &Place, model: Arc<str>) -> Target<'_> {
    Target { upstream: &place.upstream, model, labels: Arc::clone(&place.upstream.labels) }
}
