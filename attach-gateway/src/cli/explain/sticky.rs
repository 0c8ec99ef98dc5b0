//! Which of a model's targets the caller's calls stay with.

use std::fmt::Write as _;

use attach_auth::policy::{Ask, Policy};
use attach_core::{Api, Identity};

use crate::config::{Config, Sticky};
use crate::resolve::{Directory, Session};

/// A line if the model's sessions are sticky: where the caller's go, as far as it may.
pub(super) fn sticky(
    out: &mut String,
    (config, directory): (&Config, &Directory),
    (api, model): (Api, &str),
    (ask, caller): (Ask<'_>, &Identity),
) {
    let Some(sticky) = directory.sticky(api.dialect(), model) else { return };
    if *sticky != Sticky::Caller {
        let _ = writeln!(
            out,
            "sticky by {sticky}: each of the caller's stays with one of these, drawn by weight"
        );
        return;
    }
    let destination = directory.destination_for(api, model, Session::of_caller(caller));
    let allowed = destination.candidates().iter().filter(|candidate| {
        let ask = ask.with_candidate(Some(candidate));
        config.rules.allows(&ask).is_allowed()
    });
    let order: Vec<_> =
        allowed.map(|candidate| format!("{} as {}", candidate.upstream, candidate.model)).collect();
    if !order.is_empty() {
        let _ = writeln!(out, "sticky by caller: to {}", order.join(", else "));
    }
}
