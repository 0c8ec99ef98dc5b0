use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use attach_audit::egress::{Delivered, Egress, OtlpGrpc, SendError, Target, Tls};
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::{Received, assert_described, rejecting};
use crate::certificates::Certificates;
use crate::support::eventually;
use crate::traffic::{Traffic, texts};

type Answer = Result<ExportLogsServiceResponse, Status>;

/// A receiver that gives these answers, then takes everything.
#[derive(Clone, Default)]
struct Receiver {
    received: Received,
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

#[tonic::async_trait]
impl LogsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        if request.metadata().get("authorization").is_none_or(|value| value != "Bearer let-me-in") {
            return Err(Status::unauthenticated("who are you"));
        }
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or_else(|| Ok(Default::default()))?;
        self.received.take(request.into_inner());
        Ok(Response::new(answer))
    }
}

impl Receiver {
    fn start(answers: Vec<Answer>) -> (Self, SocketAddr) {
        Self::over(None, answers)
    }

    fn over(tls: Option<ServerTlsConfig>, answers: Vec<Answer>) -> (Self, SocketAddr) {
        let receiver = Self { answers: Arc::new(Mutex::new(answers.into())), ..Self::default() };
        let incoming = TcpIncoming::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let addr = incoming.local_addr().unwrap();
        let mut server = Server::builder();
        if let Some(tls) = tls {
            server = server.tls_config(tls).unwrap();
        }
        let server = server.add_service(LogsServiceServer::new(receiver.clone()));
        tokio::spawn(server.serve_with_incoming(incoming));
        (receiver, addr)
    }
}

fn target(url: &str, tls: &Tls) -> OtlpGrpc {
    let target = OtlpGrpc::new("otlp", url, tls).unwrap();
    target.header("authorization", "Bearer let-me-in").unwrap().build("attach-gateway/9.9")
}

fn plain(addr: SocketAddr) -> OtlpGrpc {
    target(&format!("http://{addr}"), &Tls::new())
}

#[tokio::test]
async fn every_record_arrives_byte_for_byte_and_described() {
    let traffic = Traffic::new();
    traffic.requests(3).await;
    let (receiver, addr) = Receiver::start(Vec::new());
    assert_eq!(plain(addr).send(traffic.batch()).await, Ok(Delivered::all()));
    assert_eq!(receiver.received.bodies(), texts(&traffic.lines()));
    assert_described(&receiver.received);
}

#[tokio::test]
async fn what_a_receiver_rejects_is_counted() {
    let traffic = Traffic::new();
    traffic.requests(1).await;
    let (_receiver, addr) = Receiver::start(vec![Ok(rejecting(2))]);
    assert_eq!(plain(addr).send(traffic.batch()).await, Ok(Delivered::all_but(2)));
}

#[tokio::test]
async fn a_receiver_that_says_when_is_waited_for_and_one_that_refuses_is_told_apart() {
    let traffic = Traffic::new();
    let wait = Duration::from_secs(7);
    let details = ErrorDetails::with_retry_info(Some(wait));
    let busy = Status::with_error_details(Code::ResourceExhausted, "busy", details);
    let (_receiver, addr) = Receiver::start(vec![Err(busy)]);
    let error = plain(addr).send(traffic.batch()).await.unwrap_err();
    let SendError::Unavailable { after, .. } = error else { panic!("{error}") };
    assert_eq!(after, Some(wait));

    let stranger = plain(addr).header("authorization", "Bearer hunter2").unwrap();
    let error = stranger.send(traffic.batch()).await.unwrap_err();
    assert!(matches!(error, SendError::Refused(_)), "{error}");
    assert!(!format!("{stranger:?} {error}").contains("hunter2"));
}

#[tokio::test]
async fn what_was_unavailable_at_first_arrives_once_and_in_order() {
    let traffic = Traffic::new();
    traffic.requests(3).await;
    let failures = vec![Err(Status::unavailable("")), Err(Status::permission_denied(""))];
    let (receiver, addr) = Receiver::start(failures);
    let egress = Egress::new(traffic.tail.clone(), traffic.dir.path());
    let egress = Arc::new(egress.to(Arc::new(plain(addr))).unwrap());
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

#[tokio::test]
async fn over_tls_both_sides_show_certificates_of_an_authority_of_their_own() {
    let Some(made) = Certificates::new() else { return };
    let traffic = Traffic::new();
    let own = Identity::from_pem(made.read("server.pem"), made.read("server.key"));
    let server =
        ServerTlsConfig::new().identity(own).client_ca_root(Certificate::from_pem(made.read("ca.pem")));
    let (receiver, addr) = Receiver::over(Some(server), Vec::new());
    let url = format!("https://{addr}");
    let stranger = Tls::new().client_certificate(&made.read("client.pem"), &made.read("client.key"));
    let nobody = Tls::new().roots(&made.read("ca.pem"));
    for tls in [&stranger, &nobody, &nobody.clone().server_name("elsewhere.test")] {
        // A machine without roots of its own refuses earlier.
        let Ok(target) = OtlpGrpc::new("otlp", &url, tls) else { continue };
        let error = target.send(traffic.batch()).await.unwrap_err();
        assert!(matches!(error, SendError::Unavailable { .. }), "{tls:?}: {error}");
    }
    let client = nobody.client_certificate(&made.read("client.pem"), &made.read("client.key"));
    let client = client.server_name("localhost");
    assert_eq!(target(&url, &client).send(traffic.batch()).await, Ok(Delivered::all()));
    assert_eq!(receiver.received.bodies(), texts(&traffic.lines()));
}
