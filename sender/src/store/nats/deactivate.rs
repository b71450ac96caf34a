//! Ending the deliveries of deactivated subscriptions.

use std::time::Duration;

use clarife_webhooks::sender::UnixMillis;

use super::partition::{CONCURRENCY, Partition};
use super::schema::{self, progress_subject};
use super::worker::Worker;
use crate::ids::DeliveryId;
use crate::store::{Result, SubscriptionRecord};

impl Worker {
    /// Writes what has failed because its subscription was deactivated, whenever there is something.
    pub(super) async fn end_deliveries(&self, partition: &Partition) {
        loop {
            let some = partition
                .state()
                .pending
                .as_mut()
                .map(|pending| pending.take_deactivated(CONCURRENCY))
                .unwrap_or_default();
            if some.is_empty() {
                let _ = tokio::time::timeout(Duration::from_secs(1), partition.ending.notified()).await;
                continue;
            }
            let ended = some.into_iter().map(|ending| async move {
                let result = self.end(partition, (ending.id, &ending.subscription), ending.at).await;
                result.map_err(|error| (error, ending))
            });
            for failed in futures_util::future::join_all(ended).await.into_iter().filter_map(std::result::Result::err) {
                tracing::debug!(error = %failed.0, "a delivery is ended later");
                if let Some(pending) = &mut partition.state().pending {
                    pending.defer(failed.1);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    async fn end(
        &self,
        partition: &Partition,
        (id, subscription): (DeliveryId, &SubscriptionRecord),
        at: UnixMillis,
    ) -> Result<()> {
        let loaded = partition.load(&subscription.workspace, &subscription.id, id).await?;
        let Some((mut progress, version)) = loaded else {
            if let Some(pending) = &mut partition.state().pending {
                pending.forget_one(id);
            }
            return Ok(());
        };
        let subject = progress_subject(&subscription.workspace, &subscription.id, id);
        let ended = progress.delivery.deactivate(at);
        if ended == progress.delivery {
            if let Some(pending) = &mut partition.state().pending {
                pending.apply_progress(id, &subscription.id, ended, version);
            }
            return Ok(());
        }
        progress.delivery = ended;
        let sequence = partition.stream.write(vec![schema::write(subject, &progress, version)?]).await?;
        self.apply_own_progress(partition, (id, &subscription.id), ended, sequence);
        Ok(())
    }
}
