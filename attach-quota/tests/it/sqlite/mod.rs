//! Budgets of one node, over restarts.

mod damage;
mod disk;
mod kill;
mod speed;
mod support;
