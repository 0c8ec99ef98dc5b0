use attach_core::destination::Candidate;

use super::Glob;

/// What a rule says about the place a call would go to. Everything that was set has to hold; a list holds if one of
/// its members does.
///
/// What is not known of a place (its region, whether it trains on data, everything where a request has no
/// [`Destination`](attach_core::Destination)) holds in no rule that allows, and in every rule that denies.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct LabelRule {
    trusted: Option<bool>,
    zero_retention: Option<bool>,
    trains_on_data: Option<bool>,
    regions: Vec<Box<str>>,
    tiers: Vec<Box<str>>,
    upstreams: Vec<Glob>,
}

impl LabelRule {
    /// Nothing is said about the place.
    pub fn new() -> Self {
        Self::default()
    }

    /// Inside the perimeter, or outside.
    pub fn trusted(mut self, trusted: bool) -> Self {
        self.trusted = Some(trusted);
        self
    }

    /// Keeps nothing of what it is sent, or is not said to.
    pub fn zero_retention(mut self, zero_retention: bool) -> Self {
        self.zero_retention = Some(zero_retention);
        self
    }

    /// Trains on what it is sent, or does not.
    pub fn trains_on_data(mut self, trains_on_data: bool) -> Self {
        self.trains_on_data = Some(trains_on_data);
        self
    }

    /// Processes data in one of these regions.
    pub fn regions<T: Into<Box<str>>>(mut self, regions: impl IntoIterator<Item = T>) -> Self {
        self.regions.extend(regions.into_iter().map(Into::into));
        self
    }

    /// Serves a model of one of these tiers. A model without a tier is of none.
    pub fn tiers<T: Into<Box<str>>>(mut self, tiers: impl IntoIterator<Item = T>) -> Self {
        self.tiers.extend(tiers.into_iter().map(Into::into));
        self
    }

    /// Is called one of these in the configuration, `*` standing for any text.
    pub fn upstreams<T: Into<Box<str>>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.upstreams.extend(names.into_iter().map(Glob::new));
        self
    }

    /// The first label that is not as this says at `candidate`.
    pub(super) fn unmet(&self, candidate: Option<&Candidate>) -> Option<&'static str> {
        self.each(candidate).into_iter().find(|(_, holds)| *holds != Some(true)).map(|(name, _)| name)
    }

    /// Whether everything that was set holds at `candidate`, or may.
    pub(super) fn may_hold(&self, candidate: Option<&Candidate>) -> bool {
        self.each(candidate).into_iter().all(|(_, holds)| holds != Some(false))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.trusted.is_none()
            && self.zero_retention.is_none()
            && self.trains_on_data.is_none()
            && self.regions.is_empty()
            && self.tiers.is_empty()
            && self.upstreams.is_empty()
    }

    /// Each label's name and whether it is as this says; `None` is unknown.
    fn each(&self, candidate: Option<&Candidate>) -> [(&'static str, Option<bool>); 6] {
        let labels = candidate.map(|candidate| &*candidate.labels);
        let flag = |wanted: Option<bool>, known: Option<bool>| match wanted {
            None => Some(true),
            Some(wanted) => known.map(|known| known == wanted),
        };
        let listed = |list: &[Box<str>], known: Option<&str>| match list {
            [] => Some(true),
            list => known.map(|known| list.iter().any(|one| **one == *known)),
        };
        let tier = labels.map(|labels| labels.tier.as_deref().unwrap_or_default());
        let upstream = match &self.upstreams[..] {
            [] => Some(true),
            globs => candidate.map(|to| globs.iter().any(|glob| glob.matches(&to.upstream, false))),
        };
        [
            ("trusted", flag(self.trusted, labels.map(|labels| labels.trusted))),
            ("zero_retention", flag(self.zero_retention, labels.map(|labels| labels.zero_retention))),
            ("trains_on_data", flag(self.trains_on_data, labels.and_then(|labels| labels.trains_on_data))),
            ("region", listed(&self.regions, labels.and_then(|labels| labels.region.as_deref()))),
            ("tier", listed(&self.tiers, tier)),
            ("upstream", upstream),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use attach_core::destination::Labels;

    use super::*;

    fn at(change: impl FnOnce(&mut Labels)) -> Candidate {
        let mut labels = Labels::default();
        change(&mut labels);
        Candidate::new("azure-eu", "m", Arc::new(labels))
    }

    #[test]
    fn what_is_unknown_is_held_against_the_caller() {
        let plain = at(|_| {});
        for rule in [
            LabelRule::new().regions(["eu"]),
            LabelRule::new().trains_on_data(false),
            LabelRule::new().trains_on_data(true),
        ] {
            assert!(rule.unmet(Some(&plain)).is_some(), "{rule:?}");
            assert!(rule.may_hold(Some(&plain)), "{rule:?}");
        }
        for rule in [LabelRule::new().tiers(["large"]), LabelRule::new().upstreams(["local*"])] {
            assert!(rule.unmet(Some(&plain)).is_some(), "{rule:?}");
            assert!(!rule.may_hold(Some(&plain)), "{rule:?}");
            assert!(rule.may_hold(None), "{rule:?}");
        }
    }

    #[test]
    fn without_a_destination_nothing_is_known() {
        for rule in [
            LabelRule::new().trusted(true),
            LabelRule::new().trusted(false),
            LabelRule::new().zero_retention(true),
            LabelRule::new().zero_retention(false),
            LabelRule::new().upstreams(["*"]),
        ] {
            assert!(rule.unmet(None).is_some() && rule.may_hold(None), "{rule:?}");
        }
        assert_eq!(LabelRule::new().unmet(None), None);
    }

    #[test]
    fn everything_that_is_set_has_to_hold() {
        let eu = at(|labels| {
            labels.zero_retention = true;
            labels.region = Some("eu".into());
        });
        assert_eq!(LabelRule::new().zero_retention(true).regions(["de", "eu"]).unmet(Some(&eu)), None);
        let wanted = LabelRule::new().zero_retention(true).regions(["us"]);
        assert_eq!(wanted.unmet(Some(&eu)), Some("region"));
    }
}
