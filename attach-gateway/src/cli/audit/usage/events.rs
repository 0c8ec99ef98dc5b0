//! CloudEvents 1.0 in JSON, with the `type` and `data` of OpenMeter's own example for tokens: it sums `data.tokens` by
//! `data.model` and `data.type`, and takes an event of one `source` and `id` once only.

use std::io::{self, Write};

use serde_json::json;

use super::record::Used;

/// An event for the input of a call and one for its output, where there was any.
pub(super) fn call(out: &mut impl Write, used: &Used<'_>) -> io::Result<()> {
    let usage = used.usage();
    for (kind, tokens) in [("input", usage.input), ("output", usage.output)] {
        if tokens == 0 {
            continue;
        }
        let event = json!({
            "specversion": "1.0",
            "id": format!("{}/{kind}", used.req_id.0),
            "source": "attach-gateway",
            "type": "prompt",
            "subject": used.user(),
            "time": used.ts.0,
            "datacontenttype": "application/json",
            "data": {
                "tokens": tokens,
                "type": kind,
                "model": used.model(),
                "upstream": used.upstream(),
                "directory": used.directory(),
                "client": Some(used.client()).filter(|client| !client.is_empty()),
            },
        });
        writeln!(out, "{event}")?;
    }
    Ok(())
}
