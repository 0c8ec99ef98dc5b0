use std::sync::Arc;
use std::time::SystemTime;

use attach_core::exchange::{Costs, Facts};
use attach_core::{Exchange, Usage};

use crate::bill::measure;
use crate::limit::Unit;
use crate::store::Charge;
use crate::{Price, Prices};

/// What usage comes to under the limits of one call.
///
/// Where the call went, and so what it costs, is read once: when its answer begins to be followed, or at its end.
pub(crate) struct Tariff {
    prices: Prices,
    /// The model asked for.
    model: Box<str>,
    place: Option<Place>,
}

struct Place {
    upstream: Option<Arc<str>>,
    price: Option<Price>,
}

impl Tariff {
    pub(crate) fn new(prices: Prices, model: Box<str>) -> Self {
        Self { prices, model, place: None }
    }

    /// Learns where the call went, unless that is known.
    pub(crate) fn locate(&mut self, exchange: &Exchange) {
        if self.place.is_none() {
            self.place = Some(exchange.facts(|facts| self.place_of(facts)));
        }
    }

    /// What it costs is for the audit trail as well, unless somebody further in has said it.
    fn place_of(&self, facts: &mut Facts) -> Place {
        let route = facts.route.as_ref();
        let price = self.prices.there(&self.model, route, SystemTime::now()).copied();
        let upstream = route.map(|route| Arc::clone(&route.upstream));
        if let (Some(price), None) = (price, &facts.costs) {
            facts.costs = Some(Costs::new(move |usage| price.cost(usage)));
        }
        Place { upstream, price }
    }

    /// What `used` is under the limit of `charge`.
    pub(crate) fn comes_to(&self, charge: &Charge, used: &Usage) -> u64 {
        let place = self.place.as_ref();
        if !charge.limit().what().went_to(place.and_then(|place| place.upstream.as_deref())) {
            return 0;
        }
        match charge.unit() {
            Unit::MicroUsd => match place.and_then(|place| place.price) {
                Some(price) => price.cost(used),
                // What was refused further in went to no place that has a price, and used nothing.
                None if (used.input, used.output) == (0, 0) || !charge.limit().refuses_unpriced() => 0,
                None => charge.reserved(),
            },
            _ => measure(charge.limit(), used),
        }
    }
}
