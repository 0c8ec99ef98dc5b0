//! What a dialect's reader reads, its own writer writes: nothing is changed on the way through the canonical model.

use attach_core::{Api, Payload};
use bytes::Bytes;
use serde_json::{Value, json};

use super::super::canonical::Losses;
use super::super::{ollama, openai};

/// Numbers that only look like chance, so that a failure comes again.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    pub(super) fn yes(&mut self) -> bool {
        self.roll(2) == 1
    }

    pub(super) fn text(&mut self) -> String {
        const PIECES: [&str; 8] = ["a", " ", "\"", "\\", "\n", "ü", "👋", "\u{1}"];
        (0..=self.roll(6)).map(|_| PIECES[self.roll(8) as usize]).collect()
    }

    /// A key holds no control character: the gateway refuses these.
    fn key(&mut self) -> String {
        self.text().replace(char::is_control, "k")
    }

    fn maybe(&mut self, body: &mut Value, key: &str, value: impl FnOnce(&mut Self) -> Value) {
        if self.yes() {
            body[key] = value(self);
        }
    }

    fn schema(&mut self) -> Value {
        json!({"type": "object", "properties": {self.key(): {"type": "string", "description": self.text()}}})
    }

    fn tools(&mut self) -> Value {
        let tool = |dice: &mut Self, name: String| {
            let mut function = json!({"name": name});
            dice.maybe(&mut function, "description", |dice| json!(dice.text()));
            dice.maybe(&mut function, "parameters", Self::schema);
            json!({"type": "function", "function": function})
        };
        (0..=self.roll(2)).map(|number| tool(self, format!("f{number}"))).collect()
    }

    fn number(&mut self) -> Value {
        json!(self.roll(100) as f64 / 8.0)
    }
}

fn through(api: Api, body: &Value) -> Value {
    let payload = Payload::parse(api, Bytes::from(body.to_string())).unwrap();
    let (root, call) = (payload.document().root(), payload.call());
    let mut losses = Losses::refused(true);
    let bytes = if api == Api::OpenAiChat {
        let chat = openai::read_chat(root, call, &mut losses).unwrap();
        openai::write_chat(&chat, call.model.as_str(), &mut losses).unwrap()
    } else {
        let chat = ollama::read_chat(root, call, &mut losses).unwrap();
        ollama::write_chat(&chat, call.model.as_str(), &mut losses).unwrap()
    };
    serde_json::from_slice(&bytes).unwrap()
}

fn openai_message(dice: &mut Dice, turn: u64) -> Vec<Value> {
    match dice.roll(4) {
        0 => vec![json!({"role": "system", "content": dice.text()})],
        1 => vec![json!({"role": "user", "content": dice.text()})],
        2 => vec![json!({"role": "user", "content": [
            {"type": "text", "text": dice.text()},
            {"type": "image_url", "image_url": {"url": "data:image/webp;base64,UklG"}},
            {"type": "image_url", "image_url": {"url": "https://example.com/a,b.png"}},
        ]})],
        _ => {
            let call = |place: u64, arguments: String| json!({"id": format!("call_{turn}_{place}"), "type": "function", "function": {"name": "f0", "arguments": arguments}});
            let calls: Vec<_> =
                (0..=dice.roll(2)).map(|place| call(place, json!({dice.key(): 1}).to_string())).collect();
            let results: Vec<_> = calls
                .iter()
                .map(|call| json!({"role": "tool", "tool_call_id": call["id"], "content": dice.text()}))
                .collect();
            let said = json!({"role": "assistant", "content": dice.text(), "tool_calls": calls});
            std::iter::once(said).chain(results).collect()
        }
    }
}

#[test]
fn openais_requests_come_through_unchanged() {
    for seed in 0..400 {
        let dice = &mut Dice(seed);
        let messages: Vec<_> = (0..=dice.roll(4)).flat_map(|turn| openai_message(dice, turn)).collect();
        let mut body = json!({"model": "llama3", "messages": messages, "stream": dice.yes()});
        if body["stream"] == true {
            body["stream_options"] = json!({"include_usage": true});
        }
        dice.maybe(&mut body, "tools", Dice::tools);
        dice.maybe(&mut body, "parallel_tool_calls", |dice| json!(dice.yes()));
        dice.maybe(&mut body, "stop", |dice| json!([dice.text(), dice.text()]));
        dice.maybe(&mut body, "max_tokens", |dice| json!(1 + dice.roll(1000)));
        for key in ["temperature", "top_p", "presence_penalty", "frequency_penalty"] {
            dice.maybe(&mut body, key, Dice::number);
        }
        dice.maybe(&mut body, "seed", |dice| json!(dice.roll(9)));
        dice.maybe(&mut body, "reasoning_effort", |dice| {
            json!(["none", "minimal", "low", "medium", "high"][dice.roll(5) as usize])
        });
        dice.maybe(&mut body, "tool_choice", |dice| {
            [
                json!("auto"),
                json!("none"),
                json!("required"),
                json!({"type": "function", "function": {"name": "f0"}}),
            ][dice.roll(4) as usize]
                .clone()
        });
        dice.maybe(&mut body, "response_format", |dice| {
            let schema = dice.schema();
            [
                json!({"type": "json_object"}),
                json!({"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": true}}),
            ][dice.roll(2) as usize]
                .clone()
        });
        assert_eq!(through(Api::OpenAiChat, &body), body, "seed {seed}");
    }
}

fn ollama_message(dice: &mut Dice) -> Vec<Value> {
    match dice.roll(4) {
        0 => vec![json!({"role": "system", "content": dice.text()})],
        1 => vec![json!({"role": "user", "content": dice.text()})],
        2 => vec![json!({"role": "user", "content": dice.text(), "images": ["iVBO", "/9j/"]})],
        _ => {
            let mut said = json!({"role": "assistant", "content": dice.text(), "tool_calls": [
                {"function": {"name": "f0", "arguments": {dice.key(): dice.text()}}},
                {"function": {"name": "f1", "arguments": {}}},
            ]});
            dice.maybe(&mut said, "thinking", |dice| json!(dice.text()));
            let result =
                |name: &str, text: String| json!({"role": "tool", "content": text, "tool_name": name});
            vec![said, result("f1", dice.text()), result("f0", dice.text())]
        }
    }
}

#[test]
fn ollamas_requests_come_through_unchanged() {
    for seed in 0..400 {
        let dice = &mut Dice(seed);
        let messages: Vec<_> = (0..=dice.roll(4)).flat_map(|_| ollama_message(dice)).collect();
        let mut body = json!({"model": "llama3", "messages": messages, "stream": dice.yes()});
        dice.maybe(&mut body, "tools", Dice::tools);
        dice.maybe(&mut body, "think", |dice| {
            [json!(true), json!(false), json!("low"), json!("high")][dice.roll(4) as usize].clone()
        });
        dice.maybe(&mut body, "format", |dice| if dice.yes() { json!("json") } else { dice.schema() });
        let mut options = json!({});
        dice.maybe(&mut options, "num_predict", |dice| json!(1 + dice.roll(1000)));
        dice.maybe(&mut options, "top_k", |dice| json!(dice.roll(50)));
        dice.maybe(&mut options, "seed", |dice| json!(dice.roll(9)));
        dice.maybe(&mut options, "stop", |dice| json!([dice.text()]));
        for key in ["temperature", "top_p", "presence_penalty", "frequency_penalty"] {
            dice.maybe(&mut options, key, Dice::number);
        }
        if options != json!({}) {
            body["options"] = options;
        }
        assert_eq!(through(Api::OllamaChat, &body), body, "seed {seed}");
    }
}
