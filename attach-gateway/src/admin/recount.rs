//! Counts that the store has lost are put back from what an audit log says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use attach_auth::{Event, Witness};
use attach_core::Identity;
use attach_quota::store::{Counted, Raised};
use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Refused, json_answer};
use crate::quotas::{NotRaised, Quotas, shown_amount};

/// So many buckets in one order: a body of 64 KiB has room for them.
const MOST: usize = 400;

/// Redis counts in numbers that are exact up to here.
const MOST_USED: u64 = 1 << 53;

/// No period is longer.
const LONGEST: Duration = Duration::from_secs(32 * 86_400);

/// What a log says was used, as `attach-gateway quota recount` sums it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    #[serde(default)]
    dry_run: bool,
    counts: Vec<Count>,
}

/// One bucket, as records have it in `quota.charged`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    limit: Box<str>,
    bucket: Box<str>,
    until: u64,
    used: u64,
}

/// What became of the buckets of one limit.
#[derive(Debug, Default)]
struct Sum {
    buckets: u64,
    raised: u64,
    by: u64,
}

/// Carries out the order in `body`, on record before anything is changed.
pub(super) async fn recount(
    quotas: &Quotas,
    witness: &Arc<dyn Witness>,
    actor: &Identity,
    body: &[u8],
) -> Result<Response<Bytes>, Refused> {
    let order: Order = serde_json::from_slice(body)
        .map_err(|error| Refused::bad_request(&format!("the body makes no sense: {error}")))?;
    if order.counts.len() > MOST {
        return Err(Refused::bad_request(&format!("more than {MOST} counts in one order")));
    }
    let others = quotas.not_in_a_log();
    let known = |count: &&Count| quotas.find(&count.limit).is_some() && !others.contains(&&*count.limit);
    let (counts, unknown): (Vec<_>, Vec<_>) = order.counts.iter().partition(known);
    let counted = counts.iter().map(|count| count.counted()).collect::<Result<Vec<_>, _>>()?;
    if !order.dry_run && !counted.is_empty() {
        witness.witness(event(actor, &counts)).await.map_err(|_| {
            let why = "it could not be recorded, so it was not done; try again";
            Refused::new(StatusCode::SERVICE_UNAVAILABLE, why)
        })?;
    }
    let raised = quotas.raise(&counted, order.dry_run).await.map_err(refused)?;
    let unknown: BTreeSet<&str> = unknown.into_iter().map(|count| &*count.limit).collect();
    let body = json!({
        "dry_run": order.dry_run,
        "limits": sums(quotas, &counts, &raised),
        "unknown": unknown,
        "left_alone": quotas.not_in_a_log(),
    });
    Ok(json_answer(StatusCode::OK, &body))
}

impl Count {
    fn counted(&self) -> Result<Counted, Refused> {
        let hex = Some(&*self.bucket).filter(|text| text.len() == 32 && text.bytes().all(is_hex));
        let bucket = hex.and_then(|text| u128::from_str_radix(text, 16).ok());
        let bucket = bucket.ok_or_else(|| Refused::bad_request("`bucket` is 32 hex digits"))?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        if Duration::from_secs(self.until) > now + LONGEST {
            return Err(Refused::bad_request("`until` is later than any period ends"));
        }
        if self.used > MOST_USED {
            return Err(Refused::bad_request("`used` is more than any store counts"));
        }
        Ok(Counted { bucket, until: self.until, used: self.used })
    }
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

fn event(actor: &Identity, counts: &[&Count]) -> Event {
    let limits: BTreeSet<&str> = counts.iter().map(|count| &*count.limit).collect();
    let limits: Vec<&str> = limits.into_iter().collect();
    let counts: Vec<_> =
        counts.iter().map(|count| format!("{}:{}:{}", count.bucket, count.until, count.used)).collect();
    Event::new("quota.recount", &*actor.id)
        .directory(Arc::clone(&actor.directory))
        .detail("limits", limits.join(","))
        .detail("buckets", counts.len().to_string())
        // Whom it concerns, as records have it in `quota.charged`.
        .detail("counts", counts.join(" "))
        .detail("actor_directory", &*actor.directory)
}

fn sums(quotas: &Quotas, counts: &[&Count], raised: &[Option<Raised>]) -> Vec<Value> {
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    for (count, raised) in counts.iter().zip(raised) {
        let Some(Raised { had, has }) = raised else { continue };
        let (sum, by) = (sums.entry(&count.limit).or_default(), has.saturating_sub(*had));
        sum.buckets += 1;
        sum.raised += u64::from(by > 0);
        sum.by = sum.by.saturating_add(by);
    }
    let show = |(id, sum): (&str, Sum)| {
        let unit = quotas.find(id).map_or("", |limit| limit.unit().as_str());
        json!({"id": id, "unit": unit, "buckets": sum.buckets, "raised": sum.raised, "by": shown_amount(unit, sum.by)})
    };
    sums.into_iter().map(show).collect()
}

fn refused(why: NotRaised) -> Refused {
    match why {
        NotRaised::Own => Refused::new(
            StatusCode::CONFLICT,
            "this gateway counts by itself (no state.redis or state.quota_redis): nothing was lost that only a log has",
        ),
        NotRaised::Unavailable => Refused::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the store of the counts does not answer, or does not take what waits to be settled; try again",
        ),
    }
}
