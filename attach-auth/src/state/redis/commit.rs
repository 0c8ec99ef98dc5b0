use std::sync::Arc;

use super::super::backend::Lost;
use super::super::{Change, CommitError, Expect};
use super::scripts::COMMIT;
use super::wire;
use super::{Redis, fresh_name};

/// How many commits the log keeps, about: a node that missed more loads everything afresh.
const LOG: usize = 10_000;

impl Redis {
    /// Applies all of `changes` or none.
    pub(super) async fn commit_all(&self, changes: &[Change]) -> Result<u64, CommitError> {
        let head = fresh_name().map_err(unavailable)?;
        let mut call = self.prepare(&COMMIT);
        {
            let known = self.known();
            call.arg(&known.epoch).arg(known.seq).arg(LOG).arg(&head).arg(wire::encode(changes));
        }
        for change in changes {
            let field = wire::field(change.table(), change.key());
            match change {
                Change::Put(row, expect) => call
                    .arg("p")
                    .arg(field)
                    .arg(wire::end(row))
                    .arg(&wire::expectation(expect)[..])
                    .arg(&row.value[..]),
                Change::Remove(..) => {
                    call.arg("r").arg(field).arg(0).arg(&wire::expectation(&Expect::Any)[..]).arg("")
                }
            };
        }
        let deadline = self.settings.deadline;
        let (verdict, number): (String, u64) =
            self.shared.commands.call(&call, deadline).await.map_err(unavailable)?;
        match &*verdict {
            "ok" => self.acknowledge(number, head).await,
            "conflict" => Err(conflict(changes, number)),
            _ => Err(CommitError::Unavailable("it is not what it was".into())),
        }
    }

    async fn acknowledge(&self, seq: u64, head: String) -> Result<u64, CommitError> {
        self.known().saw(seq, head);
        let wanted = self.settings.min_replicas;
        if wanted > 0 {
            let have =
                self.shared.commands.replicas(wanted, self.settings.deadline).await.map_err(unavailable)?;
            if have < wanted {
                return Err(CommitError::Unavailable("too few replicas have it".into()));
            }
        }
        Ok(seq)
    }
}

fn conflict(changes: &[Change], number: u64) -> CommitError {
    match usize::try_from(number).ok().and_then(|number| changes.get(number)) {
        Some(change) => CommitError::Conflict(change.table(), Arc::clone(change.key())),
        None => CommitError::Unavailable("its answer makes no sense".into()),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn unavailable(lost: Lost) -> CommitError {
    CommitError::Unavailable(lost.to_string().into())
}
