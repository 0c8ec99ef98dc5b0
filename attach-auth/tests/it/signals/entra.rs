//! What Entra ID sends, as "Develop and plan provisioning for a SCIM endpoint" shows it
//! (learn.microsoft.com/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups).

use http::Method;
use serde_json::{Value, json};

use super::world::json_of;
use super::{ACME, World, recorded};

const CREATE: &str = r#"{
    "schemas": [
        "urn:ietf:params:scim:schemas:core:2.0:User",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
    "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
    "userName": "Test_User_ab6490ee-1e48-479e-a20b-2d77186b5dd1",
    "active": true,
    "emails": [{
        "primary": true,
        "type": "work",
        "value": "Test_User_fd0ea19b-0777-472c-9f96-4f70d2226f2e@testuser.com"
    }],
    "meta": {"resourceType": "User"},
    "name": {"formatted": "givenName familyName", "familyName": "familyName", "givenName": "givenName"},
    "roles": []
}"#;
const MULTIPLE: &str = r#"{
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [
        {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "updatedEmail@microsoft.com"},
        {"op": "Replace", "path": "name.familyName", "value": "updatedFamilyName"}
    ]
}"#;
const USER_NAME: &str = r#"{
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "Replace", "path": "userName", "value": "5b50642d-79fc-4410-9e90-4c077cdd1a59@testuser.com"}]
}"#;
const DISABLE: &str = r#"{
    "Operations": [{"op": "Replace", "path": "active", "value": false}],
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
}"#;
/// Without the flag `aadOptscim062020`.
const DISABLE_AS_TEXT: &str = r#"{
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "Replace", "path": "active", "value": "False"}]
}"#;
/// Without the flag either: several attributes at once, by their paths, and nothing of the kind there before.
const NO_PATH: &str = r#"{
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "Add", "value": {
        "phoneNumbers[type eq \"work\"].value": "555",
        "name.givenName": "updated",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "R&D",
        "active": "False"
    }}]
}"#;
const GROUP: &str = r#"{
    "schemas": [
        "urn:ietf:params:scim:schemas:core:2.0:Group",
        "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
    "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159",
    "displayName": "displayName",
    "meta": {"resourceType": "Group"}
}"#;
const ADD_MEMBER: &str = r#"{
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "Add", "path": "members", "value": [{"$ref": null, "value": "{ID}"}]}]
}"#;
const REMOVE_MEMBER: &str = r#"{
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": "{ID}"}]}]
}"#;

#[tokio::test]
async fn a_user_is_created_changed_and_disabled_in_every_spelling() {
    for disable in [DISABLE, DISABLE_AS_TEXT, NO_PATH] {
        let world = World::new().await;
        let id = world.provision(recorded(CREATE, "")).await;
        let path = format!("/Users/{id}");
        let answer = world.scim(ACME, Method::PATCH, &path, &recorded(MULTIPLE, "")).await;
        let user = json_of(&answer);
        assert_eq!(user["emails"][0]["value"], "updatedEmail@microsoft.com", "{user}");
        assert_eq!(
            (&user["name"]["familyName"], &user["name"]["givenName"]),
            (&json!("updatedFamilyName"), &json!("givenName"))
        );
        let answer = world.scim(ACME, Method::PATCH, &path, &recorded(USER_NAME, "")).await;
        assert_eq!(json_of(&answer)["userName"], "5b50642d-79fc-4410-9e90-4c077cdd1a59@testuser.com");

        let token = world.token("0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef", "x");
        assert_eq!(world.call(&token).await, 200);
        let answer = world.scim(ACME, Method::PATCH, &path, &recorded(disable, "")).await;
        assert_eq!((answer.status, &json_of(&answer)["active"]), (200, &json!(false)), "{}", answer.body);
        assert_eq!(world.call(&token).await, 401);
        assert_eq!(world.call(&world.token("y", "updatedemail@microsoft.com")).await, 401);
    }
}

#[tokio::test]
async fn attributes_without_a_path_are_found_by_their_names() {
    let world = World::new().await;
    let id = world.provision(recorded(CREATE, "")).await;
    let answer = world.scim(ACME, Method::PATCH, &format!("/Users/{id}"), &recorded(NO_PATH, "")).await;
    let user = json_of(&answer);
    assert_eq!(user["phoneNumbers"], json!([{"type": "work", "value": "555"}]));
    assert_eq!(user["name"]["givenName"], "updated");
    assert_eq!(user["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]["department"], "R&D");
}

#[tokio::test]
async fn a_deleted_user_stays_disabled_until_they_are_provisioned_again() {
    let world = World::new().await;
    let id = world.provision(recorded(CREATE, "")).await;
    let path = format!("/Users/{id}");
    let token = world.token("0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef", "x");
    assert_eq!(world.scim(ACME, Method::DELETE, &path, &Value::Null).await.status, 204);
    assert_eq!(world.call(&token).await, 401);
    let gone = world.scim(ACME, Method::GET, &path, &Value::Null).await;
    assert_eq!((gone.status, json_of(&gone)["status"].clone()), (404, json!("404")));
    assert_eq!(world.scim(ACME, Method::DELETE, &path, &Value::Null).await.status, 404);
    world.provision(recorded(CREATE, "")).await;
    assert_eq!(world.call(&token).await, 401, "it is from before");
}

#[tokio::test]
async fn group_members_come_and_go() {
    let world = World::new().await;
    let user = world.provision(recorded(CREATE, "")).await;
    let answer = world.scim(ACME, Method::POST, "/Groups", &recorded(GROUP, "")).await;
    let path = format!("/Groups/{}", json_of(&answer)["id"].as_str().expect("an id"));
    let filter = "/Groups?excludedAttributes=members&filter=displayName%20eq%20%22displayName%22";
    let found = json_of(&world.scim(ACME, Method::GET, filter, &Value::Null).await);
    assert_eq!(found["totalResults"], 1);
    assert!(found["Resources"][0].get("members").is_none());
    let mut identity = attach_core::Identity::person("acme", "pairwise");
    identity.id = "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef".into();
    let groups = || world.signals.provisioned().groups("acme", &identity);
    assert_eq!(world.scim(ACME, Method::PATCH, &path, &recorded(ADD_MEMBER, &user)).await.status, 204);
    assert_eq!(groups().iter().map(|group| &*group.name).collect::<Vec<_>>(), ["displayName"]);
    assert_eq!(world.scim(ACME, Method::PATCH, &path, &recorded(REMOVE_MEMBER, &user)).await.status, 204);
    assert!(groups().is_empty());
}
