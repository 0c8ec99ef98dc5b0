//! Syslog: [RFC 5424] messages over TLS ([RFC 5425]).
//!
//! **Syslog has no acknowledgement.** A batch counts as delivered when the kernel has taken it; what was on its way when a
//! connection broke, or a receiver died, may be lost. When a connection is found broken, the batch before is sent again on
//! the next one, so that most of it arrives, some of it twice; a receiver tells duplicates by `id`. Where every record has
//! to arrive, use a target that acknowledges.
//!
//! [RFC 5424]: https://www.rfc-editor.org/rfc/rfc5424
//! [RFC 5425]: https://www.rfc-editor.org/rfc/rfc5425

mod connection;
mod message;
mod target;
mod tls;

pub use self::target::Syslog;
