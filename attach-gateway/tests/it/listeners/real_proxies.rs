//! Proxies of others in front of the gateway: HAProxy, and nginx with its stream module.

use std::net::SocketAddr;

use tokio::process::{Child, Command};

use super::file;
use crate::support::proxies::Proxy;
use crate::support::tools::free_port;
use crate::support::{CHATS, Call, Connection, TempDir, Upstream, World, eventually, question};

/// The addresses that the log has for a call through each of these ports.
async fn addresses(world: &World, ports: &[u16]) -> Vec<String> {
    let mut addresses = Vec::new();
    for port in ports {
        let addr = SocketAddr::from(([127, 0, 0, 1], *port));
        eventually("the proxy listens", || std::net::TcpStream::connect(addr).ok()).await;
        let call = Call::new(addr, "POST", CHATS[0]).bearer(&world.token("alice"));
        let call = call.json(&question(CHATS[0], "m", "hello"));
        let connection = Connection::open_from("127.0.0.77", addr).await;
        let answer = call.stream_on(connection).await.whole().await.expect(200);
        let trail = world.gateway.trail(&answer.id());
        addresses.push(trail.intent()["src"]["ip"].as_str().unwrap().to_owned());
    }
    addresses
}

async fn world() -> World {
    let server = "tls = \"terminated-by-proxy\"\ntrusted_proxies = [\"127.0.0.1\"]\nproxy_protocol = true\n\
                  telemetry_listen = \"127.0.0.1:0\"\n";
    World::file(Upstream::model().await, &file(server)).await
}

fn run(mut command: Command) -> Child {
    command.kill_on_drop(true).spawn().unwrap()
}

#[tokio::test]
async fn haproxy_says_for_whom_it_connects() {
    let Some(haproxy) = Proxy::haproxy() else { return };
    let (world, folder) = (world().await, TempDir::new());
    let ways = ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"];
    let ports = ways.map(|_| free_port());
    let mut settings =
        "defaults\n mode tcp\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n".to_owned();
    for (way, port) in ways.iter().zip(ports) {
        let addr = world.gateway.addr;
        settings += &format!(
            "listen l{port}\n bind 127.0.0.1:{port}\n unique-id-format %pid\n option httpchk GET /healthz\n \
             http-check expect status 200\n server s {addr} {way} check check-send-proxy inter 100ms\n"
        );
    }
    let settings = folder.write("haproxy.cfg", &settings);
    let mut command = haproxy.command();
    command.arg("-db").arg("-f").arg(settings);
    let _running = run(command);
    assert_eq!(addresses(&world, &ports).await, ["127.0.0.77"; 3]);
}

#[tokio::test]
async fn nginx_says_for_whom_it_connects() {
    let Some(nginx) = Proxy::nginx_stream() else { return };
    let (world, folder) = (world().await, TempDir::new());
    let (port, addr) = (free_port(), world.gateway.addr);
    let settings = format!(
        "daemon off; pid {0}/pid; error_log stderr; load_module {1}; events {{}}\n\
         stream {{ server {{ listen 127.0.0.1:{port}; proxy_pass {addr}; proxy_protocol on; }} }}\n",
        folder.path().display(),
        nginx.module().display()
    );
    let settings = folder.write("nginx.conf", &settings);
    let mut command = nginx.command();
    command.arg("-p").arg(folder.path()).arg("-c").arg(settings).arg("-e").arg("stderr");
    let _running = run(command);
    assert_eq!(addresses(&world, &[port]).await, ["127.0.0.77"]);
}
