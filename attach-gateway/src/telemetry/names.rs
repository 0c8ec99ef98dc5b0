//! The names of the gateway's own metrics. Those of OpenTelemetry, and all attributes, are in [`attach_audit::names`].

/// Requests that have ended.
pub(crate) const REQUESTS: &str = "attach.requests";
/// Requests that have begun and not ended.
pub(crate) const IN_FLIGHT: &str = "attach.requests.in_flight";
/// What calls cost, in US dollars.
pub(crate) const COST: &str = "attach.cost";
/// Attempts to get an answer from an upstream.
pub(crate) const ATTEMPTS: &str = "attach.upstream.attempts";
/// How long upstreams took to begin an answer, in seconds.
pub(crate) const ATTEMPT_DURATION: &str = "attach.upstream.attempt.duration";
/// Whether the breaker of an upstream lets calls through: 0 closed, 1 half-open, 2 open.
pub(crate) const BREAKER: &str = "attach.upstream.breaker";
/// Upstreams that a call would have gone to and did not.
pub(crate) const SKIPPED: &str = "attach.upstream.skipped";
/// Whether probes reach an upstream: 1 if they do.
pub(crate) const PROBE_HEALTHY: &str = "attach.upstream.probe.healthy";
/// Probes of an upstream that have ended.
pub(crate) const PROBES: &str = "attach.upstream.probes";
/// What was replaced or masked.
pub(crate) const REDACTIONS: &str = "attach.redactions";
/// Placeholders of answers, restored or left.
pub(crate) const PLACEHOLDERS: &str = "attach.redaction.placeholders";
/// Whether tokens of an issuer can be verified.
pub(crate) const ISSUER_READY: &str = "attach.auth.issuer.ready";
/// How long ago an issuer confirmed its keys.
pub(crate) const ISSUER_KEYS_AGE: &str = "attach.auth.issuer.keys_age";
/// Whether the audit log takes records.
pub(crate) const AUDIT_READY: &str = "attach.audit.ready";
/// The program's version.
pub(crate) const BUILD_INFO: &str = "attach.build.info";
/// The hash of the configuration, as in the audit log's records.
pub(crate) const CONFIG_INFO: &str = "attach.config.info";
/// Readings of a changed configuration file.
pub(crate) const CONFIG_RELOADS: &str = "attach.config.reloads";
/// Spans that did not reach the collector.
pub(crate) const SPANS_LOST: &str = "attach.telemetry.spans.lost";
/// Exports that failed.
pub(crate) const EXPORTS_FAILED: &str = "attach.telemetry.exports.failed";
/// TLS handshakes that did not come about.
pub(crate) const HANDSHAKES_REFUSED: &str = "attach.server.handshakes.refused";
/// Resident memory, in bytes.
pub(crate) const MEMORY: &str = "process.memory.usage";
/// Open file descriptors.
pub(crate) const DESCRIPTORS: &str = "process.unix.file_descriptor.count";
/// Time since the start, in seconds.
pub(crate) const UPTIME: &str = "process.uptime";

/// The entity that was found.
pub(crate) const ENTITY: &str = "attach.redaction.entity";
/// `restored` or `withheld`.
pub(crate) const FATE: &str = "attach.redaction.fate";
/// Which attempt of a request it was, from 1.
pub(crate) const ATTEMPT: &str = "attach.upstream.attempt";
/// Why an upstream was passed over.
pub(crate) const SKIP_REASON: &str = "attach.upstream.skip.reason";
/// `well` or `failed`.
pub(crate) const PROBE_RESULT: &str = "attach.upstream.probe.result";
/// An issuer's name.
pub(crate) const ISSUER: &str = "attach.auth.issuer";
/// `data` or `admin`.
pub(crate) const LISTENER: &str = "attach.server.listener";
/// Why there was no handshake.
pub(crate) const HANDSHAKE_REASON: &str = "attach.server.handshake.reason";
/// The hash of the configuration.
pub(crate) const CONFIG_HASH: &str = "attach.config.hash";
/// `accepted` or `refused`.
pub(crate) const RELOAD_RESULT: &str = "attach.config.result";
/// `traces` or `metrics`.
pub(crate) const SIGNAL: &str = "attach.telemetry.signal";
/// The first of the groups that decided.
pub(crate) const GROUP: &str = "attach.actor.group";

/// The bounds of durations of requests, in seconds, as the GenAI conventions advise.
pub(crate) const SECONDS: &[f64] =
    &[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
/// Those of the time to the first token.
pub(crate) const FIRST_TOKEN: &[f64] =
    &[0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// Those of the time per token.
pub(crate) const PER_TOKEN: &[f64] =
    &[0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5];
/// Those of tokens per call.
pub(crate) const TOKENS: &[f64] = &[
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
