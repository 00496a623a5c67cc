//! What KV is to hold of a tenant, and the tenant behind an access path.

use ringfence_sql::args;
use serde::Deserialize;

use super::standing;
use crate::db::{Corrupt, Db, Statement, StorageError, rows};
use crate::model::published::{Fence, PublishedTenant};
use crate::model::standing::Standing;
use crate::model::tenant::TenantOptions;

#[derive(Deserialize)]
struct PublishedRow {
    id: String,
    hostname: Option<String>,
    options: String,
    version: u64,
    seq: u64,
}

impl PublishedRow {
    fn options(&self) -> Result<TenantOptions, StorageError> {
        ringfence_json::from_str(&self.options).map_err(|why| {
            let tenant = self.id.clone();
            Corrupt::TenantOptions { tenant, why }.into()
        })
    }
}

#[derive(Deserialize)]
struct PublishedPathRow {
    id: String,
    hash: String,
    expires_at: Option<u64>,
    target_since: Option<u64>,
}

/// The tenant behind an access path, without fences: what comes from D1 needs none. With where the
/// database stands, for D1 alone vouches for it.
pub async fn tenant_of(
    db: &Db,
    hash: &str,
) -> Result<(Option<PublishedTenant>, Standing), StorageError> {
    #[derive(Deserialize)]
    struct Row {
        #[serde(rename = "$tenant")]
        tenant: PublishedRow,
        access_path: String,
        expires_at: Option<u64>,
        target: Option<String>,
    }
    let sql = "SELECT t.id, t.hostname, t.options, t.version, t.seq, a.id AS access_path, \
         a.expires_at, (SELECT id FROM access_paths WHERE tenant_id = t.id \
         AND target_since IS NOT NULL) AS target \
         FROM access_paths a JOIN tenants t ON t.id = a.tenant_id WHERE a.hash = ?1";
    let (row, standing) = standing::row_vouched::<Row>(db, sql, hash).await?;
    let Some(row) = row else {
        return Ok((None, standing));
    };
    let edge = PublishedTenant {
        options: row.tenant.options()?,
        tenant: row.tenant.id,
        // A file cached before a fence must not pass: nothing cached does.
        version: row.tenant.seq + 1,
        hostname: row.tenant.hostname,
        expires_at: row.expires_at,
        access_path: Some(row.access_path),
        target: row.target,
        fences: Vec::new(),
    };
    Ok((Some(edge), standing))
}

/// What KV is to hold of a tenant.
pub struct Published {
    /// Hash of an access path, and the value under it.
    pub entries: Vec<(String, PublishedTenant)>,
    /// The tenant's sequence number that this shows.
    pub sequence: u64,
}

impl Published {
    /// Whether the tenant has that access path.
    pub fn has(&self, hash: &str) -> bool {
        self.entries.iter().any(|(entry, _)| entry == hash)
    }
}

/// Reads what KV is to hold of a tenant. More than `fences_max` fences since `fenced_since` become
/// one: the tenant's version goes up, and every file of it is rendered again on its next request.
pub async fn edge_of(
    db: &Db,
    tenant_id: &str,
    fenced_since: u64,
    fences_max: usize,
) -> Result<Published, StorageError> {
    loop {
        let [tenant, paths, fences] = db
            .batch_of([
                Statement::new(
                    "SELECT id, hostname, options, version, seq FROM tenants WHERE id = ?1",
                    args![tenant_id],
                ),
                Statement::new(
                    "SELECT id, hash, expires_at, target_since FROM access_paths WHERE tenant_id = ?1",
                    args![tenant_id],
                ),
                Statement::new(
                    // A device that left has no row here: its move is its fence.
                    "SELECT mac, version FROM devices INDEXED BY devices_by_fence \
                     WHERE tenant_id = ?1 AND fenced_at > ?2 \
                     AND version > (SELECT version FROM tenants WHERE id = ?1) \
                     UNION ALL SELECT mac, version FROM moves INDEXED BY moves_by_fence \
                     WHERE tenant_id = ?1 AND moved_at > ?2 \
                     AND version > (SELECT version FROM tenants WHERE id = ?1) LIMIT ?3",
                    args![tenant_id, fenced_since, fences_max as u64 + 1],
                ),
            ])
            .await?;
        let Some(tenant) = rows::<PublishedRow>(&tenant)?.into_iter().next() else {
            return Ok(Published {
                entries: Vec::new(),
                sequence: 0,
            });
        };
        #[derive(Deserialize)]
        struct FenceRow {
            mac: String,
            version: u64,
        }
        let fences: Vec<Fence> = rows::<FenceRow>(&fences)?
            .into_iter()
            .map(|row| Fence {
                mac: row.mac,
                version: row.version,
            })
            .collect();
        if fences.len() > fences_max {
            db.run(
                "UPDATE tenants SET seq = seq + 1, version = seq + 1 WHERE id = ?1",
                args![tenant_id],
            )
            .await?;
            continue;
        }
        let options = tenant.options()?;
        let paths = rows::<PublishedPathRow>(&paths)?;
        let target = paths.iter().find(|path| path.target_since.is_some());
        let target = target.map(|path| path.id.clone());
        let entries = paths
            .into_iter()
            .map(|path| {
                let edge = PublishedTenant {
                    tenant: tenant.id.clone(),
                    version: tenant.version,
                    hostname: tenant.hostname.clone(),
                    expires_at: path.expires_at,
                    access_path: Some(path.id),
                    target: target.clone(),
                    options: options.clone(),
                    fences: fences.clone(),
                };
                (path.hash, edge)
            })
            .collect();
        return Ok(Published {
            entries,
            sequence: tenant.seq,
        });
    }
}

/// The last version given to a change of a tenant; 0 if it is gone.
pub async fn sequence_of(db: &Db, tenant_id: &str) -> Result<u64, StorageError> {
    let sql = "SELECT seq FROM tenants WHERE id = ?1";
    Ok(db.value(sql, args![tenant_id]).await?.unwrap_or(0))
}
