use std::sync::Arc;

use attach_core::destination::Labels;
use serde::Deserialize;

/// What is said of a model at its upstreams beyond what is said of these.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Stated {
    trusted: Option<bool>,
    zero_retention: Option<bool>,
    trains_on_data: Option<bool>,
    region: Option<String>,
}

/// The upstream's labels with what else is `stated`: facts that the upstream leaves open, or that are stricter than its
/// own. Rules and redaction trust labels, so a model never makes its upstream look better than it is.
pub(super) fn resolve<'s>(
    upstream: &Arc<Labels>,
    stated: impl Iterator<Item = &'s Stated>,
    tier: Option<&str>,
) -> Result<Arc<Labels>, String> {
    let mut labels = Labels::clone(upstream);
    for stated in stated {
        for (key, known, wanted) in [
            ("trusted", &mut labels.trusted, stated.trusted),
            ("zero_retention", &mut labels.zero_retention, stated.zero_retention),
        ] {
            match wanted {
                Some(true) if !*known => return Err(loosens(key)),
                Some(wanted) => *known = wanted,
                None => {}
            }
        }
        match (upstream.trains_on_data, stated.trains_on_data) {
            (Some(true), Some(false)) => return Err(loosens("trains_on_data")),
            (_, Some(wanted)) => labels.trains_on_data = Some(wanted),
            (_, None) => {}
        }
        match (upstream.region.as_deref(), stated.region.as_deref()) {
            (Some(known), Some(wanted)) if known != wanted => {
                return Err(format!("region: its [[upstream]] is in {known:?}; say there where it is"));
            }
            (_, Some(wanted)) => labels.region = Some(wanted.into()),
            (_, None) => {}
        }
    }
    if let Some(tier) = tier {
        labels.tier = Some(tier.into());
    }
    Ok(if labels == **upstream { Arc::clone(upstream) } else { Arc::new(labels) })
}

fn loosens(key: &str) -> String {
    format!(
        "{key}: a target may be held to more than its [[upstream]], not to less; say it there, if it holds there"
    )
}
