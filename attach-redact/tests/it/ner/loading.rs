//! What doesn't fit is said at start, and by the name of the file.

use std::fs;

use attach_redact::Recognize;
use attach_redact::ner::{Files, Ner};
use serde_json::json;

use super::tiny::{SURE, Tiny, WORDS, config, table, tokenizer};

#[test]
fn inputs_beside_the_ids_are_optional() {
    let tiny = Tiny::new();
    for inputs in [&["input_ids"][..], &["input_ids", "attention_mask"], &["input_ids", "token_type_ids"]] {
        tiny.write_model(inputs, "logits", &table(|_| SURE));
        assert_eq!(tiny.load().unwrap().recognize("Anna").unwrap().len(), 1, "{inputs:?}");
    }
}

#[test]
fn inputs_and_outputs_that_are_missing_or_unknown_are_named() {
    let tiny = Tiny::new();
    let refusal = |inputs: &[&str], output: &str| {
        tiny.write_model(inputs, output, &table(|_| SURE));
        tiny.refusal()
    };
    for (said, names) in [
        (refusal(&["ids"], "logits"), ["model.onnx", "\"ids\""]),
        (refusal(&["attention_mask"], "logits"), ["model.onnx", "\"input_ids\""]),
        (refusal(&["input_ids", "position_ids"], "logits"), ["model.onnx", "\"position_ids\""]),
        (refusal(&["input_ids"], "last_hidden_state"), ["\"logits\"", "\"last_hidden_state\""]),
    ] {
        assert!(names.iter().all(|name| said.contains(name)), "{said}");
    }
}

#[test]
fn labels_that_the_model_does_not_have_are_named() {
    let tiny = Tiny::new();
    let loader = Ner::loader_in(&tiny.folder).labels([("NAME", "PERSON".parse().unwrap())]);
    let said = loader.load().unwrap_err().to_string();
    assert!(said.contains("config.json") && said.contains("\"NAME\"") && said.contains("PER"), "{said}");
    tiny.write("config.json", &json!({"id2label": {"0": "O", "1": "B-PER"}}));
    let said = tiny.refusal();
    assert!(said.contains("model.onnx") && said.contains("[1, 512, 7]"), "seven labels, not two: {said}");
}

#[test]
fn a_vocabulary_larger_than_the_models_is_refused_at_load() {
    let tiny = Tiny::new();
    let mut large = tokenizer();
    large["model"]["vocab"]["more"] = json!(WORDS.len());
    tiny.write("tokenizer.json", &large);
    let said = tiny.refusal();
    assert!(said.contains("model.onnx") && said.contains("tokenizer.json") && said.contains("22"), "{said}");
}

#[test]
fn files_that_are_missing_or_broken_are_named() {
    for name in ["model.onnx", "tokenizer.json", "config.json"] {
        let tiny = Tiny::new();
        let path = tiny.folder.join(name);
        let whole = fs::read(&path).unwrap();
        for (bytes, what) in [(&b""[..], "empty"), (b"\x00\xffnonsense", "nonsense"), (b"{}", "hollow")] {
            fs::write(&path, bytes).unwrap();
            assert!(tiny.refusal().contains(name), "{name}, {what}");
        }
        for end in (0..whole.len()).step_by(7) {
            fs::write(&path, &whole[..end]).unwrap();
            match tiny.load() {
                Err(why) => assert_eq!(why.file(), path, "{end} of {} bytes", whole.len()),
                // The runtime needs no word of what comes after the weights and the names.
                Ok(ner) => {
                    assert_eq!(ner.recognize("met Zoë").unwrap()[0].range, 4..8, "{name}, {end} bytes");
                }
            }
        }
        fs::remove_file(&path).unwrap();
        assert!(tiny.refusal().contains(name), "{name}, gone");
        fs::create_dir(&path).unwrap();
        assert!(tiny.refusal().contains("is not a file"), "{name}, a folder");
    }
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let tiny = Tiny::new();
    fs::write(tiny.folder.join("config.json"), " ".repeat((1 << 20) + 1)).unwrap();
    assert!(tiny.refusal().contains("larger than 1 MiB"), "{}", tiny.refusal());
}

#[test]
fn a_tokenizer_of_another_kind_is_refused_by_its_name() {
    let tiny = Tiny::new();
    for (part, kind) in [("model", "Unigram"), ("normalizer", "NFKC"), ("pre_tokenizer", "Metaspace")] {
        let mut other = tokenizer();
        other[part]["type"] = json!(kind);
        tiny.write("tokenizer.json", &other);
        assert!(tiny.refusal().contains(kind), "{}", tiny.refusal());
    }
}

#[test]
fn a_list_of_words_needs_to_know_about_capitals() {
    let tiny = Tiny::new();
    fs::remove_file(tiny.folder.join("tokenizer.json")).unwrap();
    let lines: Vec<_> = WORDS.iter().map(|(word, _)| *word).collect();
    fs::write(tiny.folder.join("vocab.txt"), lines.join("\n")).unwrap();
    assert!(tiny.refusal().contains("tokenizer_config.json"), "{}", tiny.refusal());
    tiny.write("tokenizer_config.json", &json!({"do_lower_case": false}));
    let found = tiny.load().unwrap().recognize("met Zoë").unwrap();
    assert_eq!(found[0].range, 4..8);
}

#[test]
fn files_may_have_names_of_their_own() {
    let tiny = Tiny::new();
    let elsewhere = tiny.folder.join("quantized.onnx");
    fs::rename(tiny.folder.join("model.onnx"), &elsewhere).unwrap();
    let files = Files { model: elsewhere, ..Files::in_folder(&tiny.folder) };
    assert!(Ner::loader(files).load().is_ok());
}

#[test]
fn a_model_that_reads_next_to_nothing_is_refused() {
    let tiny = Tiny::new();
    tiny.write("config.json", &config(2));
    assert!(tiny.refusal().contains("max_position_embeddings"), "{}", tiny.refusal());
}
