//! Whom the tenants of a pool may address, and who has which address of record.

use std::collections::BTreeMap;

use ringfence_queue::target::Reach;
use ringfence_sql::args;
use serde::Deserialize;
use worker::{D1PreparedStatement, D1Result};

use super::{Change, ChangeError, Entry, Invalidates};
use crate::db::{Db, StorageError, rows};

/// A tenant and a pool.
pub type Pair = (String, String);

#[derive(Deserialize)]
struct Row {
    tenant: String,
    pool: String,
    destinations: Option<String>,
    guarded: i64,
}

/// Whether other tenants have phones in the pool `j.value ->> 1`, and its options do not say that
/// its tenants trust one another. `o.id > ''` is true of each, and lets the index be searched.
const GUARDED: &str = "(NOT EXISTS (SELECT 1 FROM pools p WHERE p.id = j.value ->> 1 AND p.options ->> '$.trusting' = 1) AND (\
     EXISTS (SELECT 1 FROM tenants o WHERE o.pool_id = j.value ->> 1 AND o.id <> t.id \
       AND EXISTS (SELECT 1 FROM devices x WHERE x.tenant_id = o.id)) \
     OR (j.value ->> 1 = 'default' AND EXISTS (SELECT 1 FROM tenants o WHERE o.pool_id IS NULL AND o.id > '' AND o.id <> t.id \
       AND EXISTS (SELECT 1 FROM devices x WHERE x.tenant_id = o.id))) \
     OR EXISTS (SELECT 1 FROM sites o WHERE o.pool_id = j.value ->> 1 AND o.tenant_id <> t.id \
       AND EXISTS (SELECT 1 FROM devices x WHERE x.site_id = o.id))))";

/// The statement that asks for some tenants in some pools; [`read`] reads its answer.
///
/// # Errors
/// The statement cannot be made.
pub fn statement(db: &Db, pairs: &[Pair]) -> Result<D1PreparedStatement, StorageError> {
    let sql = format!(
        "SELECT j.value ->> 0 AS tenant, j.value ->> 1 AS pool, t.destinations, {GUARDED} AS guarded \
         FROM json_each(?1) j JOIN tenants t ON t.id = j.value ->> 0"
    );
    db.statement(&sql, args![super::settings::json(&pairs)?])
}

/// Whom each tenant may address in each pool. A list that cannot be read permits nobody.
///
/// # Errors
/// The rows are not what was asked for.
pub fn read(result: &D1Result) -> Result<BTreeMap<Pair, Reach>, StorageError> {
    let rows: Vec<Row> = rows(result)?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let list = row.destinations.as_deref();
            let reach = Reach {
                destinations: list.map(|text| serde_json::from_str(text).unwrap_or_default()),
                guarded: row.guarded != 0,
                taken: false,
            };
            ((row.tenant, row.pool), reach)
        })
        .collect())
}

/// Whom a tenant may address in these pools.
///
/// # Errors
/// D1 does not answer.
pub async fn find(db: &Db, pairs: &[Pair]) -> Result<BTreeMap<Pair, Reach>, StorageError> {
    read(&statement(db, pairs)?.all().await?)
}

/// An address of record as it is compared: `user@host` in lower case.
pub type Asked = (String, String, String);

/// Which of these (tenant, pool, address of record) another tenant of the pool has, by their places
/// in the list. Secret settings are not compared, nor those of the layer `except` (a tenant and a scope).
///
/// # Errors
/// D1 does not answer.
pub async fn taken(
    db: &Db,
    asked: &[Asked],
    except: Option<(&str, &str)>,
) -> Result<Vec<usize>, StorageError> {
    // What is indexed (migrations/0005_destinations.sql) begins with the address; a port, parameters
    // or a bracket may follow.
    const AOR: &str = "ltrim(substr(lower(value), instr(lower(value), 'sip:') + CASE WHEN instr(lower(value), 'sip:') > 0 THEN 4 ELSE 1 END), ' <')";
    let sql = format!(
        "SELECT DISTINCT j.key AS place FROM json_each(?1) j JOIN settings s \
           ON {aor} >= j.value ->> 2 AND {aor} < (j.value ->> 2) || '~' \
           AND s.name GLOB 'NOTIFY_AOR*' AND s.master IS NULL AND s.tenant_id <> j.value ->> 0 \
           AND NOT (s.tenant_id IS ?2 AND s.scope IS ?3) AND substr({aor}, length(j.value ->> 2) + 1, 1) IN ('', ':', ';', '>', ' ') \
         JOIN tenants o ON o.id = s.tenant_id \
         WHERE coalesce(o.pool_id, 'default') = j.value ->> 1 \
           OR EXISTS (SELECT 1 FROM sites x WHERE x.tenant_id = o.id AND x.pool_id = j.value ->> 1)",
        aor = AOR.replace("value", "s.value")
    );
    let places: Vec<u64> = db
        .values(
            &sql,
            args![
                super::settings::json(&asked)?,
                except.map(|(tenant, _)| tenant),
                except.map(|(_, scope)| scope)
            ],
        )
        .await?;
    Ok(places
        .into_iter()
        .filter_map(|place| usize::try_from(place).ok())
        .collect())
}

/// A tenant's list as it is stored.
///
/// # Errors
/// D1 does not answer.
pub async fn stored(db: &Db, tenant_id: &str) -> Result<Option<String>, StorageError> {
    let sql = "SELECT destinations FROM tenants WHERE id = ?1";
    let list: Option<Option<String>> = db.value(sql, args![tenant_id]).await?;
    Ok(list.flatten())
}

/// Says whom a tenant may address; `None` takes the list away.
///
/// # Errors
/// D1 does not answer.
pub async fn put(
    db: &Db,
    tenant_id: &str,
    destinations: Option<&str>,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::new(db, tenant_id, Invalidates::Device)?;
    change.push(
        "UPDATE tenants SET destinations = ?2 WHERE id = ?1",
        args![tenant_id, destinations],
    )?;
    change.write(entry).await
}
