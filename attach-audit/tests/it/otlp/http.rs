use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use attach_audit::egress::{Delivered, Egress, OtlpHttp, SendError, Target};
use attach_core::client::Client;
use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message;

use super::{Received, assert_described, rejecting};
use crate::support::{eventually, serve};
use crate::traffic::{Traffic, texts};

type Answer = (StatusCode, HeaderMap, Vec<u8>);

/// A receiver that gives these answers, then takes everything.
#[derive(Clone, Default)]
struct Receiver {
    received: Received,
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

impl Receiver {
    async fn start(answers: Vec<Answer>) -> (Self, SocketAddr) {
        let receiver = Self { answers: Arc::new(Mutex::new(answers.into())), ..Self::default() };
        let router = Router::new().route("/v1/logs", post(take)).with_state(receiver.clone());
        (receiver, serve(router).await)
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Answer {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    if headers.get("authorization").is_none_or(|value| value != "Bearer let-me-in") {
        return plain(StatusCode::UNAUTHORIZED);
    }
    let answer = receiver.answers.lock().unwrap().pop_front();
    let answer = answer.unwrap_or_else(|| plain(StatusCode::OK));
    if answer.0.is_success() {
        receiver.received.take(ExportLogsServiceRequest::decode(body).expect("a request"));
    }
    answer
}

fn plain(status: StatusCode) -> Answer {
    let mut headers = HeaderMap::new();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert("retry-after", "1".parse().unwrap());
    }
    (status, headers, Vec::new())
}

fn target(addr: SocketAddr) -> OtlpHttp {
    let target = OtlpHttp::new("otlp", &format!("http://{addr}"), Client::new().unwrap()).unwrap();
    target.header("authorization", "Bearer let-me-in").unwrap().build("attach-gateway/9.9")
}

#[tokio::test]
async fn every_record_arrives_byte_for_byte_and_described() {
    let traffic = Traffic::new();
    traffic.requests(3).await;
    let (receiver, addr) = Receiver::start(Vec::new()).await;
    assert_eq!(target(addr).send(traffic.batch()).await, Ok(Delivered::all()));
    assert_eq!(receiver.received.bodies(), texts(&traffic.lines()));
    assert_described(&receiver.received);
}

#[tokio::test]
async fn what_a_receiver_rejects_is_counted() {
    let traffic = Traffic::new();
    traffic.requests(1).await;
    let partial = (StatusCode::OK, HeaderMap::new(), rejecting(2).encode_to_vec());
    let (_receiver, addr) = Receiver::start(vec![partial]).await;
    assert_eq!(target(addr).send(traffic.batch()).await, Ok(Delivered::all_but(2)));
}

#[tokio::test]
async fn a_wrong_credential_is_a_refusal_and_is_not_shown() {
    let traffic = Traffic::new();
    let (_receiver, addr) = Receiver::start(Vec::new()).await;
    let target = target(addr).header("authorization", "Bearer hunter2").unwrap();
    let error = target.send(traffic.batch()).await.unwrap_err();
    assert!(matches!(error, SendError::Refused(_)), "{error}");
    assert!(!format!("{target:?} {error}").contains("hunter2"));
}

#[tokio::test]
async fn nobody_there_is_a_reason_to_try_again() {
    let traffic = Traffic::new();
    let (_receiver, addr) = Receiver::start(Vec::new()).await;
    let nobody = SocketAddr::from(([127, 0, 0, 1], 9));
    assert_ne!(nobody, addr);
    let error = target(nobody).send(traffic.batch()).await.unwrap_err();
    assert!(matches!(error, SendError::Unavailable { .. }), "{error}");
}

#[tokio::test]
async fn what_was_refused_and_unavailable_at_first_arrives_once_and_in_order() {
    let traffic = Traffic::new();
    traffic.requests(3).await;
    let failures = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::FORBIDDEN].map(plain).into();
    let (receiver, addr) = Receiver::start(failures).await;
    let egress = Egress::new(traffic.tail.clone(), traffic.dir.path());
    let egress = Arc::new(egress.to(Arc::new(target(addr))).unwrap());
    let running = tokio::spawn({
        let egress = Arc::clone(&egress);
        async move { egress.run().await }
    });
    traffic.requests(2).await;
    let all = texts(&traffic.lines());
    eventually("all of it has arrived", || receiver.received.bodies().len() >= all.len()).await;
    assert_eq!(receiver.received.bodies(), all);
    running.abort();
}
