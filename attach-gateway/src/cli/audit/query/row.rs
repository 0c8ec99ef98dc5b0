use attach_audit::read::Entry;

use super::super::table::Column;
use crate::dollars;

/// The columns for a terminal: 120 characters with the spaces between them.
pub(super) const TABLE: [Column; 8] = [
    ("time", 19),
    ("user", 20),
    ("model", 20),
    ("upstream", 12),
    ("decision", 8),
    ("reason", 20),
    ("in", -7),
    ("out", -7),
];

/// The columns for a spreadsheet.
pub(super) const CSV: [&str; 26] = [
    "time",
    "kind",
    "request",
    "trace",
    "directory",
    "user",
    "client",
    "groups",
    "source_ip",
    "method",
    "path",
    "model_requested",
    "model",
    "upstream",
    "decision",
    "reason",
    "rule",
    "status",
    "end",
    "input_tokens",
    "output_tokens",
    "cost_usd",
    "total_ms",
    "events",
    "node",
    "seq",
];

/// One line about a record, or about a request. Its fields are those of [`CSV`].
pub(super) struct Row {
    fields: [String; 26],
    /// In a word or two.
    why: String,
}

impl Row {
    pub(super) fn of(entry: &Entry<'_>) -> Self {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let (actor, route, decision) = (&entry.actor, &entry.route, &entry.decision);
        let (model, usage) = (entry.model.as_ref(), entry.usage.as_ref());
        let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
        let asked = model.and_then(|model| model.requested.as_deref());
        let fields = [
            entry.ts.clone().into_owned(),
            entry.kind.clone().into_owned(),
            entry.req_id.clone().into_owned(),
            text(entry.trace_id.as_deref()),
            text(actor.directory.as_deref()),
            text(actor.uid.as_deref().or(actor.sub.as_deref()).or(Some(&actor.kind))),
            text(actor.client_id.as_deref()),
            actor.groups_used.join(" "),
            text(entry.src.ip.as_deref()),
            text(route.method.as_deref()),
            text(route.path.as_deref()),
            text(asked),
            text(model.and_then(|model| model.routed.as_deref()).or(asked)),
            text(model.and_then(|model| model.upstream.as_deref())),
            decision.result.clone().into_owned(),
            text(decision.reason.as_deref()),
            decision.rule_ids.join(" "),
            number(decision.http_status.map(u64::from)),
            text(entry.end.as_deref()),
            number(usage.map(|usage| usage.input_tokens)),
            number(usage.map(|usage| usage.output_tokens)),
            usage.and_then(|usage| usage.cost_microusd).map(dollars::exact).unwrap_or_default(),
            entry.timing.map(|timing| timing.total_ms.to_string()).unwrap_or_default(),
            entry.events().to_string(),
            entry.node.clone().into_owned(),
            entry.seq.to_string(),
        ];
        Self { fields, why: why(entry) }
    }

    /// The same request, of which only `orphan` says how it ended.
    pub(super) fn ended_by(mut self, orphan: &Entry<'_>) -> Self {
        self.fields[1] = orphan.kind.clone().into_owned();
        self.fields[14] = orphan.decision.result.clone().into_owned();
        self.fields[15] = orphan.decision.reason.as_deref().unwrap_or_default().to_owned();
        self.fields[18] = orphan.end.as_deref().unwrap_or_default().to_owned();
        self.why = why(orphan);
        self
    }

    pub(super) fn csv(&self) -> impl Iterator<Item = String> {
        self.fields.iter().cloned()
    }

    pub(super) fn table(&self) -> [String; 8] {
        let field = |n: usize| self.fields[n].clone();
        // To the second; the zone is UTC.
        let time = self.fields[0].get(..19).unwrap_or(&self.fields[0]).replace('T', " ");
        [time, field(5), field(12), field(13), field(14), self.why.clone(), field(19), field(20)]
    }
}

/// Why it was refused or what went wrong, what was done, or how it ended.
fn why(entry: &Entry<'_>) -> String {
    let (reason, end) = (entry.decision.reason.as_deref(), entry.end.as_deref());
    let failed = matches!(&*entry.decision.result, "deny" | "error");
    let why = match &*entry.kind {
        "intent" => Some("running"),
        "admin" | "revocation" | "gap" => reason,
        _ if failed => reason.or(end),
        _ => end,
    };
    let why = why.unwrap_or(&entry.kind);
    match entry.events() {
        1 => why.to_owned(),
        n => format!("{n}x {why}"),
    }
}
