//! What the services of the front return.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

pin_project! {
    /// What the service inside answers, or what a layer does that had no need to ask it. Nothing is boxed on the way
    /// that requests usually take.
    #[project = AnsweringProj]
    pub(crate) enum Answering<F, T> {
        Inner { #[pin] inner: F },
        Here { answer: Option<T> },
        Later { answer: Pin<Box<dyn Future<Output = T> + Send>> },
    }
}

impl<F, T> Answering<F, T> {
    pub(crate) fn inner(inner: F) -> Self {
        Self::Inner { inner }
    }

    pub(crate) fn here(answer: T) -> Self {
        Self::Here { answer: Some(answer) }
    }

    pub(crate) fn later(answer: impl Future<Output = T> + Send + 'static) -> Self {
        Self::Later { answer: Box::pin(answer) }
    }
}

impl<F: Future<Output = T>, T> Future for Answering<F, T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match self.project() {
            AnsweringProj::Inner { inner } => inner.poll(cx),
            AnsweringProj::Here { answer } => answer.take().map_or(Poll::Pending, Poll::Ready),
            AnsweringProj::Later { answer } => answer.as_mut().poll(cx),
        }
    }
}
