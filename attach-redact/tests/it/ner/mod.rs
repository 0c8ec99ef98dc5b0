//! Names by a model: a tiny one that the tests make, in the files of a real one.

mod finding;
mod loading;
mod onnx;
mod redacting;
mod tiny;
