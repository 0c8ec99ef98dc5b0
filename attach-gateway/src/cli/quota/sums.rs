//! What logs say was charged, by bucket.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::SystemTime;

use memchr::memmem;
use serde::{Deserialize, Serialize};

/// The sums of the periods that go on.
#[derive(Debug)]
pub(super) struct Sums {
    /// Records of this time and later do not count yet.
    before: Box<str>,
    now: u64,
    records: u64,
    used: BTreeMap<(Box<str>, Box<str>, u64), u64>,
}

/// One bucket, as the admin listener takes it.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(super) struct Count<'a> {
    limit: &'a str,
    bucket: &'a str,
    until: u64,
    used: u64,
}

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    ts: Cow<'a, str>,
    #[serde(borrow, default)]
    quota: Option<Quota<'a>>,
}

#[derive(Deserialize)]
struct Quota<'a> {
    #[serde(borrow, default)]
    charged: Vec<Charged<'a>>,
}

#[derive(Deserialize)]
struct Charged<'a> {
    #[serde(borrow)]
    limit: Cow<'a, str>,
    #[serde(borrow)]
    bucket: Cow<'a, str>,
    until: u64,
    amount: u64,
}

impl Sums {
    /// Of records before `before`, as records spell times, and of periods that end after `now`.
    pub(super) fn until(before: &str, now: SystemTime) -> Self {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        Self { before: before.into(), now, records: 0, used: BTreeMap::new() }
    }

    /// Adds what the record in `line` was charged.
    pub(super) fn add(&mut self, line: &[u8]) -> Result<(), serde_json::Error> {
        // Most records of a long log are told apart without reading them.
        if memmem::find(line, b"\"charged\":[").is_none() {
            return Ok(());
        }
        let record: Record<'_> = serde_json::from_slice(line)?;
        if *record.ts >= *self.before {
            return Ok(());
        }
        let charged = record.quota.map(|quota| quota.charged).unwrap_or_default();
        let mut matters = false;
        for one in charged.into_iter().filter(|one| one.until > self.now) {
            let key = (one.limit.into(), one.bucket.into(), one.until);
            let used = self.used.entry(key).or_default();
            *used = used.saturating_add(one.amount);
            matters = true;
        }
        self.records += u64::from(matters);
        Ok(())
    }

    /// How many records had something that counts.
    pub(super) fn records(&self) -> u64 {
        self.records
    }

    pub(super) fn counts(&self) -> impl Iterator<Item = Count<'_>> {
        self.used.iter().map(|((limit, bucket, until), used)| Count {
            limit,
            bucket,
            until: *until,
            used: *used,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(ts: &str, charged: &str) -> String {
        format!(r#"{{"v":1,"ts":"{ts}","kind":"outcome","quota":{{"key":"day","charged":[{charged}]}}}}"#)
    }

    fn one(limit: &str, until: u64, amount: u64) -> String {
        format!(r#"{{"limit":"{limit}","bucket":"0a","until":{until},"amount":{amount}}}"#)
    }

    #[test]
    fn what_is_settled_in_a_period_that_goes_on_is_summed_by_bucket() {
        let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1000);
        let mut sums = Sums::until("1970-01-01T00:16:35.000000000Z", now);
        let early = "1970-01-01T00:16:30.000000000Z";
        for line in [
            line(early, &format!("{},{}", one("day", 2000, 5), one("month", 3000, 7))),
            line(early, &one("day", 2000, 6)),
            // The day before, and a moment ago.
            line(early, &one("day", 1000, 100)),
            line("1970-01-01T00:16:35.000000000Z", &one("day", 2000, 1000)),
            r#"{"ts":"","kind":"intent","quota":{"key":"day"}}"#.to_owned(),
        ] {
            sums.add(line.as_bytes()).expect("a record");
        }
        let counts: Vec<_> = sums.counts().map(|one| (one.limit, one.until, one.used)).collect();
        assert_eq!(counts, [("day", 2000, 11), ("month", 3000, 7)]);
        assert_eq!(sums.records(), 2);
    }
}
