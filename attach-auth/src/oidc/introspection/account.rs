use super::allowance::Allowance;
use super::lane::Lane;

/// Questions of one address that are under way at once, and that wait their turn: a quarter of all.
const UNDER_WAY: usize = 16;
const WAITING: usize = 64;

/// What one address has asked for.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) lane: Lane,
    pub(super) junk: Allowance,
}

impl Default for Account {
    fn default() -> Self {
        Self { lane: Lane::new(UNDER_WAY, WAITING), junk: Allowance::default() }
    }
}
