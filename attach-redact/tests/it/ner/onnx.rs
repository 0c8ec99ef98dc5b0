//! Just enough of ONNX's protobuf messages (`onnx.proto3`) to write a model of one or two nodes.

/// A message of Protocol Buffers, field by field.
#[derive(Clone, Default)]
struct Message(Vec<u8>);

impl Message {
    fn number(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    fn message(self, field: u64, value: &Self) -> Self {
        self.bytes(field, &value.0)
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

const FLOAT: u64 = 1;
const INT64: u64 = 7;

/// `ValueInfoProto`: a tensor whose shape has names instead of numbers.
fn value(name: &str, kind: u64, dimensions: &[&str]) -> Message {
    let dimension = |shape: Message, name: &&str| shape.message(1, &Message::default().text(2, name));
    let shape = dimensions.iter().fold(Message::default(), dimension);
    let tensor = Message::default().number(1, kind).message(2, &shape);
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
}

/// `NodeProto`
fn node(kind: &str, inputs: &[&str], output: &str) -> Message {
    let node = inputs.iter().fold(Message::default(), |node, input| node.text(1, input));
    node.text(2, output).text(3, &format!("{kind} for {output}")).text(4, kind)
}

/// `TensorProto`
fn floats(name: &str, shape: [usize; 2], values: &[f32]) -> Message {
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let dimensions = shape.iter().fold(Message::default(), |tensor, size| tensor.number(1, *size as u64));
    dimensions.number(2, FLOAT).text(8, name).bytes(9, &raw)
}

/// A classifier that knows each token by itself: row `n` of `table` is what it says of token `n`.
pub(crate) struct Classifier<'a> {
    pub(crate) inputs: &'a [&'a str],
    pub(crate) output: &'a str,
    pub(crate) table: &'a [Vec<f32>],
}

impl Classifier<'_> {
    /// The model as a file holds it: `output = Gather(table, input_ids)`, the first input being the ids.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let labels = self.table.first().map_or(0, Vec::len);
        let values: Vec<f32> = self.table.iter().flatten().copied().collect();
        let ids = self.inputs.first().copied().unwrap_or("none");
        let mut graph = Message::default()
            .message(1, &node("Gather", &["table", ids], self.output))
            .text(2, "tiny")
            .message(5, &floats("table", [self.table.len(), labels], &values));
        for input in self.inputs {
            graph = graph.message(11, &value(input, INT64, &["batch", "length"]));
        }
        graph = graph.message(12, &value(self.output, FLOAT, &["batch", "length", "labels"]));
        let operators = Message::default().text(1, "").number(2, 13);
        Message::default().number(1, 8).message(7, &graph).message(8, &operators).0
    }
}
