use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use pin_project_lite::pin_project;

use crate::ResponseBody;

/// The answer of a layer's service, on its way: what the layers that wait for something return.
pub struct ResponseFuture<R, E>(Pin<Box<dyn Future<Output = Answer<R, E>> + Send>>);

type Answer<R, E> = Result<Response<ResponseBody<R>>, E>;

impl<R, E> ResponseFuture<R, E> {
    /// Boxes `answer`.
    pub fn new(answer: impl Future<Output = Result<Response<ResponseBody<R>>, E>> + Send + 'static) -> Self {
        Self(Box::pin(answer))
    }
}

impl<R, E> Future for ResponseFuture<R, E> {
    type Output = Answer<R, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl<R, E> fmt::Debug for ResponseFuture<R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture")
    }
}

pin_project! {
    /// The answer of the service inside as it comes, or one of a layer's own: what the layers return that wait for
    /// nothing before they ask the service inside.
    pub struct PassFuture<F, R, E> {
        #[pin]
        state: Pass<F, R, E>,
    }
}

pin_project! {
    #[project = PassProj]
    enum Pass<F, R, E> {
        Inner { #[pin] answer: F },
        Own { answer: ResponseFuture<R, E> },
    }
}

impl<F, R, E> PassFuture<F, R, E> {
    /// What the service inside answers.
    pub fn inner(answer: F) -> Self {
        Self { state: Pass::Inner { answer } }
    }

    /// What the layer itself answers.
    pub fn own(answer: impl Future<Output = Answer<R, E>> + Send + 'static) -> Self {
        Self { state: Pass::Own { answer: ResponseFuture::new(answer) } }
    }
}

impl<F, R, E> Future for PassFuture<F, R, E>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Answer<R, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            PassProj::Inner { answer } => {
                answer.poll(cx).map_ok(|response| response.map(ResponseBody::inner))
            }
            PassProj::Own { answer } => Pin::new(answer).poll(cx),
        }
    }
}

impl<F, R, E> fmt::Debug for PassFuture<F, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PassFuture")
    }
}
