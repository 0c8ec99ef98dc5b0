//! The whole layer against a model that knows no rounding: random limits, callers, calls, interleavings and ends.
//!
//! 1. Over any stretch of time a bucket gives no more than it holds and what flowed in meanwhile.
//! 2. Every call ends in one charge, and every bucket stands at the sum of them.
//! 3. A call that is refused leaves no trace.
//! 4. The wait that a refusal names is as long as it has to be, and no longer.
//! 5. Of alternatives for members of groups the most generous applies.

mod book;
mod buckets;
mod judge;
mod play;
mod random;
mod scene;
mod stage;

use proptest::prelude::*;

use self::play::Play;
use self::random::scenes;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(10_000) })]

    #[test]
    fn never_over_by_more_than_the_bound_and_no_charge_lost_or_doubled(scene in scenes()) {
        Play::run(&scene);
    }
}
