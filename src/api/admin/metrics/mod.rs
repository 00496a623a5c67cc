//! `GET /metrics`: what the whole installation is doing, for Prometheus.
//!
//! Nothing here has a name of a tenant, a device or an address: labels are words of the product and ids of pools.

mod exposition;
mod page;

use ringfence_api::answer::Metrics;
use ringfence_queue::messages::{PoolCall, PoolReply};

use crate::api::request::call::Call;
use crate::http::problem::Problem;
use crate::pool::client;
use crate::store::metrics;
use page::{Facts, PoolFacts};

/// How many pools are shown; of more, only how many there are left out is.
const MAX_POOLS: usize = 50;

/// `getMetrics`.
pub async fn show(call: Call) -> Result<Metrics, Problem> {
    let mut counted = metrics::counted(&call.app.db, MAX_POOLS as u32 + 1).await?;
    let left_out = counted.pools.len() > MAX_POOLS;
    counted.pools.truncate(MAX_POOLS);
    let mut pools = Vec::with_capacity(counted.pools.len());
    for pool in std::mem::take(&mut counted.pools) {
        // One that does not answer is shown as that, beside the others.
        let gauges = match client::call(&call.app.env, &pool.id, &PoolCall::Gauges).await {
            Ok(PoolReply::Gauges(gauges)) => Some(gauges),
            _ => None,
        };
        pools.push(PoolFacts {
            id: pool.id,
            name: pool.name,
            gauges,
        });
    }
    Ok(Metrics(page::page(&Facts {
        counted,
        pools,
        left_out,
        now: call.app.now,
    })))
}
