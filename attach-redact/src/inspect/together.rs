use std::future::poll_fn;
use std::task::Poll;

use super::Answer;
use crate::Fault;

/// Waits for all of `running` at once, and gives what they gave in their order; the first fault ends the waiting and
/// drops the others.
pub(crate) async fn together<T>(mut running: Vec<Answer<'_, T>>) -> Result<Vec<T>, Fault> {
    let mut done: Vec<Option<T>> = running.iter().map(|_| None).collect();
    poll_fn(|cx| {
        let mut waiting = false;
        for (future, slot) in running.iter_mut().zip(&mut done).filter(|(_, slot)| slot.is_none()) {
            match future.as_mut().poll(cx) {
                Poll::Ready(Ok(value)) => *slot = Some(value),
                Poll::Ready(Err(fault)) => return Poll::Ready(Err(fault)),
                Poll::Pending => waiting = true,
            }
        }
        if waiting { Poll::Pending } else { Poll::Ready(Ok(())) }
    })
    .await?;
    Ok(done.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_given_keeps_its_order_whoever_is_first() {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let late: Answer<'_, u8> = Box::pin(async { receiver.await.map_err(|_| Fault::new("nobody sent")) });
        let early: Answer<'_, u8> = Box::pin(async {
            let _ = sender.send(1);
            Ok(2)
        });
        assert_eq!(together(vec![late, early]).await.unwrap(), [1, 2]);
    }

    #[tokio::test]
    async fn a_fault_waits_for_nobody() {
        let never: Answer<'_, u8> = Box::pin(std::future::pending());
        let broken: Answer<'_, u8> = Box::pin(async { Err(Fault::new("broken")) });
        assert!(together(vec![never, broken]).await.is_err());
    }
}
