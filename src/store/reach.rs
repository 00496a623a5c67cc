//! Whom the tenants of a pool may address, and who has which address of record.

use std::collections::BTreeMap;

use ringfence_queue::target::Reach;
use ringfence_sql::args;
use serde::Deserialize;

use super::{Change, ChangeError, Entry, Invalidates};
use crate::db::{D1Result, Db, Statement, StorageError, rows};

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
/// The pairs do not serialise.
pub fn statement(pairs: &[Pair]) -> Result<Statement, StorageError> {
    let sql = format!(
        "SELECT j.value ->> 0 AS tenant, j.value ->> 1 AS pool, t.destinations, {GUARDED} AS guarded \
         FROM json_each(?1) j JOIN tenants t ON t.id = j.value ->> 0"
    );
    Ok(Statement::new(&sql, args![super::json::json(&pairs)?]))
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
                destinations: list.map(|text| ringfence_json::from_str(text).unwrap_or_default()),
                guarded: row.guarded != 0,
                taken: false,
                has_domain_alone: false,
            };
            ((row.tenant, row.pool), reach)
        })
        .collect())
}

/// Whom a tenant may address in these pools.
pub async fn find(db: &Db, pairs: &[Pair]) -> Result<BTreeMap<Pair, Reach>, StorageError> {
    read(&db.all(statement(pairs)?).await?)
}

/// An address of record as it is compared: `user@host` in lower case.
pub type AddressInPool = (String, String, String);

/// Which of these (tenant, pool, address of record) another tenant of the pool has, by their places
/// in the list. Secret settings are not compared, nor those of the layer `except` (a tenant and a scope).
pub async fn taken(
    db: &Db,
    asked: &[AddressInPool],
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
                super::json::json(&asked)?,
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

/// As many other tenants of a pool are looked at: of a larger one nobody has a domain alone.
const MAX_NEIGHBOURS: usize = 100;

/// Which of these (tenant, pool, domain) another tenant of the pool may address, by their places in the list.
/// The domain is in lower case and has no dot at its end.
pub async fn shared(db: &Db, asked: &[AddressInPool]) -> Result<Vec<usize>, StorageError> {
    let places: Vec<u64> = db
        .values(
            &shared_sql(),
            args![super::json::json(&asked)?, MAX_NEIGHBOURS as u64],
        )
        .await?;
    Ok(places
        .into_iter()
        .filter_map(|place| usize::try_from(place).ok())
        .collect())
}

/// The statement of [`shared`]. What an entry covers is what `domain_covers` of the wire's `Destinations` says.
fn shared_sql() -> String {
    const ENTRY: &str = "lower(rtrim(trim(e.value), '.'))";
    let neighbours = |among: &str| {
        format!(
            "coalesce((SELECT count(*) > ?2 OR sum(n.covers) > 0 FROM (\
             SELECT EXISTS (SELECT 1 FROM json_each(CASE WHEN json_valid(o.destinations) THEN o.destinations END, '$.domains') e \
             WHERE {ENTRY} = j.value ->> 2 OR (substr({ENTRY}, 1, 2) = '*.' \
             AND substr(j.value ->> 2, 1 - length({ENTRY})) = substr({ENTRY}, 2))) AS covers \
             FROM {among} AND o.id <> j.value ->> 0 LIMIT ?2 + 1) n), 0)"
        )
    };
    format!(
        "SELECT j.key AS place FROM json_each(?1) j WHERE {} OR (j.value ->> 1 = 'default' AND {}) OR {}",
        neighbours("tenants o WHERE o.pool_id = j.value ->> 1"),
        neighbours("tenants o WHERE o.pool_id IS NULL AND o.id > ''"),
        neighbours("sites x JOIN tenants o ON o.id = x.tenant_id WHERE x.pool_id = j.value ->> 1"),
    )
}

/// A tenant's list as it is stored.
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
    let mut change = Change::new(db, tenant_id, Invalidates::Device);
    change.push(
        "UPDATE tenants SET destinations = ?2 WHERE id = ?1",
        args![tenant_id, destinations],
    );
    change.write(entry).await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ringfence_sql::{Memory, Sql};

    use super::*;
    use crate::store::testing::with_schema;

    fn tenant(memory: &Memory, id: &str, pool: Option<&str>, domains: Option<&str>) {
        let list = domains.map(|domains| format!("{{\"domains\":{domains},\"networks\":[]}}"));
        memory
            .run(
                "INSERT INTO tenants (id, name, options, created_at, updated_at, pool_id, destinations) \
                 VALUES (?1, ?1, '{}', 0, 0, ?2, ?3)",
                args![id, pool, list.as_deref()],
            )
            .unwrap();
    }

    /// Whether another tenant than `T` may address the domain in the pool.
    fn is_shared(memory: &Memory, pool: &str, domain: &str) -> bool {
        let asked = serde_json::to_string(&[("T", pool, domain)]).unwrap();
        #[derive(Deserialize)]
        struct Row {
            place: u64,
        }
        let places: Vec<Row> = memory
            .rows(&shared_sql(), args![asked, MAX_NEIGHBOURS as u64])
            .unwrap();
        assert!(places.iter().all(|row| row.place == 0));
        places.len() == 1
    }

    #[test]
    fn a_domain_is_a_tenants_alone_unless_another_of_the_pool_may_address_it() {
        let memory = with_schema();
        for pool in ["p", "q"] {
            let sql = "INSERT INTO pools (id, name, options, created_at, updated_at) VALUES (?1, ?1, '{}', 0, 0)";
            memory.run(sql, args![pool]).unwrap();
        }
        let all = r#"["pbx.example","*.phones.example"]"#;
        tenant(&memory, "T", None, Some(all));
        assert!(!is_shared(&memory, "default", "pbx.example"));
        tenant(
            &memory,
            "A",
            None,
            Some(r#"[" PBX.Example. ","*.Branches.example"]"#),
        );
        tenant(&memory, "B", Some("p"), Some(r#"["in-p.example"]"#));
        tenant(&memory, "C", None, None);
        for (pool, domain, shared) in [
            ("default", "pbx.example", true),
            ("default", "a.branches.example", true),
            ("default", "a.b.branches.example", true),
            ("default", "branches.example", false),
            ("default", "xbranches.example", false),
            ("default", "a.phones.example", false),
            ("default", "in-p.example", false),
            ("default", "e", false),
            ("p", "pbx.example", false),
            ("p", "in-p.example", true),
            ("q", "in-p.example", false),
        ] {
            assert_eq!(is_shared(&memory, pool, domain), shared, "{pool} {domain}");
        }
        // By a site of another tenant.
        memory
            .run(
                "INSERT INTO sites (id, tenant_id, name, pool_id, created_at, updated_at) VALUES ('S', 'A', 'S', 'q', 0, 0)",
                args![],
            )
            .unwrap();
        assert!(is_shared(&memory, "q", "pbx.example"));
        // Nobody has a domain alone among very many.
        for n in 0..MAX_NEIGHBOURS {
            tenant(&memory, &format!("N{n}"), Some("p"), None);
        }
        assert!(is_shared(&memory, "p", "free.example"));
        assert!(!is_shared(&memory, "q", "free.example"));
    }
}
