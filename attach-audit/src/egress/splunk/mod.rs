//! Splunk's HTTP Event Collector.

mod event;
mod reply;
mod target;

pub use self::target::SplunkHec;
