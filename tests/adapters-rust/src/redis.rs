//! The Redis server that `cargo xtask test` starts, and a way to it that can be cut.

use std::net::SocketAddr;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The server's address.
pub fn address() -> String {
    let url = std::env::var("REDIS_URL").expect("REDIS_URL names a Redis server: `cargo xtask test` starts one");
    let client = redis::Client::open(url).expect("REDIS_URL is a URL of Redis");
    client.get_connection_info().addr().to_string()
}

/// A connection that is made again where it was lost, and that does not wait long for that.
pub async fn connect(address: &str) -> ConnectionManager {
    let client = redis::Client::open(format!("redis://{address}/")).expect("an address");
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(1)
        .set_connection_timeout(Some(Duration::from_millis(500)))
        .set_response_timeout(Some(Duration::from_secs(10)));
    ConnectionManager::new_with_config(client, config).await.expect("Redis answers")
}

/// Passes connections on to Redis until it is cut.
pub struct Way {
    /// Where it starts.
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Way {
    /// A way from a new port, or from one that was cut.
    pub async fn open(from: Option<SocketAddr>) -> Self {
        let from = from.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        let listener = TcpListener::bind(from).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let task = tokio::spawn(async move {
            // Connections end with this task.
            let mut open = tokio::task::JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let mut far = TcpStream::connect(self::address()).await.expect("Redis answers");
                open.spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
            }
        });
        Self { address, task }
    }

    /// Ends every connection, and takes no more.
    pub async fn cut(self) -> SocketAddr {
        self.task.abort();
        let _ = self.task.await;
        self.address
    }
}
