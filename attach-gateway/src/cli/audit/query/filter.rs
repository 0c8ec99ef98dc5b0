use attach_audit::index::Search;
use attach_audit::read::Entry;
use attach_core::call::ModelGlob;
use clap::Args;
use memchr::memmem;

/// Which records; of those that are given, all have to fit.
#[derive(Debug, Default, Args)]
pub(super) struct Filter {
    /// Caller: the stable id, or the token's subject.
    #[arg(long, value_name = "ID")]
    pub(super) user: Option<String>,
    /// Directory.
    #[arg(long, value_name = "NAME")]
    directory: Option<String>,
    /// Group that decided.
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// OAuth client.
    #[arg(long, value_name = "ID")]
    pub(super) client: Option<String>,
    /// Model, as asked for, as sent on or as answered; `*` stands for anything.
    #[arg(long, value_name = "MODEL")]
    model: Option<ModelGlob>,
    /// Upstream.
    #[arg(long, value_name = "NAME")]
    upstream: Option<String>,
    /// What was decided.
    #[arg(long, value_name = "DECISION", value_parser = ["allow", "deny", "modify", "error"])]
    decision: Option<String>,
    /// Why: the stable code.
    #[arg(long, value_name = "CODE")]
    reason: Option<String>,
    /// Single records of this kind, instead of one line for a request.
    #[arg(long, value_name = "KIND", value_parser = KINDS)]
    pub(super) kind: Option<String>,
    /// The records of this request: what X-Request-Id said.
    #[arg(long, value_name = "ID")]
    pub(super) request: Option<String>,
    /// Requests of this trace.
    #[arg(long, value_name = "ID")]
    pub(super) trace: Option<String>,
}

const KINDS: [&str; 11] = [
    "intent",
    "outcome",
    "reject",
    "orphan",
    "admin",
    "revocation",
    "checkpoint",
    "start",
    "stop",
    "segment",
    "gap",
];

impl Filter {
    /// Whether records are looked at one by one.
    pub(super) fn is_single(&self) -> bool {
        self.kind.is_some() || self.request.is_some()
    }

    /// Whether a record is by whom and about what was asked for.
    pub(super) fn concerns(&self, entry: &Entry<'_>) -> bool {
        let is = |asked: &Option<String>, said: Option<&str>| {
            asked.as_deref().is_none_or(|asked| said == Some(asked))
        };
        let (actor, model) = (&entry.actor, entry.model.as_ref());
        let names = [
            model.and_then(|model| model.requested.as_deref()),
            model.and_then(|model| model.routed.as_deref()),
            model.and_then(|model| model.response.as_deref()),
        ];
        let in_groups = |group: &String| actor.groups_used.iter().any(|one| **one == **group);
        (is(&self.user, actor.uid.as_deref()) || is(&self.user, actor.sub.as_deref()))
            && is(&self.directory, actor.directory.as_deref())
            && self.group.as_ref().is_none_or(in_groups)
            && is(&self.client, actor.client_id.as_deref())
            && self.model.as_ref().is_none_or(|glob| names.iter().flatten().any(|name| glob.matches(name)))
            && is(&self.upstream, model.and_then(|model| model.upstream.as_deref()))
            && is(&self.request, Some(&*entry.req_id))
            && is(&self.trace, entry.trace_id.as_deref())
            && is(&self.kind, Some(&*entry.kind))
    }

    /// Whether it was decided as was asked for.
    pub(super) fn decided(&self, entry: &Entry<'_>) -> bool {
        self.decision.as_ref().is_none_or(|decision| **decision == *entry.decision.result)
            && self.reason.as_ref().is_none_or(|reason| entry.decision.reason.as_deref() == Some(&**reason))
    }

    /// The same as an index is asked.
    pub(super) fn search(&self) -> Search {
        let mut search = Search::default();
        search.user.clone_from(&self.user);
        search.directory.clone_from(&self.directory);
        search.group.clone_from(&self.group);
        search.client.clone_from(&self.client);
        search.model.clone_from(&self.model);
        search.upstream.clone_from(&self.upstream);
        search.decision.clone_from(&self.decision);
        search.reason.clone_from(&self.reason);
        search.kind.clone_from(&self.kind);
        search.request.clone_from(&self.request);
        search.trace.clone_from(&self.trace);
        search
    }

    /// Texts that stand in each record about a request that is looked for: those without them need not be parsed.
    pub(super) fn needles(&self) -> Vec<memmem::Finder<'static>> {
        let texts = [&self.user, &self.client, &self.request, &self.trace];
        // What JSON would write in another way is not looked for in this one.
        let plain =
            |text: &&String| text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte));
        texts.into_iter().flatten().filter(plain).map(|text| memmem::Finder::new(text).into_owned()).collect()
    }
}
