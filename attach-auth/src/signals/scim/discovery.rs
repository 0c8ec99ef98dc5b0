//! What the service can do (RFC 7643 §5 to §7).

use serde_json::{Value, json};

use super::collection::Collection;

pub(super) fn service_provider_config(base: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": true},
        "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": true, "maxResults": 1000},
        "changePassword": {"supported": false},
        "sort": {"supported": false},
        "etag": {"supported": true},
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A secret that is good for one directory, in the Authorization header",
            "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
            "primary": true
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base}/ServiceProviderConfig")
        }
    })
}

pub(super) fn resource_type(collection: Collection, base: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": collection.kind(),
        "name": collection.kind(),
        "endpoint": format!("/{}", collection.path()),
        "schema": collection.schema(),
        "meta": {
            "resourceType": "ResourceType",
            "location": format!("{base}/ResourceTypes/{}", collection.kind())
        }
    })
}

pub(super) fn schema(collection: Collection, base: &str) -> Value {
    let attributes = match collection {
        Collection::Users => vec![
            text("userName", true, false, "server"),
            text("externalId", false, true, "none"),
            attribute("active", "boolean", false),
            several(
                "emails",
                &[
                    text("value", false, false, "none"),
                    text("type", false, false, "none"),
                    attribute("primary", "boolean", false),
                ],
            ),
        ],
        Collection::Groups => vec![
            text("displayName", true, false, "none"),
            text("externalId", false, true, "none"),
            several("members", &[text("value", false, true, "none")]),
        ],
    };
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": collection.schema(),
        "name": collection.kind(),
        "attributes": attributes,
        "meta": {"resourceType": "Schema", "location": format!("{base}/Schemas/{}", collection.schema())}
    })
}

fn attribute(name: &str, kind: &str, required: bool) -> Value {
    json!({
        "name": name, "type": kind, "multiValued": false, "required": required,
        "mutability": "readWrite", "returned": "default"
    })
}

fn text(name: &str, required: bool, case_exact: bool, uniqueness: &str) -> Value {
    let mut text = attribute(name, "string", required);
    text["caseExact"] = case_exact.into();
    text["uniqueness"] = uniqueness.into();
    text
}

fn several(name: &str, sub: &[Value]) -> Value {
    let mut several = attribute(name, "complex", false);
    several["multiValued"] = true.into();
    several["subAttributes"] = sub.into();
    several
}
