//! The tenant behind an access path, as KV holds it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use worker::Delay;

use super::cached::{self, CachedTenant};
use crate::app::App;
use crate::db::StorageError;
use crate::platform::log;
use crate::store::published;
use crate::witness;

/// How long after a re-key (or a disabling, or a deletion) a file of before could still be on its
/// way into KV: no request lives that long.
pub const FENCE_MS: u64 = 10 * 60 * 1000;

/// More fences than this are one: everything of the tenant is stale.
const MAX_FENCES: usize = 100;

/// KV takes one write a second per key; a refused one is tried again after this long.
const WRITE_PAUSE: Duration = Duration::from_millis(1100);

/// TTL of a published tenant. If a publisher dies between two writes, the stale value expires on its
/// own.
const LIFETIME_S: u32 = 24 * 3600;

/// For how long an isolate that missed a tenant in KV and published it does not publish the same state again,
/// in milliseconds: a value takes up to a minute to be seen everywhere.
const REPUBLISH_MS: u64 = 60 * 1000;

/// More tenants than this are not remembered as published.
const MAX_PUBLISHED: usize = 1000;

thread_local! {
    /// By tenant: the version, and when.
    static PUBLISHED: RefCell<BTreeMap<String, (u64, u64)>> =
        const { RefCell::new(BTreeMap::new()) };
}

/// What a list of KV's names says of a tenant, kept as metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EdgeMeta {
    /// As in the value.
    #[serde(rename = "v")]
    pub version: u64,
}

fn key(hash: &str) -> String {
    format!("t1:{hash}")
}

/// A tenant, and where it was found.
#[derive(Clone, Debug)]
pub struct FoundTenant {
    pub known: Rc<CachedTenant>,
    /// Whether KV had it. What D1 alone has is to be put there: see [`publish_missed`].
    pub in_kv: bool,
}

/// The tenant of an access path: from KV, or from D1 where KV does not know or does not answer. Who
/// is not trusted to ask D1 gets what KV knows. Nothing is written.
///
/// # Errors
/// D1 does not answer either, or is behind what was witnessed: then it vouches for nobody.
pub async fn find_tenant(
    app: &App,
    hash: &str,
    trusted: bool,
) -> Result<Option<FoundTenant>, StorageError> {
    let cached = app.kv.text(&key(hash)).await;
    if matches!(cached, Ok(None)) && !trusted {
        return Ok(None);
    }
    if let Some(known) = cached
        .ok()
        .flatten()
        .and_then(|text| cached::read(hash, text))
    {
        return Ok(Some(FoundTenant { known, in_kv: true }));
    }
    let (row, standing) = published::tenant_of(&app.db, hash).await?;
    witness::vouch(app, &standing).await?;
    Ok(row.map(|row| FoundTenant {
        known: Rc::new(CachedTenant::from(row)),
        in_kv: false,
    }))
}

/// Puts a tenant into KV, after the answer, that a request missed there.
pub fn publish_missed(app: &App, tenant_id: String, version: u64) {
    if !publishing_is_due(&tenant_id, version, app.now) {
        return;
    }
    let publisher = app.clone();
    app.later(async move {
        if let Err(error) = publish_tenant(&publisher, &tenant_id).await {
            log::warn(
                "publish_failed",
                &[("tenant", &tenant_id), ("error", &error.to_string())],
            );
        }
    });
}

/// Whether a request that missed a tenant in KV is to put it there. A whole office behind a new
/// access path must not write the same value at once: KV takes one write a second.
fn publishing_is_due(tenant: &str, version: u64, now: u64) -> bool {
    PUBLISHED.with_borrow_mut(|published| {
        let recent =
            |&(last, at): &(u64, u64)| last == version && now < at.saturating_add(REPUBLISH_MS);
        if published.get(tenant).is_some_and(recent) {
            return false;
        }
        if published.len() >= MAX_PUBLISHED {
            published.clear();
        }
        published.insert(tenant.to_owned(), (version, now));
        true
    })
}

/// Writes a tenant to KV under each of its access paths. To be called after every change that
/// takes a new version and before the change is acknowledged.
///
/// # Errors
/// KV or D1 fails, also when tried again: the change is stored but not yet in effect here, so the
/// caller must not acknowledge it.
pub async fn publish_tenant(app: &App, tenant_id: &str) -> Result<(), StorageError> {
    // Two publishers may cross; the one that finds a newer change than it wrote writes again, and
    // takes out again what the newer change has removed.
    let mut written = BTreeSet::new();
    for _ in 0..5 {
        let fenced_since = app.now.saturating_sub(FENCE_MS);
        let paths = published::edge_of(&app.db, tenant_id, fenced_since, MAX_FENCES).await?;
        for (hash, tenant) in &paths.entries {
            let text = serde_json::to_string(tenant)
                .map_err(|error| StorageError::Cache(error.to_string()))?;
            put_patiently(app, &key(hash), &text, tenant.version).await?;
            written.insert(hash.clone());
        }
        for hash in written.iter().filter(|hash| !paths.has(hash)) {
            drop_access_path(app, hash).await?;
        }
        if published::sequence_of(&app.db, tenant_id).await? == paths.sequence {
            return Ok(());
        }
    }
    Err(StorageError::Cache("the tenant keeps changing".into()))
}

/// Takes an access path out of KV.
///
/// # Errors
/// KV fails: the path may answer for as long as it stays there.
pub async fn drop_access_path(app: &App, hash: &str) -> Result<(), StorageError> {
    app.kv.delete(&key(hash)).await
}

async fn put_patiently(app: &App, key: &str, text: &str, version: u64) -> Result<(), StorageError> {
    let metadata = serde_json::to_string(&EdgeMeta { version })
        .map_err(|error| StorageError::Cache(error.to_string()))?;
    let mut result = app.kv.put_text(key, text, &metadata, LIFETIME_S).await;
    for _ in 0..3 {
        if result.is_ok() {
            break;
        }
        Delay::from(WRITE_PAUSE).await;
        result = app.kv.put_text(key, text, &metadata, LIFETIME_S).await;
    }
    result
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_isolate_publishes_a_state_that_it_missed_once_a_minute() {
        assert!(publishing_is_due("a", 1, 1));
        assert!(!publishing_is_due("a", 1, 2));
        assert!(publishing_is_due("b", 1, 2));
        assert!(publishing_is_due("a", 2, 3));
        assert!(!publishing_is_due("a", 2, 4));
        assert!(publishing_is_due("a", 2, 3 + REPUBLISH_MS));
    }

    #[test]
    fn edge_meta_json_format_unchanged() {
        assert_eq!(
            serde_json::to_string(&EdgeMeta { version: 7 }).unwrap(),
            r#"{"v":7}"#
        );
    }
}
