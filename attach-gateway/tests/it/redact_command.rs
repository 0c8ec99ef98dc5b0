//! `attach-gateway redact`: the redactor alone, on the built binary.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::support::gateway::Finished;
use crate::support::{Launch, PATIENCE};

async fn redact(arguments: &[&str], input: &str) -> Finished {
    Launch::bare().arguments(&["redact"]).arguments(arguments).fed(input.as_bytes()).await
}

async fn report(arguments: &[&str], lines: &[Value]) -> Vec<Value> {
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let finished = redact(&[&["--jsonl"], arguments].concat(), &input).await;
    assert!(finished.ok, "{finished:?}");
    finished.stdout.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

async fn entities(arguments: &[&str], text: &str) -> Vec<String> {
    let answer = report(arguments, &[json!({"id": 1, "text": text})]).await.remove(0);
    let spans = answer["spans"].as_array().expect("a list");
    spans.iter().map(|span| span["entity"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn spans_are_in_characters_and_ids_come_back_as_they_were() {
    let lines = [
        json!({"id": {"n": [1, 2.50]}, "text": "ü😀 bob@example.org\n4111 1111 1111 1111"}),
        json!({"id": null, "text": "nothing"}),
        json!({"text": "no id", "more": "is passed over"}),
    ];
    let answers = report(&[], &lines).await;
    assert_eq!(answers.len(), 3);
    assert_eq!((&answers[0]["id"], &answers[0]["text"]), (&lines[0]["id"], &lines[0]["text"]));
    let spans = answers[0]["spans"].as_array().unwrap();
    let named = |span: &Value| (span["entity"].clone(), span["start"].clone(), span["end"].clone());
    assert_eq!(named(&spans[0]), (json!("EMAIL_ADDRESS"), json!(3), json!(18)));
    assert_eq!(named(&spans[1]), (json!("CREDIT_CARD"), json!(19), json!(38)));
    assert!(spans.iter().all(|span| (0.0..=1.0).contains(&span["score"].as_f64().unwrap())));
    assert_eq!(answers[1]["spans"], json!([]));
    assert_eq!(answers[2]["id"], Value::Null);
}

#[tokio::test]
async fn what_is_off_by_default_is_found_when_it_is_asked_for() {
    let number = "943 476 5919";
    assert!(!entities(&[], number).await.contains(&"UK_NHS".to_owned()));
    assert_eq!(entities(&["--entities", "UK_NHS,PERSON"], number).await, ["UK_NHS"]);
    assert!(entities(&["--entities", "all"], number).await.contains(&"UK_NHS".to_owned()));
    assert!(
        !entities(&["--entities", "all", "--threshold", "0.9"], number).await.contains(&"UK_NHS".to_owned())
    );
    assert_eq!(entities(&["--entities", "PERSON"], "bob@example.org").await, Vec::<String>::new());
    let private = "10.0.0.1";
    assert_eq!(entities(&[], private).await, Vec::<String>::new());
    assert_eq!(entities(&["--private-addresses"], private).await, ["IP_ADDRESS"]);
    assert!(entities(&["--entities", "all"], private).await.contains(&"IP_ADDRESS".to_owned()));
}

#[tokio::test]
async fn a_name_that_is_no_entity_is_an_error_that_says_the_nearest() {
    let finished = redact(&["--jsonl", "--entities", "EMAIL_ADRESS"], "").await;
    assert_eq!(finished.code, Some(2));
    assert!(finished.stderr.contains("\"EMAIL_ADDRESS\""), "{finished:?}");
}

#[tokio::test]
async fn a_bad_line_is_named_by_its_number_and_the_others_are_answered() {
    let input = "{\"id\":1,\"text\":\"a\"}\nbob@example.org\n\n{\"id\":2}\n{\"id\":3,\"text\":\"b\\n\"}\r\n";
    let finished = redact(&["--jsonl"], input).await;
    assert_eq!(finished.code, Some(1));
    assert_eq!(
        finished.stdout,
        "{\"id\":1,\"text\":\"a\",\"spans\":[]}\n{\"id\":3,\"text\":\"b\\n\",\"spans\":[]}\n"
    );
    let said: Vec<_> = finished.stderr.lines().collect();
    assert!(said.len() == 2 && said[0].contains("line 2:") && said[1].contains("line 4:"), "{said:?}");
    assert!(!finished.stderr.contains("bob"));
}

#[tokio::test]
async fn a_line_of_mebibytes_is_answered() {
    let text = format!("{} bob@example.org", "lorem ipsum ".repeat(300_000));
    let answers = report(&[], &[json!({"id": 1, "text": text})]).await;
    assert_eq!(answers[0]["spans"][0]["end"], json!(text.len()));
}

#[tokio::test]
async fn each_line_is_answered_before_the_next_is_asked() {
    let mut program = Launch::bare().arguments(&["redact", "--jsonl"]).piped();
    let mut input = program.stdin.take().unwrap();
    let mut output = BufReader::new(program.stdout.take().unwrap()).lines();
    for id in 0..3 {
        input.write_all(format!("{{\"id\":{id},\"text\":\"x\"}}\n").as_bytes()).await.unwrap();
        let line = tokio::time::timeout(PATIENCE, output.next_line()).await.expect("it answers");
        assert!(line.unwrap().unwrap().starts_with(&format!("{{\"id\":{id},")));
    }
    drop(input);
    assert!(tokio::time::timeout(PATIENCE, program.wait()).await.expect("it ends").unwrap().success());
}

#[tokio::test]
async fn a_text_is_printed_without_what_was_found() {
    let launch = Launch::bare().set("ATTACH_REDACT_KEY", "0123456789abcdef").arguments(&["redact"]);
    let first = launch.fed(b"mail bob@example.org\nbye\n").await;
    assert!(first.stdout.starts_with("mail PII_EMAIL_") && first.stdout.ends_with("\nbye\n"), "{first:?}");
    assert_eq!(first.stderr, "");
    let again = launch.fed(b"mail bob@example.org\nbye\n").await;
    assert_eq!(first.stdout, again.stdout, "a key makes placeholders the same from run to run");
}

#[tokio::test]
async fn nothing_but_the_text_is_printed_without_a_key_or_settings() {
    let finished = redact(&[], "mail bob@example.org").await;
    assert!(finished.ok && finished.stderr.is_empty(), "{finished:?}");
    let tag = finished.stdout.strip_prefix("mail PII_EMAIL_").expect("the text alone");
    assert_eq!(tag.len(), 8, "{finished:?}");
    let clean = redact(&[], "nothing to see").await;
    assert_eq!((clean.stdout.as_str(), clean.stderr.as_str()), ("nothing to see", ""));
}

#[tokio::test]
async fn an_explanation_says_where_and_why_and_shows_no_value_unless_told() {
    let text = "hello\n  card 4111 1111 1111 1111, Dear Mrs. Oyelaran,\n";
    let table = redact(&["--explain"], text).await.stdout;
    let line = table.lines().find(|line| line.contains("CREDIT_CARD")).expect(&table);
    let wanted = ["2:8", "check digit", "replace", "PII_CREDIT_CARD_"];
    assert!(wanted.iter().all(|part| line.contains(part)), "{table}");
    assert!(table.contains("cue") && table.contains("found: CREDIT_CARD 1, PERSON 1"), "{table}");
    assert!(!table.contains("4111") && !table.contains("Oyelaran"), "{table}");
    let table = redact(&["--explain", "--show-values"], text).await.stdout;
    assert!(table.contains("\"4111 1111 1111 1111\""), "{table}");
}

#[tokio::test]
async fn any_json_is_redacted_leaf_by_leaf_and_what_is_none_is_refused() {
    let document = json!({"a": {"mail": "bob@example.org"}, "n": 1, "call": "{\"ssn\":\"536-22-8726\"}"});
    let finished = redact(&["--json"], &document.to_string()).await;
    let leaves: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    assert!(leaves["a"]["mail"].as_str().unwrap().starts_with("PII_EMAIL_"));
    assert!(leaves["call"].as_str().unwrap().starts_with("{\"ssn\":\"PII_US_SSN_"), "{leaves}");
    let refused = redact(&["--json"], "{\"a\":\"bob@example.org\",}").await;
    assert_eq!((refused.code, &*refused.stdout), (Some(1), ""));
    assert!(!refused.stderr.contains("bob"));
}

#[tokio::test]
async fn the_settings_of_the_gateway_are_used() {
    let file = "[[issuer]]\nissuer = \"https://idp.example\"\naudience = [\"a\"]\n\
                [[upstream]]\nname = \"u\"\nkind = \"openai\"\nurl = \"http://127.0.0.1:1\"\n\
                [redact]\nexempt = [\"help@example.org\"]\nexempt_patterns = ['[a-z]+@desk\\.example\\.org']\n[redact.entities]\nCREDIT_CARD = \"block\"\nEMAIL_ADDRESS = \"mask\"\n\
                UK_NHS = { threshold = 0.3, words = [\"patient no\"] }\nPHONE_NUMBER = \"allow\"\nIBAN_CODE = { threshold = 1 }\n\
                [[redact.pattern]]\nentity = \"BADGE\"\nregex = '\\bE[0-9]{6}\\b'\n";
    let launch = || Launch::file(file).without_port();
    let masked = launch().command_fed(&["redact"], b"bob@example.org, E123456").await;
    assert!(masked.stdout.starts_with("***@*******.***, PII_BADGE_"), "{masked:?}");
    let exempt = launch().command_fed(&["redact"], b"help@example.org").await;
    assert_eq!(exempt.stdout, "help@example.org");
    let exempt = launch().command_fed(&["redact"], b"it@desk.example.org, it@desk.example.org.uk").await;
    assert_eq!(exempt.stdout, "it@desk.example.org, **@****.*******.***.**");
    let numbered = launch().command_fed(&["redact"], b"943 476 5919").await;
    assert!(numbered.stdout.starts_with("PII_UK_NHS_"), "{numbered:?}");
    let blocked = launch().command_fed(&["redact"], b"4111 1111 1111 1111").await;
    assert_eq!((blocked.code, &*blocked.stdout), (Some(1), ""));
    assert!(blocked.stderr.contains("CREDIT_CARD") && !blocked.stderr.contains("4111"), "{blocked:?}");
}

#[tokio::test]
async fn a_threshold_that_is_none_is_refused_and_the_ones_in_force_are_shown() {
    let file = |entities: &str| {
        let head = "[[issuer]]\nissuer = \"https://idp.example\"\naudience = [\"a\"]\n\
                    [[upstream]]\nname = \"u\"\nkind = \"openai\"\nurl = \"http://127.0.0.1:1\"\n\
                    [redact]\nprivate_addresses = true\n\
                    [[redact.for]]\nupstreams = [\"u\"]\nentities = { CREDIT_CARD = \"mask\" }\n[redact.entities]\n";
        format!("{head}{entities}\n")
    };
    let shown = Launch::file(&file("PERSON = { threshold = 0.5 }")).check().await;
    assert!(shown.ok, "{shown:?}");
    assert!(shown.stdout.contains("redact PERSON: from a score of 0.5 on"), "{}", shown.stdout);
    assert!(shown.stdout.contains("private addresses, too"), "{}", shown.stdout);
    assert!(shown.stdout.contains("redact CREDIT_CARD: mask toward u"), "{}", shown.stdout);
    let unknown = file("PERSON = \"mask\"").replace("[\"u\"]", "[\"v\"]");
    let unknown = Launch::file(&unknown).check().await;
    assert!(!unknown.ok && unknown.stderr.contains("no upstream"), "{unknown:?}");
    let refused = Launch::file(&file("PERSON = { threshold = 5 }")).check().await;
    assert!(!refused.ok && refused.stderr.contains("redact.entities.PERSON"), "{refused:?}");
}
