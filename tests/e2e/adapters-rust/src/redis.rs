//! The Redis server that `cargo xtask test` starts, and a proxy that tests can stop.

use std::net::SocketAddr;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Returns the server's address.
pub fn address() -> String {
    let url = std::env::var("REDIS_URL").expect("REDIS_URL is set: `cargo xtask test` starts a server");
    let client = redis::Client::open(url).expect("REDIS_URL is valid");
    client.get_connection_info().addr().to_string()
}

/// Opens a connection that reconnects, with a short timeout.
pub async fn connect(address: &str) -> ConnectionManager {
    let client = redis::Client::open(format!("redis://{address}/")).expect("an address");
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(1)
        .set_connection_timeout(Some(Duration::from_millis(500)))
        .set_response_timeout(Some(Duration::from_secs(10)));
    ConnectionManager::new_with_config(client, config).await.expect("Redis responds")
}

/// A proxy in front of Redis.
pub struct Proxy {
    /// The proxy's own address.
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy on a free port, or on the port of a stopped proxy.
    pub async fn start(from: Option<SocketAddr>) -> Self {
        let from = from.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        let listener = TcpListener::bind(from).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let task = tokio::spawn(async move {
            // All connections end with this task.
            let mut open = tokio::task::JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let mut far = TcpStream::connect(self::address()).await.expect("Redis responds");
                open.spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
            }
        });
        Self { address, task }
    }

    /// Closes all connections and accepts no more. Returns the address.
    pub async fn stop(self) -> SocketAddr {
        self.task.abort();
        let _ = self.task.await;
        self.address
    }
}
