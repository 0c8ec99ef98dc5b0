//! Where the gateway listens, and how: TLS, certificates of clients, sockets in the file system, proxies in front.

pub(crate) mod certificates;
mod handshakes;
mod proxies;
mod proxy_protocol;
mod real_proxies;
mod revoked;
mod tls;
mod unix;

/// A file with this `[server]` section, and everything allowed.
fn file(server: &str) -> String {
    format!(
        "[server]\n{server}\n[[issuer]]\nissuer = \"{{ISSUER}}\"\naudience = [\"api://attach-test\"]\n\
         [[upstream]]\nname = \"m\"\nkind = \"openai\"\ntrusted = true\nurl = \"{{UPSTREAM}}\"\n\
         [access]\ndefault = \"allow\"\n"
    )
}
