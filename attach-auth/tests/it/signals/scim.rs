//! The protocol itself: errors, filters, pages, versions (RFC 7644).

use attach_auth::signals::ScimLimits;
use http::Method;
use serde_json::{Value, json};

use super::world::json_of;
use super::{ACME, PARTNER, World};

fn user(name: &str) -> Value {
    json!({"userName": name, "externalId": format!("ext-{name}"), "emails": [{"value": format!("{name}@x.test")}]})
}

fn patch(operations: Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

#[tokio::test]
async fn without_a_good_secret_the_answer_is_401_and_after_many_429() {
    let world = World::new().await;
    for secret in ["", "wrong", &ACME[1..], &format!("{ACME}x")] {
        let answer = world.scim(secret, Method::GET, "/Users", &Value::Null).await;
        assert_eq!((answer.status, answer.challenge()), (401, "Bearer realm=\"scim\""));
        assert_eq!(json_of(&answer)["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        assert_eq!(answer.headers["content-type"], "application/scim+json");
    }
    let none = world.send(Method::GET, "/scim/v2/Users", &[], "").await;
    assert_eq!(none.status, 401);
    let mut last = none;
    for _ in 0..25 {
        last = world.scim("wrong", Method::GET, "/Users", &Value::Null).await;
    }
    assert_eq!(last.status, 429);
    assert!(last.headers.contains_key("retry-after"));
    assert_eq!(
        world.scim(ACME, Method::GET, "/Users", &Value::Null).await.status,
        200,
        "the right one always passes"
    );
}

#[tokio::test]
async fn a_user_name_is_taken_once_in_a_directory_in_any_case() {
    let world = World::new().await;
    let id = world.provision(user("alice")).await;
    let again = world.scim(ACME, Method::POST, "/Users", &user("ALICE")).await;
    assert_eq!((again.status, json_of(&again)["scimType"].clone()), (409, json!("uniqueness")));
    assert_eq!(world.scim(PARTNER, Method::POST, "/Users", &user("alice")).await.status, 201);
    let bob = world.provision(user("bob")).await;
    let rename = patch(json!([{"op": "replace", "path": "userName", "value": "Alice"}]));
    assert_eq!(world.scim(ACME, Method::PATCH, &format!("/Users/{bob}"), &rename).await.status, 409);
    assert_eq!(world.scim(ACME, Method::DELETE, &format!("/Users/{id}"), &Value::Null).await.status, 204);
    assert_eq!(world.scim(ACME, Method::PATCH, &format!("/Users/{bob}"), &rename).await.status, 200);
}

#[tokio::test]
async fn people_are_found_by_what_directories_look_for() {
    let world = World::new().await;
    let id = world.provision(user("alice")).await;
    world.provision(user("bob")).await;
    for (filter, found) in [
        (r#"userName eq "ALICE""#, 1),
        (r#"username EQ "alice""#, 1),
        (r#"externalId eq "ext-alice""#, 1),
        (r#"externalId eq "EXT-alice""#, 0),
        (r#"emails.value eq "Alice@X.test""#, 1),
        (r#"emails[type eq "work"].value eq "alice@x.test""#, 1),
        (&*format!(r#"id eq "{id}""#), 1),
        (r#"userName eq "alice@x.test""#, 0),
        (r#"userName eq "nobody""#, 0),
    ] {
        let query: String =
            form_urlencoded::Serializer::new(String::new()).append_pair("filter", filter).finish();
        let answer = world.scim(ACME, Method::GET, &format!("/Users?{query}"), &Value::Null).await;
        assert_eq!(
            (answer.status, json_of(&answer)["totalResults"].clone()),
            (200, json!(found)),
            "{filter}"
        );
    }
    for filter in ["userName+sw+%22a%22", "title+pr", "%22", "userName+eq+%22a%22+and+active+eq+true"] {
        let answer = world.scim(ACME, Method::GET, &format!("/Users?filter={filter}"), &Value::Null).await;
        assert_eq!(
            (answer.status, json_of(&answer)["scimType"].clone()),
            (400, json!("invalidFilter")),
            "{filter}"
        );
    }
}

#[tokio::test]
async fn lists_come_in_pages_in_the_order_of_creation() {
    let world = World::new().await;
    for number in 0..5 {
        world.provision(user(&format!("user{number}"))).await;
    }
    let names = |answer: &Value| {
        let all = answer["Resources"].as_array().expect("a list");
        all.iter().map(|user| user["userName"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    for (query, expected) in [
        ("startIndex=1&count=2", vec!["user0", "user1"]),
        ("startIndex=4&count=2", vec!["user3", "user4"]),
        ("startIndex=6", vec![]),
        ("startIndex=-3&count=1", vec!["user0"]),
        ("count=0", vec![]),
        ("count=-1", vec![]),
    ] {
        let page = json_of(&world.scim(ACME, Method::GET, &format!("/Users?{query}"), &Value::Null).await);
        assert_eq!(
            (names(&page), &page["totalResults"]),
            (expected.into_iter().map(String::from).collect(), &json!(5)),
            "{query}"
        );
    }
    assert_eq!(world.scim(ACME, Method::GET, "/Users?count=x", &Value::Null).await.status, 400);
    let few =
        json_of(&world.scim(ACME, Method::GET, "/Users?attributes=userName&count=1", &Value::Null).await);
    assert!(few["Resources"][0].get("emails").is_none() && few["Resources"][0].get("id").is_some(), "{few}");
}

#[tokio::test]
async fn a_change_of_what_has_changed_meanwhile_is_412() {
    let world = World::new().await;
    let id = world.provision(user("alice")).await;
    let path = format!("/scim/v2/Users/{id}");
    let authorization = format!("Bearer {ACME}");
    let answer = world.scim(ACME, Method::GET, &format!("/Users/{id}"), &Value::Null).await;
    let version = answer.headers["etag"].to_str().expect("text").to_owned();
    let change = patch(json!([{"op": "replace", "path": "title", "value": "Dr"}])).to_string();
    let headers = [("authorization", &*authorization), ("if-match", &*version)];
    assert_eq!(world.send(Method::PATCH, &path, &headers, change.clone()).await.status, 200);
    assert_eq!(world.send(Method::PATCH, &path, &headers, change).await.status, 412);
}

#[tokio::test]
async fn what_makes_no_sense_is_400_with_its_type_and_changes_nothing() {
    let world = World::new().await;
    let id = world.provision(user("alice")).await;
    let path = format!("/Users/{id}");
    for (operations, kind) in [
        (json!([]), "invalidValue"),
        (json!([{"op": "copy", "path": "title"}]), "invalidSyntax"),
        (json!([{"op": "replace", "path": "a b", "value": 1}]), "invalidPath"),
        (json!([{"op": "replace", "path": "emails[value sw 1].type", "value": 1}]), "invalidFilter"),
        (json!([{"op": "remove"}]), "noTarget"),
        (json!([{"op": "replace", "path": "id", "value": "x"}]), "mutability"),
        (json!([{"op": "replace", "path": "active", "value": "no"}]), "invalidValue"),
        (
            json!([{"op": "replace", "path": "active", "value": false}, {"op": "remove", "path": "userName"}]),
            "invalidValue",
        ),
    ] {
        let answer = world.scim(ACME, Method::PATCH, &path, &patch(operations.clone())).await;
        assert_eq!((answer.status, json_of(&answer)["scimType"].clone()), (400, json!(kind)), "{operations}");
    }
    let authorization = format!("Bearer {ACME}");
    for body in ["", "{", "[]", r#"{"userName":"a","userName":"b"}"#, "\u{feff}{}"] {
        let answer = world
            .send(Method::POST, "/scim/v2/Users", &[("authorization", &authorization)], body.to_owned())
            .await;
        assert_eq!(
            (answer.status, json_of(&answer)["scimType"].clone()),
            (400, json!("invalidSyntax")),
            "{body}"
        );
    }
    let there = json_of(&world.scim(ACME, Method::GET, &path, &Value::Null).await);
    assert_eq!((&there["active"], &there["userName"]), (&json!(true), &json!("alice")));
    assert_eq!(world.scim(ACME, Method::POST, &path, &user("x")).await.status, 405);
    assert_eq!(world.scim(ACME, Method::GET, "/Bulk", &Value::Null).await.status, 404);
}

#[tokio::test]
async fn a_directory_has_no_more_than_it_may() {
    let world = World::with(ScimLimits::default().users(1).groups(1).members(1)).await;
    world.provision(user("alice")).await;
    assert_eq!(world.scim(ACME, Method::POST, "/Users", &user("bob")).await.status, 413);
    assert_eq!(world.scim(PARTNER, Method::POST, "/Users", &user("bob")).await.status, 201);
    let group = json!({"displayName": "g", "members": [{"value": "1"}, {"value": "2"}]});
    assert_eq!(world.scim(ACME, Method::POST, "/Groups", &group).await.status, 413);
    assert_eq!(world.scim(ACME, Method::POST, "/Groups", &json!({"displayName": "g"})).await.status, 201);
    assert_eq!(world.scim(ACME, Method::POST, "/Groups", &json!({"displayName": "h"})).await.status, 413);
}

#[tokio::test]
async fn what_the_service_can_do_is_described() {
    let world = World::new().await;
    let get = |path: &'static str| {
        let world = &world;
        async move { json_of(&world.scim(ACME, Method::GET, path, &Value::Null).await) }
    };
    let config = get("/ServiceProviderConfig").await;
    assert_eq!((&config["patch"]["supported"], &config["bulk"]["supported"]), (&json!(true), &json!(false)));
    assert_eq!(get("/ResourceTypes").await["totalResults"], 2);
    assert_eq!(get("/ResourceTypes/User").await["endpoint"], "/Users");
    let schema = get("/Schemas/urn:ietf:params:scim:schemas:core:2.0:User").await;
    assert_eq!(schema["attributes"][0]["name"], "userName");
    assert_eq!(get("/Schemas/else").await["status"], "404");
}
