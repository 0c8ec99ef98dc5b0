use attach_core::Identity;
use attach_core::exchange::Decision;
use attach_core::identity::Limits;

use super::{Ask, ModelGlob, Policy, Verdict, reason};

/// The verdict of `policy` on `ask`, unless the caller showed a key that was narrowed to something else.
///
/// What [`PolicyLayer`](super::PolicyLayer) does; whoever asks a policy without it, as a list of models does, calls this.
pub fn decide<P: Policy + ?Sized>(policy: &P, ask: &Ask<'_>) -> Verdict {
    refusal(ask).unwrap_or_else(|| policy.allows(ask))
}

/// The verdict on what a key was not made for; `None` if there is nothing to say.
pub(super) fn refusal(ask: &Ask<'_>) -> Option<Verdict> {
    let limits = ask.identity.limits.as_ref()?;
    (!within(limits, ask)).then(|| Decision::new(false, reason::KEY_SCOPE).into())
}

/// Whether a body that no rule can see into may go on. What a key was narrowed to could not be held to it.
pub(super) fn passes_unknown(identity: &Identity, pass_unknown: bool) -> bool {
    pass_unknown && identity.limits.is_none()
}

fn within(limits: &Limits, ask: &Ask<'_>) -> bool {
    let glob = |pattern: &str| pattern.parse::<ModelGlob>().ok();
    let model = |model: &str| {
        let mut globs = limits.models.iter().filter_map(|pattern| glob(pattern));
        limits.models.is_empty() || globs.any(|glob| glob.matches(model))
    };
    let api = |name: &str| limits.apis.is_empty() || limits.apis.iter().any(|api| **api == *name);
    ask.model.is_none_or(model) && ask.api.is_none_or(|asked| api(asked.as_str()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use attach_core::Api;

    use super::*;

    fn decided(limits: Limits, model: &str, api: Api) -> Decision {
        let mut alice = Identity::person("acme", "alice");
        alice.limits = Some(Arc::new(limits));
        let anything = |_: &Ask<'_>| Decision::new(true, "anything");
        decide(&anything, &Ask::model(&alice, model).with_api(Some(api))).decision
    }

    #[test]
    fn a_key_is_good_for_its_models_and_operations_only() {
        let limits = Limits::new(vec!["gpt-4*".into()], vec!["openai.chat".into()]);
        assert!(decided(limits.clone(), "gpt-4o", Api::OpenAiChat).allowed);
        for (model, api) in [("gpt-3", Api::OpenAiChat), ("gpt-4o", Api::OpenAiResponses)] {
            let decision = decided(limits.clone(), model, api);
            assert_eq!((decision.allowed, decision.reason), (false, reason::KEY_SCOPE));
        }
    }

    #[test]
    fn an_empty_list_narrows_nothing_and_a_bad_pattern_allows_nothing() {
        assert!(decided(Limits::default(), "any", Api::OllamaChat).allowed);
        assert!(!decided(Limits::new(vec![" ".into()], Vec::new()), "any", Api::OllamaChat).allowed);
    }
    #[test]
    fn a_body_that_nobody_can_look_into_goes_nowhere_on_a_key_that_was_narrowed() {
        let mut alice = Identity::person("acme", "alice");
        assert!(passes_unknown(&alice, true) && !passes_unknown(&alice, false));
        alice.limits = Some(Arc::new(Limits::new(vec!["gpt-4*".into()], Vec::new())));
        assert!(!passes_unknown(&alice, true));
    }
}
