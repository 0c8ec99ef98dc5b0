use std::time::Duration;

use attach_core::identity::Group;

use super::*;
use crate::{Budget, Period, Rate};

fn alice() -> Identity {
    let mut alice = Identity::person("acme", "alice");
    alice.groups = ["staff", "power"].map(|name| Group::new("acme", name)).into();
    alice
}

fn amount(overrides: &Overrides, identity: &Identity) -> Option<u64> {
    let limit = Window::Budget(Budget::new(100, Period::Month));
    overrides.window(&"l".into(), &limit, identity, || at(0)).map(|window| window.amount())
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1000 + seconds)
}

fn user(id: &str, name: &str, grant: Grant) -> Override {
    Override::new(id, "acme", Whom::User(name.into()), "l", grant)
}

fn group(id: &str, name: &str, grant: Grant) -> Override {
    Override::new(id, "acme", Whom::Group(name.into()), "l", grant)
}

#[test]
fn a_person_goes_before_a_group_and_run_time_before_configuration() {
    let overrides = Overrides::new();
    assert_eq!(amount(&overrides, &alice()), Some(100));
    overrides.configure([group("1", "staff", Grant::Amount(1))]);
    assert_eq!(amount(&overrides, &alice()), Some(1));
    overrides.put(group("2", "staff", Grant::Amount(2)));
    assert_eq!(amount(&overrides, &alice()), Some(2));
    overrides.configure([group("1", "staff", Grant::Amount(1)), user("3", "alice", Grant::Amount(3))]);
    assert_eq!(amount(&overrides, &alice()), Some(3));
    overrides.put(user("4", "alice", Grant::Amount(4)));
    assert_eq!(amount(&overrides, &alice()), Some(4));
    assert_eq!(amount(&overrides, &Identity::person("acme", "bob")), Some(100));
    assert_eq!(amount(&overrides, &Identity::person("other", "alice")), Some(100));
}

#[test]
fn of_several_groups_the_most_generous_counts() {
    let overrides = Overrides::new();
    overrides.put(group("1", "staff", Grant::Amount(500)));
    overrides.put(group("2", "power", Grant::Amount(50)));
    assert_eq!(amount(&overrides, &alice()), Some(500));
    overrides.put(group("2", "power", Grant::Unlimited));
    assert_eq!(amount(&overrides, &alice()), None);
}

#[test]
fn what_is_added_is_on_top_until_it_is_over() {
    let overrides = Overrides::new();
    overrides.put(user("1", "alice", Grant::Extra(20)).until(at(1)));
    overrides.put(user("2", "alice", Grant::Extra(3)));
    assert_eq!(amount(&overrides, &alice()), Some(123));
    overrides.put(user("3", "alice", Grant::Amount(7)));
    assert_eq!(amount(&overrides, &alice()), Some(30));
    overrides.put(user("1", "alice", Grant::Extra(20)).until(at(0)));
    assert_eq!(amount(&overrides, &alice()), Some(10));
    overrides.remove("3");
    assert_eq!(amount(&overrides, &alice()), Some(103));
}

#[test]
fn a_burst_keeps_its_proportion() {
    let window = Window::Rate { rate: Rate::per_minute(100), burst: 50 };
    assert_eq!(window.with_amount(300), Window::Rate { rate: Rate::per_minute(300), burst: 150 });
    assert_eq!(window.with_amount(0).capacity(), 1);
}
