//! The conformance tests against a cluster of three, and what is NATS's own.

use std::sync::OnceLock;

use nats_cluster::Cluster;
use uuid::Uuid;

use super::Nats;
use crate::engine::Limits;
use crate::engine::conformance::{PER_SUBSCRIPTION, conformance};

/// One cluster for all tests here; each has a store of its own. It ends with the process.
fn cluster() -> &'static (Cluster, tempfile::TempDir) {
    static CLUSTER: OnceLock<(Cluster, tempfile::TempDir)> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let server = nats_cluster::server().expect("is installed");
        (Cluster::start(&server, folder.path(), 3).expect("starts"), folder)
    })
}

fn url() -> String {
    format!("{}/{}?partitions=2", cluster().0.url(), Uuid::new_v4())
}

async fn open(url: &str) -> Nats {
    Nats::open(url, Limits { per_subscription: PER_SUBSCRIPTION }).await.expect("is there")
}

conformance! {(open(&url()).await, ())}
