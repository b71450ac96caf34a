//! The API's connections: a limit of their number, and time limits for silent and slow clients.

use std::convert::Infallible;
use std::io::ErrorKind;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceExt as _;

/// Part of the process's descriptors that connections may take. Deliveries and the store need the others.
const SHARE: u64 = 4;

/// Limit of the connections: each one may take 16 KiB of memory for its buffers.
const MAX_CONNECTIONS: usize = 4096;

/// Pause after an error of `accept`, so that a lack of descriptors is logged once a second.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Time limit for closing a connection without a request in flight.
const CLOSING: Duration = Duration::from_secs(2);

/// Interval of HTTP/2 pings, and time limit of their responses: a client that is gone holds a connection for 30 s.
const PING: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(10));

/// Limits of connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConnectionLimits {
    /// Limit of the open connections; further clients wait in the system's queue.
    pub(crate) connections: usize,
    /// Time limit for the headers of a connection's first request.
    first: Duration,
    /// Time limit for the headers of each further request, counted from the response before it.
    idle: Duration,
}

impl ConnectionLimits {
    /// Returns the limits for a process that may open this many descriptors.
    pub(crate) fn new(descriptors: Option<u64>) -> Self {
        let share = descriptors.map_or(MAX_CONNECTIONS, |limit| {
            usize::try_from(limit.checked_div(SHARE).unwrap_or_default()).unwrap_or(MAX_CONNECTIONS)
        });
        // Proxies keep an idle connection for 60 s by default. The proxy must be the one that closes it.
        let (first, idle) = (Duration::from_secs(10), Duration::from_secs(75));
        Self { connections: share.clamp(1, MAX_CONNECTIONS), first, idle }
    }
}

/// Serves connections until `stop` is true and the requests in flight have ended.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ConnectionLimits,
    mut stop: watch::Receiver<bool>,
) {
    let slots = Arc::new(Semaphore::new(limits.connections));
    loop {
        let (slot, stream) = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        let connection = connection(stream, router.clone(), limits, stop.clone());
        tokio::spawn(async move {
            connection.await;
            drop(slot);
        });
    }
    drop(listener);
    let all = u32::try_from(limits.connections).unwrap_or(u32::MAX);
    let _ = slots.acquire_many(all).await; // returned by the last connection
}

/// Accepts a connection, once one is allowed.
async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> (Option<OwnedSemaphorePermit>, TcpStream) {
    loop {
        let slot = Arc::clone(slots).acquire_owned().await.ok(); // the semaphore is never closed
        match listener.accept().await {
            Ok((stream, _)) => return (slot, stream),
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves a connection until it ends, reaches a time limit, or `stop` is true and its requests have ended.
async fn connection(stream: TcpStream, router: Router, limits: ConnectionLimits, mut stop: watch::Receiver<bool>) {
    let activity = Arc::new(Activity::new());
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let running = Running::start(&activity);
        let response = router.clone().oneshot(Request::from(request.map(axum::body::Body::new)));
        async move {
            let response = response.await;
            drop(running);
            response.map_err(|never: Infallible| never)
        }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.idle);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(PING.0).keep_alive_timeout(PING.1);
    let mut served = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = served.as_mut() => return, // the client's errors are its own
        () = activity.idle(limits) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
    served.as_mut().graceful_shutdown();
    let closing = ConnectionLimits { first: CLOSING, idle: CLOSING, ..limits };
    tokio::select! {
        _ = served => {}
        () = activity.idle(closing) => {}
    }
}

/// Requests of a connection.
struct Activity(Mutex<Requests>);

struct Requests {
    /// Number of requests that have no response yet.
    running: usize,
    /// True if there was a request.
    any: bool,
    /// Time of the last response, or of the connection's start.
    since: Instant,
}

impl Activity {
    fn new() -> Self {
        Self(Requests { running: 0, any: false, since: Instant::now() }.into())
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the client has sent no request for as long as it may.
    async fn idle(&self, limits: ConnectionLimits) {
        loop {
            let wait = {
                let requests = self.requests();
                let limit = if requests.any { limits.idle } else { limits.first };
                if requests.running > 0 { limit } else { limit.saturating_sub(requests.since.elapsed()) }
            };
            if wait.is_zero() {
                return;
            }
            tokio::time::sleep(wait).await;
        }
    }
}

/// A request in progress; it ends when this is dropped.
struct Running(Arc<Activity>);

impl Running {
    fn start(activity: &Arc<Activity>) -> Self {
        let mut requests = activity.requests();
        (requests.running, requests.any) = (requests.running.saturating_add(1), true);
        drop(requests);
        Self(Arc::clone(activity))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut requests = self.0.requests();
        (requests.running, requests.since) = (requests.running.saturating_sub(1), Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::task::JoinHandle;

    use super::*;

    const LIMITS: ConnectionLimits =
        ConnectionLimits { connections: 2, first: Duration::from_millis(300), idle: Duration::from_millis(600) };

    struct Server {
        address: std::net::SocketAddr,
        stop: watch::Sender<bool>,
        serving: JoinHandle<()>,
    }

    impl Server {
        async fn start() -> Self {
            let slow = || async { tokio::time::sleep(Duration::from_secs(2)).await };
            let router = Router::new().route("/", get(|| async {})).route("/slow", get(slow));
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            let (stop, stopped) = watch::channel(false);
            Self { address, stop, serving: tokio::spawn(serve(listener, router, LIMITS, stopped)) }
        }

        /// Opens a connection and sends some text.
        async fn send(&self, text: &str) -> TcpStream {
            let mut stream = TcpStream::connect(self.address).await.expect("listens");
            stream.write_all(text.as_bytes()).await.expect("is open");
            stream
        }
    }

    /// Reads all that the server sends until it closes the connection, and the time that this takes.
    async fn read(stream: &mut TcpStream) -> (String, Duration) {
        let (start, mut bytes) = (Instant::now(), Vec::new());
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes)).await;
        let _ = read.expect("the server closes the connection");
        (String::from_utf8_lossy(&bytes).into_owned(), start.elapsed())
    }

    #[tokio::test]
    async fn silent_and_slow_connections_are_closed() {
        let server = Server::start().await;
        let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        for text in ["", "GET", "GET / HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n", preface] {
            let (_, time) = read(&mut server.send(text).await).await;
            assert!(time > LIMITS.first - Duration::from_millis(50) && time < Duration::from_secs(5), "{text:?}");
        }
        // The time limit is one of the whole headers.
        let (mut reading, mut writing) = server.send("GET / HTTP/1.1\r\n").await.into_split();
        let trickling = tokio::spawn(async move {
            while writing.write_all(b"a: b\r\n").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        let mut bytes = Vec::new();
        let end = reading.read_to_end(&mut bytes);
        let _ = tokio::time::timeout(Duration::from_secs(5), end).await.expect("is closed");
        trickling.await.expect("no panic");
    }

    #[tokio::test]
    async fn a_connection_stays_open_between_requests_and_then_ends() {
        let server = Server::start().await;
        let mut stream = server.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        tokio::time::sleep(LIMITS.first + Duration::from_millis(100)).await;
        stream.write_all(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("is open");
        let (text, time) = read(&mut stream).await;
        assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 2, "{text}");
        assert!(time > Duration::from_secs(2) + LIMITS.idle - Duration::from_millis(50), "{time:?}");
    }

    #[tokio::test]
    async fn connections_beyond_the_limit_wait_for_a_free_place() {
        let server = Server::start().await;
        let silent = [server.send("").await, server.send("").await];
        let request = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        let (text, time) = read(&mut server.send(request).await).await;
        assert!(text.starts_with("HTTP/1.1 200 OK") && time > Duration::from_millis(200), "{time:?}: {text}");
        drop(silent);
    }

    #[tokio::test]
    async fn a_stop_finishes_requests_and_closes_idle_connections() {
        let server = Server::start().await;
        let mut idle = server.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let mut busy = server.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        let start = Instant::now();
        server.stop.send_replace(true);
        assert!(read(&mut idle).await.1 < Duration::from_millis(500));
        assert!(read(&mut busy).await.0.starts_with("HTTP/1.1 200 OK"));
        server.serving.await.expect("no panic");
        assert!(start.elapsed() < Duration::from_secs(4));
        assert!(TcpStream::connect(server.address).await.is_err());
    }

    #[test]
    fn most_descriptors_stay_for_deliveries() {
        for (descriptors, connections) in [(Some(128), 32), (Some(1 << 20), 4096), (None, 4096), (Some(0), 1)] {
            assert_eq!(ConnectionLimits::new(descriptors).connections, connections, "{descriptors:?}");
        }
    }
}
