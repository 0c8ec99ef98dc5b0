//! What Okta sends, as "SCIM 2.0" in its developer documentation shows it
//! (developer.okta.com/docs/api/openapi/okta-scim/guides/scim-20).

use http::Method;
use serde_json::{Value, json};

use super::world::{json_of, now};
use super::{ACME, World, recorded};

const CREATE: &str = r#"{
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "userName": "test.user@okta.local",
    "name": {"givenName": "Test", "familyName": "User"},
    "emails": [{"primary": true, "value": "test.user@okta.local", "type": "work"}],
    "displayName": "Test User",
    "locale": "en-US",
    "externalId": "00ujl29u0le5T6Aj10h7",
    "groups": [],
    "password": "1mz050nq",
    "active": true
}"#;
const REPLACE: &str = r#"{
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "id": "{ID}",
    "userName": "test.user@okta.local",
    "name": {"givenName": "Another", "middleName": "Excited", "familyName": "User"},
    "emails": [{"primary": true, "value": "test.user@okta.local", "type": "work", "display": "test.user@okta.local"}],
    "active": true,
    "groups": [],
    "meta": {"resourceType": "User"}
}"#;
const DEACTIVATE: &str = r#"{
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "value": {"active": false}}]
}"#;
const REACTIVATE: &str = r#"{
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "value": {"active": true}}]
}"#;
const GROUP: &str = r#"{
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
    "displayName": "Test SCIMv2",
    "members": []
}"#;
const MEMBERS: &str = r#"{
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [
        {"op": "remove", "path": "members[value eq \"{ID}\"]"},
        {"op": "add", "path": "members", "value": [{"value": "{ID}", "display": "test.user@okta.local"}]}
    ]
}"#;
const RENAME: &str = r#"{
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "replace", "value": {"id": "{ID}", "displayName": "Test SCIMv22"}}]
}"#;
const EXISTS: &str = "/Users?filter=userName%20eq%20%22test.user%40okta.local%22&startIndex=1&count=100";

#[tokio::test]
async fn a_user_is_looked_for_created_changed_and_deactivated() {
    let world = World::new().await;
    let scim = |method, path: String, body: Value| {
        let world = &world;
        async move { world.scim(ACME, method, &path, &body).await }
    };
    let answer = scim(Method::GET, EXISTS.to_owned(), Value::Null).await;
    assert_eq!((answer.status, json_of(&answer)["totalResults"].clone()), (200, json!(0)));

    let answer = scim(Method::POST, "/Users".to_owned(), recorded(CREATE, "")).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.headers["content-type"], "application/scim+json");
    let user = json_of(&answer);
    let id = user["id"].as_str().expect("an id").to_owned();
    let location = format!("https://llm.acme.test/scim/v2/Users/{id}");
    assert_eq!(answer.headers["location"], location.as_str());
    assert_eq!(user["meta"]["location"], location.as_str());
    assert_eq!(user["meta"]["resourceType"], "User");
    assert_eq!(user["name"]["givenName"], "Test");
    assert!(user.get("password").is_none() && !answer.body.contains("1mz050nq"), "{user}");

    let answer = scim(Method::GET, EXISTS.to_owned(), Value::Null).await;
    let list = json_of(&answer);
    assert_eq!(list["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
    assert_eq!(
        (&list["totalResults"], &list["itemsPerPage"], &list["startIndex"]),
        (&json!(1), &json!(1), &json!(1))
    );
    assert_eq!(list["Resources"][0]["id"], id.as_str());

    let answer = scim(Method::PUT, format!("/Users/{id}"), recorded(REPLACE, &id)).await;
    assert_eq!((answer.status, json_of(&answer)["name"]["givenName"].clone()), (200, json!("Another")));
    assert_eq!(json_of(&answer)["externalId"], "00ujl29u0le5T6Aj10h7", "tokens name the user by it");

    let token = world.token("00ujl29u0le5T6Aj10h7", "somebody.else@okta.local");
    assert_eq!(world.call(&token).await, 200);
    let answer = scim(Method::PATCH, format!("/Users/{id}"), recorded(DEACTIVATE, "")).await;
    assert_eq!((answer.status, json_of(&answer)["active"].clone()), (200, json!(false)));
    assert_eq!(world.call(&token).await, 401, "at once, and by a token of another issuer");
    let later = world.token_issued("00ujl29u0le5T6Aj10h7", "x", now());
    assert_eq!(world.call(&later).await, 401, "and whatever is issued later");
    assert_eq!(world.call(&world.token("00uanother", "TEST.user@okta.local")).await, 401, "by login too");
    assert_eq!(world.call(&world.token("00uanother", "another@okta.local")).await, 200);

    let answer = scim(Method::PATCH, format!("/Users/{id}"), recorded(REACTIVATE, "")).await;
    assert_eq!((answer.status, world.call(&token).await), (200, 200));
}

#[tokio::test]
async fn groups_are_created_filled_renamed_and_deleted() {
    let world = World::new().await;
    let user = world.provision(recorded(CREATE, "")).await;
    let answer = world.scim(ACME, Method::POST, "/Groups", &recorded(GROUP, "")).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let group = json_of(&answer)["id"].as_str().expect("an id").to_owned();
    let path = format!("/Groups/{group}");
    for _ in 0..2 {
        let answer = world.scim(ACME, Method::PATCH, &path, &recorded(MEMBERS, &user)).await;
        assert_eq!(answer.status, 204, "{}", answer.body);
    }
    let shown = json_of(&world.scim(ACME, Method::GET, &path, &Value::Null).await);
    assert_eq!(shown["members"], json!([{"value": user}]));
    assert_eq!(world.scim(ACME, Method::PATCH, &path, &recorded(RENAME, &group)).await.status, 204);
    let found =
        world.scim(ACME, Method::GET, "/Groups?filter=displayName+eq+%22test+scimv22%22", &Value::Null).await;
    assert_eq!(json_of(&found)["Resources"][0]["id"], group.as_str(), "{}", found.body);
    assert_eq!(world.scim(ACME, Method::DELETE, &path, &Value::Null).await.status, 204);
    assert_eq!(world.scim(ACME, Method::GET, &path, &Value::Null).await.status, 404);
}
