use opentelemetry::global;

/// Shows how many records wait to be durable, as `depth` says: nothing once the log is gone.
pub(crate) fn queue(depth: impl Fn() -> Option<usize> + Send + Sync + 'static) {
    global::meter(super::SCOPE)
        .u64_observable_gauge("attach.audit.queue.depth")
        .with_unit("{record}")
        .with_description("Records that were taken and are not durable yet.")
        .with_callback(move |now| {
            if let Some(depth) = depth() {
                now.observe(depth as u64, &[]);
            }
        })
        .build();
}
