use std::io;
use std::sync::Arc;

use attach_auth::policy::ModelGlob;
use attach_core::destination::{Candidate, Labels};
use attach_core::{Api, Destination, Dialect, ExchangeId};

use super::parameters::Adjustments;
use super::session::Session;
use super::weights;
use crate::config::{Config, Model, Parameters, Sticky, Upstream};
use crate::upstream::{Place, Upstreams};

/// Which model goes where.
#[derive(Debug)]
pub(crate) struct Directory {
    upstreams: Arc<Upstreams>,
    models: Vec<Model>,
    /// The names that exist here; all without it.
    shown: Option<Arc<[ModelGlob]>>,
}

/// Where a model may be had.
pub(crate) struct Target<'a> {
    pub(crate) upstream: &'a Upstream,
    pub(crate) model: Arc<str>,
    pub(crate) labels: Arc<Labels>,
    weight: u32,
    parameters: Option<Arc<Parameters>>,
}

impl Directory {
    pub(crate) fn new(config: &Config, upstreams: Arc<Upstreams>) -> Self {
        Self { upstreams, models: config.models.clone(), shown: None }
    }

    /// The same, of which only these names exist.
    pub(crate) fn showing(self, shown: Option<Arc<[ModelGlob]>>) -> Self {
        Self { shown, ..self }
    }

    fn shows(&self, model: &str) -> bool {
        self.shown.as_ref().is_none_or(|shown| shown.iter().any(|glob| glob.matches(model)))
    }

    /// With upstreams of its own, which nothing is sent to.
    pub(crate) fn of(config: &Config) -> io::Result<Self> {
        Ok(Self::new(config, Arc::new(Upstreams::new(&config.upstreams)?)))
    }

    /// Where `model` may be had for a call of `api`, most preferred first. An exact name beats a glob.
    pub(crate) fn targets(&self, api: Api, model: &str) -> Vec<Target<'_>> {
        self.found(api, model).1
    }

    fn found(&self, api: Api, model: &str) -> (Option<&Model>, Vec<Target<'_>>) {
        if !self.shows(model) {
            return (None, Vec::new());
        }
        if self.models.is_empty() {
            let places = self.upstreams.places();
            let place = places.iter().find(|place| place.upstream.speaks(api.dialect()));
            let place = place.or_else(|| places.first());
            return (None, place.map(|place| own(place, model.into())).into_iter().collect());
        }
        let Some(entry) = self.model(api.dialect(), model) else { return (None, Vec::new()) };
        let targets = entry.targets.iter().zip(&entry.labels).filter_map(|(target, labels)| {
            Some(Target {
                upstream: &self.upstreams.places().get(target.upstream)?.upstream,
                model: target.model.clone().unwrap_or_else(|| model.into()),
                labels: Arc::clone(labels),
                weight: target.weight,
                parameters: target.parameters.clone(),
            })
        });
        (Some(entry), targets.collect())
    }

    /// [`targets`](Self::targets) as the layers know them.
    pub(crate) fn destination(&self, api: Api, model: &str) -> Destination {
        Destination::new(self.targets(api, model).iter().map(Target::candidate).collect())
    }

    /// How the calls for `model` stay with one of its targets, if they do.
    pub(crate) fn sticky(&self, dialect: Dialect, model: &str) -> Option<&Sticky> {
        self.model(dialect, model)?.sticky.as_ref()
    }

    /// [`destination`](Self::destination) in the order in which the calls of `session` ask it.
    pub(crate) fn destination_for(&self, api: Api, model: &str, session: Session) -> Destination {
        let mut targets = self.targets(api, model);
        by_session(&mut targets, session);
        Destination::new(targets.iter().map(Target::candidate).collect())
    }

    /// The same in the order in which the exchange `id` asks them, or its session if `session` knows one, and what its
    /// calls say there.
    pub(super) fn route(
        &self,
        api: Api,
        model: &str,
        id: ExchangeId,
        session: impl FnOnce(&Sticky) -> Option<Session>,
    ) -> (Destination, Option<Adjustments>) {
        let (entry, mut targets) = self.found(api, model);
        match entry.and_then(|entry| entry.sticky.as_ref()).and_then(session) {
            Some(session) => by_session(&mut targets, session),
            None => weights::order(&mut targets, id.as_bytes(), |target| target.weight),
        }
        let own = |target: &Target<'_>| Some((target.candidate(), target.parameters.clone()?));
        let own: Vec<_> = targets.iter().filter_map(own).collect();
        let destination = Destination::new(targets.iter().map(Target::candidate).collect());
        (destination, (!own.is_empty()).then(|| Adjustments::new(own)))
    }

    /// Where a listed model may be had in a dialect, by whichever operation.
    pub(crate) fn anywhere(&self, dialect: Dialect, model: &str) -> Destination {
        if !self.models.is_empty() || !self.shows(model) {
            let api = Api::ALL.into_iter().find(|api| api.dialect() == dialect).unwrap_or(Api::OpenAiChat);
            return self.destination(api, model);
        }
        let candidate = |place: &Arc<Place>| {
            let upstream = &place.upstream;
            Candidate::new(Arc::clone(&upstream.name), model, Arc::clone(&upstream.labels))
        };
        Destination::new(self.upstreams.places().iter().map(candidate).collect())
    }

    /// The upstreams themselves.
    pub(super) fn upstreams(&self) -> &Arc<Upstreams> {
        &self.upstreams
    }

    /// The configured public models; empty means that names are the upstream's own.
    pub(crate) fn models(&self) -> &[Model] {
        &self.models
    }

    fn model(&self, dialect: Dialect, name: &str) -> Option<&Model> {
        let exact = |model: &&Model| named(model, dialect).any(|glob| glob.is_exact() && glob.matches(name));
        let any = |model: &&Model| named(model, dialect).any(|glob| glob.matches(name));
        self.models.iter().find(exact).or_else(|| self.models.iter().find(any))
    }
}

/// The names that clients of a dialect may use.
pub(super) fn named(model: &Model, dialect: Dialect) -> impl Iterator<Item = &ModelGlob> {
    let own = model.dialect_names.iter().filter(move |(one, _)| *one == dialect);
    model.names.iter().chain(own.map(|(_, glob)| glob))
}

fn by_session(targets: &mut [Target<'_>], session: Session) {
    let draw = |target: &Target<'_>| session.draw([&target.upstream.name, &target.model]);
    weights::order_by(targets, |target| target.weight, draw);
}

impl Target<'_> {
    fn candidate(&self) -> Candidate {
        Candidate::new(Arc::clone(&self.upstream.name), Arc::clone(&self.model), Arc::clone(&self.labels))
    }
}

fn own(place: &Place, model: Arc<str>) -> Target<'_> {
    let labels = Arc::clone(&place.upstream.labels);
    Target { upstream: &place.upstream, model, labels, weight: 0, parameters: None }
}
