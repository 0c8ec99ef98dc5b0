//! Zero retention: the switch with which a provider is told not to keep a call, set for every target that is labelled so.
//!
//! - OpenAI and Azure: `store` of `/v1/chat/completions` and `/v1/responses` (OpenAI, *Data controls in the OpenAI
//!   platform*).
//! - OpenRouter: `provider.data_collection` and `provider.zdr` (OpenRouter, *Provider routing*, *Zero data retention*).
//! - Anthropic and Amazon Bedrock have no switch in a request: it is a matter of the account.

use attach_core::json::Edit;
use attach_core::{Api, Payload, Rejection};
use http::StatusCode;

use crate::config::Retention;
use crate::translate::Plan;

/// The call with the switch set in it, where upstream and caller speak the same; `None` if it is as it has to be.
///
/// # Errors
///
/// 403, with the field's name, if the caller asks for the opposite.
pub(super) fn in_call(payload: &Payload, by: Retention) -> Result<Option<Payload>, Rejection> {
    let (api, root) = (payload.call().api, payload.document().root());
    let mut edits = Vec::new();
    match by {
        Retention::Store if matches!(api, Api::OpenAiChat | Api::OpenAiResponses) => {
            match root.get("store") {
                // That of responses is set for every target; see `Plan`.
                None if api == Api::OpenAiResponses => {}
                None => edits.push(Edit::insert(root.id(), "store", "false")),
                Some(store) if store.as_bool() == Some(true) => return Err(refused("store")),
                Some(store) if store.is_null() => edits.push(Edit::raw(store.id(), "false")),
                Some(_) => {}
            }
        }
        Retention::OpenRouter => match root.get("provider") {
            None => edits.push(Edit::insert(root.id(), "provider", PROVIDER)),
            Some(provider) if provider.is_null() => edits.push(Edit::raw(provider.id(), PROVIDER)),
            Some(provider) => {
                for (name, wanted) in PREFERENCES {
                    match provider.get(name) {
                        None => edits.push(Edit::insert(provider.id(), name, wanted)),
                        Some(value) if value.is_null() => edits.push(Edit::raw(value.id(), wanted)),
                        Some(value) if value.raw() != wanted.as_bytes() => {
                            return Err(refused(&format!("provider.{name}")));
                        }
                        Some(_) => {}
                    }
                }
            }
        },
        Retention::Store | Retention::Account => {}
    }
    if edits.is_empty() { Ok(None) } else { payload.splice(&edits).map(Some) }
}

/// The same in a call that was translated, which has no such field.
pub(super) fn in_plan(plan: Plan, by: Retention) -> Plan {
    match (by, plan.operation().api()) {
        (Retention::Store, Some(Api::OpenAiChat)) => plan.with_member("\"store\":false"),
        (Retention::OpenRouter, Some(_)) => plan.with_member(&format!("\"provider\":{PROVIDER}")),
        _ => plan,
    }
}

const PREFERENCES: [(&str, &str); 2] = [("data_collection", "\"deny\""), ("zdr", "true")];
const PROVIDER: &str = r#"{"data_collection":"deny","zdr":true}"#;

fn refused(field: &str) -> Rejection {
    let message = format!("`{field}` asks a provider to keep what this model's provider must not keep");
    Rejection::new(StatusCode::FORBIDDEN, "zero_retention_required", message).with_param(field)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn switched(api: Api, by: Retention, more: &Value) -> Result<Value, Rejection> {
        let mut body = json!({"model": "m", "input": "hi", "messages": [{"role": "user", "content": "hi"}]});
        if api == Api::OpenAiChat {
            body.as_object_mut().expect("an object").remove("input");
        } else {
            body.as_object_mut().expect("an object").remove("messages");
        }
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let payload = Payload::parse(api, body.to_string().into()).expect("a valid call");
        let switched = in_call(&payload, by)?.unwrap_or(payload);
        let mut body: Value = serde_json::from_slice(switched.bytes()).expect("JSON");
        for known in ["model", "input", "messages"] {
            body.as_object_mut().expect("an object").remove(known);
        }
        Ok(body)
    }

    #[test]
    fn the_switch_is_set_where_the_caller_did_not() {
        let (chat, store) = (Api::OpenAiChat, Retention::Store);
        for more in [json!({}), json!({"store": null}), json!({"store": false})] {
            assert_eq!(switched(chat, store, &more).expect("switched"), json!({"store": false}), "{more}");
        }
        let nothing = switched(Api::OpenAiEmbeddings, store, &json!({})).expect("switched");
        assert_eq!(nothing, json!({}));
        assert_eq!(switched(chat, Retention::Account, &json!({})).expect("switched"), json!({}));
        for (more, order) in [(json!({}), None), (json!({"provider": {"order": ["x"]}}), Some(json!(["x"])))]
        {
            let body = switched(chat, Retention::OpenRouter, &more).expect("switched");
            assert_eq!(
                (&body["provider"]["data_collection"], &body["provider"]["zdr"]),
                (&json!("deny"), &json!(true))
            );
            assert_eq!(body["provider"].get("order"), order.as_ref());
        }
    }

    #[test]
    fn the_opposite_wish_is_refused_by_its_name() {
        for (by, more, field) in [
            (Retention::Store, json!({"store": true}), "store"),
            (
                Retention::OpenRouter,
                json!({"provider": {"data_collection": "allow"}}),
                "provider.data_collection",
            ),
            (Retention::OpenRouter, json!({"provider": {"zdr": false}}), "provider.zdr"),
        ] {
            let rejection = switched(Api::OpenAiChat, by, &more).expect_err(field);
            assert_eq!((rejection.status().as_u16(), rejection.param()), (403, Some(field)));
        }
    }
}
