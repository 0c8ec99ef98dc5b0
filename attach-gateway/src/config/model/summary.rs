use std::collections::BTreeMap;
use std::fmt::Write as _;

use attach_auth::policy::ModelGlob;
use attach_core::destination::Labels;

use super::parameters::{Parameter, Parameters};
use crate::config::{Config, Model, Target};

/// A line for the model, and one for each target that is not like its upstream.
pub(in crate::config) fn describe(out: &mut String, model: &Model, config: &Config) {
    let mut names: Vec<_> = model.names.iter().map(|name| name.as_str().to_owned()).collect();
    let own = |(dialect, name): &(attach_core::Dialect, ModelGlob)| {
        format!("{name} ({} only)", format!("{dialect:?}").to_ascii_lowercase())
    };
    names.extend(model.dialect_names.iter().map(own));
    let targets: Vec<_> = model.targets.iter().map(|target| named(target, config)).collect();
    let tiers: Vec<_> = model.labels.iter().map(|labels| labels.tier.as_deref()).collect();
    let same = tiers.windows(2).all(|pair| pair[0] == pair[1]);
    let tier = tiers.first().copied().flatten().filter(|_| same);
    let tier = tier.map(|tier| format!("; tier {tier}")).unwrap_or_default();
    let sticky = model.sticky.as_ref().map(|by| format!("; sticky by {by}")).unwrap_or_default();
    let _ = writeln!(out, "model {}: {}{tier}{sticky}", names.join(", "), targets.join(", else "));
    for (target, labels) in model.targets.iter().zip(&model.labels) {
        let Some(upstream) = config.upstreams.get(target.upstream) else { continue };
        let mut more = differences(&upstream.labels, labels, !same);
        more.extend(target.parameters.as_ref().map(|parameters| parameters_of(parameters)));
        if !more.is_empty() {
            let _ =
                writeln!(out, "model {} at {}: {}", model.names[0], named(target, config), more.join("; "));
        }
    }
}

fn named(target: &Target, config: &Config) -> String {
    let upstream = config.upstreams.get(target.upstream).map_or("", |upstream| &*upstream.name);
    let mut text = upstream.to_owned();
    if let Some(model) = &target.model {
        let _ = write!(text, " as {model}");
    }
    if target.weight > 0 {
        let _ = write!(text, " (weight {})", target.weight);
    }
    text
}

fn differences(upstream: &Labels, target: &Labels, tier: bool) -> Vec<String> {
    let mut found = Vec::new();
    if upstream.trusted != target.trusted {
        found.push(format!("trusted = {}", target.trusted));
    }
    if upstream.zero_retention != target.zero_retention {
        found.push(format!("zero_retention = {}", target.zero_retention));
    }
    if let Some(trains) = target.trains_on_data.filter(|_| upstream.trains_on_data != target.trains_on_data) {
        found.push(format!("trains_on_data = {trains}"));
    }
    if let Some(region) = target.region.as_deref().filter(|_| upstream.region != target.region) {
        found.push(format!("region = {region}"));
    }
    if let Some(own) = target.tier.as_deref().filter(|_| tier) {
        found.push(format!("tier = {own}"));
    }
    found
}

fn parameters_of(parameters: &Parameters) -> String {
    let shown = |list: &BTreeMap<Parameter, Box<str>>| -> Vec<String> {
        list.iter().map(|(parameter, value)| format!("{} = {value}", parameter.as_str())).collect()
    };
    let (defaults, overrides) = (shown(&parameters.defaults), shown(&parameters.overrides));
    let mut parts = Vec::new();
    if !defaults.is_empty() {
        parts.push(format!("unless said otherwise {}", defaults.join(", ")));
    }
    if !overrides.is_empty() {
        parts.push(format!("always {}", overrides.join(", ")));
    }
    parts.join("; ")
}
