//! Gateway keys and service identities, over real sockets and two nodes.

mod confirmed;
mod denied;
mod nodes;
mod own;
mod revocation_endpoint;
mod revoked;
mod secrets;
mod services;
mod world;
