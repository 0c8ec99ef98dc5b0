use serde_json::Value;

/// What a recipe expects.
pub(super) struct Expected {
    pub(super) id: String,
    pub(super) statuses: Vec<u16>,
    pub(super) reasons: Vec<String>,
    /// The scheme and its parameters.
    pub(super) challenge: Option<(String, Vec<(String, String)>)>,
}

fn recipes() -> impl Iterator<Item = Value> {
    let lines = include_str!("../attack_recipes.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).expect("a recipe"))
}

pub(super) fn ids() -> Vec<String> {
    recipes().map(|recipe| recipe["id"].as_str().expect("an id").to_owned()).collect()
}

pub(super) fn expected(id: &str) -> Expected {
    let recipe = recipes().find(|recipe| recipe["id"] == id).expect("a recipe with this id");
    let status = recipe["status"].to_string();
    let numbers = status.split(|c: char| !c.is_ascii_digit()).filter(|number| number.len() == 3);
    let reasons = recipe["audit_reason"].as_str().expect("a reason").replace(" or ", "/");
    Expected {
        id: id.to_owned(),
        statuses: numbers.map(|number| number.parse().expect("a status")).collect(),
        reasons: reasons.split('/').map(|reason| reason.trim().to_owned()).collect(),
        challenge: recipe["www_authenticate"].as_str().map(challenge),
    }
}

/// Takes `Scheme name="value", …` apart.
pub(super) fn challenge(text: &str) -> (String, Vec<(String, String)>) {
    let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
    let parameters = rest.split("\", ").filter(|parameter| !parameter.is_empty()).map(|parameter| {
        let (name, value) = parameter.split_once("=\"").expect("a quoted value");
        (name.to_owned(), value.trim_end_matches('"').to_owned())
    });
    (scheme.to_owned(), parameters.collect())
}
