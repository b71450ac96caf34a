//! Ending the pending deliveries of deactivated subscriptions.

use std::time::Duration;

use clarife_webhooks::UnixTime;

use super::partition::{CONCURRENCY, Partition};
use super::schema;
use super::subject;
use super::worker::Worker;
use crate::ids::DeliveryId;
use crate::store::{Result, SubscriptionRecord};

impl Worker {
    /// Writes the end of deliveries whose subscription was deactivated, as they are found.
    pub(super) async fn end_deliveries(&self, partition: &Partition) {
        loop {
            let batch = partition
                .state()
                .pending
                .as_mut()
                .map(|pending| pending.take_deactivated(CONCURRENCY))
                .unwrap_or_default();
            if batch.is_empty() {
                let _ = tokio::time::timeout(Duration::from_secs(1), partition.deactivated.notified()).await;
                continue;
            }
            let ended = batch.into_iter().map(|delivery| async move {
                let result = self.end(partition, (delivery.id, &delivery.subscription), delivery.at).await;
                result.map_err(|error| (error, delivery))
            });
            for (error, delivery) in
                futures_util::future::join_all(ended).await.into_iter().filter_map(std::result::Result::err)
            {
                tracing::debug!(%error, "cannot end a delivery yet");
                if let Some(pending) = &mut partition.state().pending {
                    pending.defer(delivery);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    async fn end(
        &self,
        partition: &Partition,
        (id, subscription): (DeliveryId, &SubscriptionRecord),
        at: UnixTime,
    ) -> Result<()> {
        let loaded = partition.load(&subscription.workspace, &subscription.id, id).await?;
        let Some((mut progress, version)) = loaded else {
            if let Some(pending) = &mut partition.state().pending {
                pending.forget_one(id);
            }
            return Ok(());
        };
        let subject = subject::delivery(&subscription.workspace, &subscription.id, id);
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
