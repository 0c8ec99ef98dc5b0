//! Cases at random.

use std::time::Duration;

use attach_quota::{Grant, Period, Scope, Unit, Weights};
use proptest::prelude::*;
use proptest::sample::select;

use super::scene::{Act, Ask, Caller, Exception, Kind, LimitPlan, PricePlan, Scene, Step, WindowPlan};

pub(super) fn scenes() -> impl Strategy<Value = Scene> {
    let limits = prop_oneof![
        4 => prop::collection::vec(limit(), 1..4),
        2 => (prop::collection::vec(limit(), 0..2), alternatives()).prop_map(|(mut some, more)| {
            some.extend(more);
            some
        }),
    ];
    let exceptions = prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(exception(), 1..4)];
    let callers = prop::collection::vec(caller(), 1..5);
    let steps = prop::collection::vec(step(), 4..28);
    // Somewhere in the years 2026 and 2027.
    let epoch = 1_767_225_600..1_830_000_000_u64;
    (epoch, limits, exceptions, [price(), price()], callers, steps).prop_map(
        |(epoch, limits, exceptions, prices, callers, steps)| Scene {
            epoch,
            limits,
            exceptions,
            prices,
            callers,
            steps,
        },
    )
}

fn limit() -> impl Strategy<Value = LimitPlan> {
    let scope = select(vec![
        Scope::User,
        Scope::User,
        Scope::Key,
        Scope::Client,
        Scope::Group,
        Scope::GroupMember,
        Scope::Directory,
        Scope::Everyone,
    ]);
    let groups = prop_oneof![2 => Just([false; 3]), 1 => any::<[bool; 3]>()];
    let parts = (unit_and_window(), scope, groups, prop::option::weighted(0.2, 0..4_usize), weights());
    (parts, prop::bool::weighted(0.2), any::<bool>()).prop_map(
        |(((unit, window), scope, groups, model, weights), shadow, unpriced_free)| {
            // One time zone for one allowance.
            let window = match window {
                WindowPlan::Budget(amount, period, _) if scope == Scope::GroupMember => {
                    WindowPlan::Budget(amount, period, false)
                }
                other => other,
            };
            LimitPlan { unit, window, scope, groups, model, weights, shadow, unpriced_free }
        },
    )
}

/// Two or three amounts of one allowance, for members of different groups.
fn alternatives() -> impl Strategy<Value = Vec<LimitPlan>> {
    let amounts = prop::collection::vec((1..6_u64, 1..4_u64, any::<[bool; 3]>(), weights()), 2..4);
    (limit(), amounts).prop_map(|(one, amounts)| {
        let several = |(times, burst, groups, weights): (u64, u64, _, _)| {
            let window = match one.window {
                WindowPlan::Rate(amount, period, _) => {
                    WindowPlan::Rate(amount * times, period, (amount * burst).div_ceil(2))
                }
                WindowPlan::Budget(amount, period, _) => WindowPlan::Budget(amount * times, period, false),
                WindowPlan::Level(amount) => WindowPlan::Level(amount * times),
            };
            LimitPlan { window, groups, weights, scope: Scope::GroupMember, ..one.clone() }
        };
        amounts.into_iter().map(several).collect()
    })
}

fn unit_and_window() -> impl Strategy<Value = (Unit, WindowPlan)> {
    let unit = select(vec![
        Unit::Tokens,
        Unit::Tokens,
        Unit::InputTokens,
        Unit::OutputTokens,
        Unit::Requests,
        Unit::MicroUsd,
        Unit::Concurrent,
    ]);
    unit.prop_flat_map(|unit| {
        let amount = match unit {
            Unit::Concurrent => {
                return (1..4_u64).prop_map(|n| (Unit::Concurrent, WindowPlan::Level(n))).boxed();
            }
            Unit::Requests => (1..8_u64).boxed(),
            _ => prop_oneof![3 => 20..5000_u64, 1 => 5000..1_000_000_000_u64].boxed(),
        };
        let window = (amount, 0..6_u8, prop::option::of(1..3000_u64), any::<bool>()).prop_map(
            |(amount, which, burst, tokyo)| match which {
                0 => WindowPlan::Rate(amount, 1, burst.unwrap_or(amount)),
                1 => WindowPlan::Rate(amount, 60, burst.unwrap_or(amount)),
                2 => WindowPlan::Rate(amount, 3600, burst.unwrap_or(amount)),
                3 => WindowPlan::Budget(amount, Period::Day, tokyo),
                4 => WindowPlan::Budget(amount, Period::Week, tokyo),
                _ => WindowPlan::Budget(amount, Period::Month, tokyo),
            },
        );
        window.prop_map(move |window| (unit, window)).boxed()
    })
}

fn weights() -> impl Strategy<Value = Weights> {
    let random = (1..4000_u32, 0..2000_u32, 1..4000_u32).prop_map(|(input, cached_input, output)| Weights {
        input,
        cached_input,
        output,
    });
    prop_oneof![2 => Just(Weights::default()), 1 => random]
}

fn exception() -> impl Strategy<Value = Exception> {
    let whom = prop_oneof![(0..2_usize).prop_map(Ok), (0..3_usize).prop_map(Err)];
    let grant = prop_oneof![
        (1..5000_u64).prop_map(Grant::Amount),
        (1..5000_u64).prop_map(Grant::Extra),
        Just(Grant::Unlimited)
    ];
    (0..4_usize, whom, grant, any::<bool>()).prop_map(|(limit, whom, grant, at_run_time)| Exception {
        limit,
        whom,
        grant,
        at_run_time,
    })
}

fn price() -> impl Strategy<Value = PricePlan> {
    (0..5_000_000_u64, 1..20_000_000_u64, 0..1_000_000_u64)
        .prop_map(|(input, output, cached)| PricePlan(input, output, cached))
}

fn caller() -> impl Strategy<Value = Caller> {
    let withheld = prop_oneof![3 => Just([false; 3]), 1 => any::<[bool; 3]>()];
    (0..2_usize, prop::bool::weighted(0.2), any::<[bool; 3]>(), withheld, any::<bool>(), any::<bool>())
        .prop_map(|(user, partner, groups, withheld, client, key)| Caller {
            user,
            partner,
            groups,
            withheld,
            client,
            key,
        })
}

fn step() -> impl Strategy<Value = Step> {
    let kind = select(vec![Kind::Chat, Kind::Stream, Kind::Stream, Kind::Embed, Kind::List]);
    let model = prop_oneof![4 => 0..2_usize, 1 => 0..4_usize];
    let cap = prop::option::of(1..400_u64);
    let ask = (kind, model, 1..3000_usize, cap, prop::bool::weighted(0.2), any::<bool>())
        .prop_map(|(kind, model, text, cap, slow, patient)| Ask { kind, model, text, cap, slow, patient });
    let usage = (1..2000_u64, 1..2000_u64, 0..2000_u64)
        .prop_map(|(input, output, cached)| (input, output, cached.min(input)));
    let act = prop_oneof![
        8 => (1..300_u64).prop_map(Act::Grow),
        5 => prop::option::of(usage).prop_map(Act::Finish),
        1 => Just(Act::Fail),
        1 => Just(Act::Error),
        1 => Just(Act::Reject),
        2 => Just(Act::Leave),
        1 => Just(Act::Crash),
    ];
    prop_oneof![
        8 => (any::<usize>(), ask).prop_map(|(who, ask)| Step::Call(who, ask)),
        10 => (any::<usize>(), act).prop_map(|(which, act)| Step::Act(which, act)),
        2 => (0..2_000_000_000_u64).prop_map(|nanos| Step::Pass(Duration::from_nanos(nanos))),
        2 => (0..7_200_000_000_000_u64).prop_map(|nanos| Step::Pass(Duration::from_nanos(nanos))),
        1 => (0..40_u64).prop_map(|days| Step::Pass(Duration::from_secs(86_400 * days))),
        1 => (-2_000_000_000..2_000_000_000_i64).prop_map(Step::Midnight),
        1 => Just(Step::Sweep),
    ]
}
