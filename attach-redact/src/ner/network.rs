use std::panic::{AssertUnwindSafe, catch_unwind};

use rten::{Model, ModelOptions, NodeId, Value, ValueOrView};

/// A token classifier: numbers in, for each as many numbers as there are labels out.
pub(super) struct Network {
    model: Model,
    ids: NodeId,
    mask: Option<NodeId>,
    kinds: Option<NodeId>,
    logits: NodeId,
    labels: usize,
}

impl Network {
    /// Reads an ONNX model that gives `labels` numbers for each token.
    pub(super) fn load(bytes: Vec<u8>, labels: usize) -> Result<Self, Box<str>> {
        // Some corners of the loader index what a damaged file promises.
        let model = catch_unwind(AssertUnwindSafe(|| ModelOptions::with_all_ops().load(bytes)));
        let model = model
            .map_err(|_| "is not a sound ONNX model")?
            .map_err(|why| format!("is not an ONNX model that can be run: {why}"))?;
        let (mut ids, mut mask, mut kinds) = (None, None, None);
        for node in model.input_ids() {
            match name(&model, *node).as_str() {
                "input_ids" => ids = Some(*node),
                "attention_mask" => mask = Some(*node),
                "token_type_ids" => kinds = Some(*node),
                other => {
                    return Err(format!(
                        "has an input {other:?}: only input_ids, attention_mask and token_type_ids are known"
                    )
                    .into());
                }
            }
        }
        let ids = ids.ok_or("has no input \"input_ids\"")?;
        let outputs: Vec<_> = model.output_ids().iter().map(|node| (name(&model, *node), *node)).collect();
        let logits = outputs.iter().find(|(name, _)| name == "logits").map(|(_, node)| *node);
        let logits = logits.ok_or_else(|| {
            let names: Vec<_> = outputs.iter().map(|(name, _)| name.as_str()).collect();
            format!("has no output \"logits\" but {names:?}: export it as a token classifier")
        })?;
        Ok(Self { model, ids, mask, kinds, logits, labels })
    }

    /// For each of `ids` as many numbers as there are labels, one token's after the other's.
    pub(super) fn run(&self, ids: Vec<i32>) -> Result<Vec<f32>, Box<str>> {
        let length = ids.len();
        let tensor = |numbers: Vec<i32>| {
            Value::from_shape([1, length], numbers).map(ValueOrView::from).map_err(|why| why.to_string())
        };
        let mut inputs = vec![(self.ids, tensor(ids)?)];
        if let Some(mask) = self.mask {
            inputs.push((mask, tensor(vec![1; length])?));
        }
        if let Some(kinds) = self.kinds {
            inputs.push((kinds, tensor(vec![0; length])?));
        }
        let [logits] = catch_unwind(AssertUnwindSafe(|| self.model.run_n(inputs, [self.logits], None)))
            .map_err(|_| "panicked")?
            .map_err(|why| why.to_string())?;
        let (shape, numbers) =
            logits.into_shape_vec::<f32, 3>().map_err(|why| format!("gives logits that are odd: {why}"))?;
        if shape != [1, length, self.labels] {
            let expected = [1, length, self.labels];
            return Err(format!("gives logits of the shape {shape:?} where {expected:?} is due").into());
        }
        Ok(numbers)
    }
}

fn name(model: &Model, node: NodeId) -> String {
    model.node_info(node).and_then(|node| node.name().map(str::to_owned)).unwrap_or_default()
}
