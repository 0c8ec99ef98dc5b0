use std::path::Path;

use super::issuer::Issuer;
use crate::config::Listen;

/// What `dev` prints: tokens, and a line to copy for each thing the gateway does.
pub(super) fn text(addr: &Listen, issuer: &Issuer, dir: &Path) -> String {
    let alice = issuer.token("alice").unwrap_or_default();
    let bob = issuer.token("bob").unwrap_or_default();
    let url = format!("http://{addr}");
    let (dir, program) = (dir.display(), program());
    format!(
        r#"
Attach is running at {url}  (development: loopback only, keys made at this start, echoing model)

Two people. Alice is in AI-Power-Users and may use every model; Bob may use llama3* and small-*.

export URL={url}
export ALICE={alice}
export BOB={bob}

# A call:
curl -s $URL/v1/chat/completions -H "Authorization: Bearer $ALICE" -d '{{"model":"gpt-4o","messages":[{{"role":"user","content":"hello"}}]}}'

# Ollama's interface, with a bare prompt, streamed:
curl -sN $URL/api/chat -H "Authorization: Bearer $ALICE" -d '{{"model":"llama3","prompt":"hello"}}'

# A stream:
curl -sN $URL/v1/chat/completions -H "Authorization: Bearer $ALICE" -d '{{"model":"gpt-4o","stream":true,"messages":[{{"role":"user","content":"count to three"}}]}}'

# Personal data: the model sees placeholders (printed below), you get the originals back:
curl -s $URL/v1/chat/completions -H "Authorization: Bearer $ALICE" -d '{{"model":"gpt-4o","messages":[{{"role":"user","content":"My name is Jane Doe, mail jane.doe@example.com, card 4111 1111 1111 1111"}}]}}'

# 401, no such token:
curl -si $URL/v1/chat/completions -H "Authorization: Bearer nonsense" -d '{{"model":"llama3","messages":[]}}'

# 403, Bob may not use this model:
curl -si $URL/v1/chat/completions -H "Authorization: Bearer $BOB" -d '{{"model":"gpt-4o","messages":[{{"role":"user","content":"hello"}}]}}'

# 429, more than 30 requests a minute:
for i in $(seq 60); do curl -s -o /dev/null -w '%{{http_code}} ' $URL/api/show -H "Authorization: Bearer $BOB" -d '{{"model":"llama3"}}'; done; echo

# Who did what:
{program} audit query {dir}/audit --limit 10

# The same as it is recorded, and that nobody changed it:
tail -n 2 {dir}/audit/*.jsonl
{program} audit verify {dir}/audit

# A fresh token later:   {program} dev token alice
# A key for a tool that knows no tokens:
printf %s "$ALICE" | {program} keys create --server $URL --token - --name editor --expires-in 1d

"#
    )
}

/// How this program was started, for commands to copy.
fn program() -> String {
    // Cargo tells whom it runs where it is itself.
    let built = std::env::var_os("CARGO").is_some();
    let started = std::env::args().next().filter(|name| !built && !name.contains(char::is_whitespace));
    started.unwrap_or_else(|| "cargo run -q -p attach-gateway --".to_owned())
}
