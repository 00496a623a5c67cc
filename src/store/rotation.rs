//! Rotation of the master key: values that are wrapped under another than the current one.
//!
//! A step writes only where the value is still the one it was made from, so a step that is cut,
//! repeated or overtaken by a change does no harm.

use ringfence_sql::args;
use serde::Deserialize;

use super::webhooks::WebhookSecretRow;
use super::{Change, ChangeError, Entry};
use crate::db::{Db, Statement, StorageError, rows};

/// How many values a master key wraps.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Count {
    pub master: String,
    pub number: u64,
}

/// The most values of a table that are counted under master keys whose ids come before the current one's, and the most
/// that are counted under those that come after it: a step of a rotation costs the same however much is left.
pub const MAX_COUNTED: u32 = 10_000;

/// Tables with values that a master key wraps, and the column that has its id, which an index begins with.
const WRAPPED: [(&str, &str); 6] = [
    ("devices", "key_master"),
    ("settings", "master"),
    ("access_paths", "master"),
    ("webhook_secrets", "master"),
    ("pool_credentials", "master"),
    ("setting_versions", "master"),
];

/// Counts the values of a table that another master key than `?1` wraps, `?2` on each side of it at most.
fn counting((table, column): (&str, &str)) -> String {
    let side = |than: &str| {
        format!(
            "SELECT * FROM (SELECT {column} AS master FROM {table} WHERE {column} {than} ?1 LIMIT ?2)"
        )
    };
    format!(
        "SELECT master, count(*) AS number FROM ({} UNION ALL {}) GROUP BY master",
        side("<"),
        side(">")
    )
}

/// How many device keys, secret settings of now and of before, segments of access paths, secrets of webhooks, passwords of pools, and ends of the audit chain each
/// other master key than `current` wraps or seals, as far as they are counted: see [`MAX_COUNTED`].
pub async fn others(db: &Db, current: &str) -> Result<Vec<Count>, StorageError> {
    let mut statements = Vec::new();
    for wrapped in WRAPPED {
        statements.push(Statement::new(
            &counting(wrapped),
            args![current, MAX_COUNTED],
        ));
    }
    statements.push(Statement::new(
        "SELECT master, 1 AS number FROM audit_head WHERE only = 1 AND master <> ?1",
        args![current],
    ));
    let mut counts = Vec::new();
    for result in &db.batch(statements).await? {
        counts.extend(rows::<Count>(result)?);
    }
    Ok(counts)
}

/// The id of the master key that the end of the audit chain is sealed under, if it has one.
pub async fn chain_master(db: &Db) -> Result<Option<String>, StorageError> {
    db.value("SELECT master FROM audit_head WHERE only = 1", &[])
        .await
}

/// A device key under a master key.
#[derive(Clone, Debug, Deserialize)]
pub struct KeyRow {
    pub id: String,
    pub generation: u32,
    pub key_wrapped: String,
}

/// A secret setting under a master key.
#[derive(Clone, Debug, Deserialize)]
pub struct SecretRow {
    pub tenant_id: String,
    pub scope: String,
    pub name: String,
    pub value: String,
}

/// The segment of an access path under a master key.
#[derive(Clone, Debug, Deserialize)]
pub struct SegmentRow {
    pub id: String,
    pub tenant_id: String,
    pub segment: String,
}

/// Segments under a master key, in the order of their access paths' ids, after `after`.
pub async fn segments_under(
    db: &Db,
    master: &str,
    after: &str,
    limit: u32,
) -> Result<Vec<SegmentRow>, StorageError> {
    db.rows(
        "SELECT id, tenant_id, segment FROM access_paths WHERE master = ?1 AND id > ?2 \
         ORDER BY id LIMIT ?3",
        args![master, after, limit],
    )
    .await
}

/// Secrets of webhooks under a master key, in the order of webhook and number, after `after`.
pub async fn webhook_secrets_under(
    db: &Db,
    master: &str,
    after: (&str, u64),
    limit: u32,
) -> Result<Vec<WebhookSecretRow>, StorageError> {
    db.rows(
        "SELECT webhook_id, number, secret, ends_at FROM webhook_secrets WHERE master = ?1 \
         AND (webhook_id, number) > (?2, ?3) ORDER BY webhook_id, number LIMIT ?4",
        args![master, after.0, after.1, limit],
    )
    .await
}

/// Passwords of pools under a master key, in the order of the pools' ids, after `after`.
pub async fn passwords_under(
    db: &Db,
    master: &str,
    after: &str,
    limit: u32,
) -> Result<Vec<PasswordRow>, StorageError> {
    db.rows(
        "SELECT pool_id, password FROM pool_credentials WHERE master = ?1 AND pool_id > ?2 \
         ORDER BY pool_id LIMIT ?3",
        args![master, after, limit],
    )
    .await
}

/// The password of a pool for its proxy under a master key.
#[derive(Clone, Debug, Deserialize)]
pub struct PasswordRow {
    pub pool_id: String,
    pub password: String,
}

/// The password of a pool, wrapped again.
pub struct NewPassword {
    pub row: PasswordRow,
    pub wrapped: String,
}

/// A secret of a webhook, wrapped again.
pub struct NewWebhookSecret {
    pub row: WebhookSecretRow,
    pub wrapped: String,
}

/// Device keys under a master key, in the order of their devices' ids, after `after`.
pub async fn keys_under(
    db: &Db,
    master: &str,
    after: &str,
    limit: u32,
) -> Result<Vec<KeyRow>, StorageError> {
    db.rows(
        "SELECT id, generation, key_wrapped FROM devices WHERE key_master = ?1 AND id > ?2 \
         ORDER BY id LIMIT ?3",
        args![master, after, limit],
    )
    .await
}

/// Secret settings under a master key, in the order of tenant, scope and name, after `after`.
pub async fn secrets_under(
    db: &Db,
    master: &str,
    after: [&str; 3],
    limit: u32,
) -> Result<Vec<SecretRow>, StorageError> {
    let [tenant_id, scope, name] = after;
    db.rows(
        "SELECT tenant_id, scope, name, value FROM settings WHERE master = ?1 \
         AND (tenant_id, scope, name) > (?2, ?3, ?4) ORDER BY tenant_id, scope, name LIMIT ?5",
        args![master, tenant_id, scope, name, limit],
    )
    .await
}

/// A secret setting of an earlier version under a master key.
#[derive(Clone, Debug, Deserialize)]
pub struct PastSecretRow {
    pub tenant_id: String,
    /// As it is written in the table, `layer:<scope>`.
    pub object: String,
    /// The last version that has it.
    pub last: u64,
    pub name: String,
    pub value: String,
}

impl PastSecretRow {
    /// The scope of its layer.
    pub fn scope(&self) -> &str {
        self.object.strip_prefix("layer:").unwrap_or(&self.object)
    }
}

/// Secret settings of earlier versions under a master key, in the order of the table, after the row `after`.
pub async fn past_secrets_under(
    db: &Db,
    master: &str,
    after: Option<&PastSecretRow>,
    limit: u32,
) -> Result<Vec<PastSecretRow>, StorageError> {
    let (tenant_id, object, last, name) = after.map_or(("", "", 0, ""), |row| {
        (&*row.tenant_id, &*row.object, row.last, &*row.name)
    });
    db.rows(
        "SELECT tenant_id, object, last, name, value FROM setting_versions WHERE master = ?1 \
         AND (tenant_id, object, last, name) > (?2, ?3, ?4, ?5) \
         ORDER BY tenant_id, object, last, name LIMIT ?6",
        args![master, tenant_id, object, last, name, limit],
    )
    .await
}

/// A secret setting of an earlier version, wrapped again.
pub struct NewPastSecret {
    pub row: PastSecretRow,
    pub wrapped: String,
}

/// What one step wraps again.
#[derive(Default)]
pub struct Rewrapped {
    pub keys: Vec<NewKey>,
    pub secrets: Vec<NewSecret>,
    pub segments: Vec<NewSegment>,
    pub past: Vec<NewPastSecret>,
    pub webhooks: Vec<NewWebhookSecret>,
    pub passwords: Vec<NewPassword>,
}

impl Rewrapped {
    /// How many values.
    pub fn len(&self) -> usize {
        let secrets = self.secrets.len() + self.past.len() + self.webhooks.len();
        self.keys.len() + secrets + self.segments.len() + self.passwords.len()
    }
}

/// A device key, wrapped again.
pub struct NewKey {
    pub row: KeyRow,
    pub wrapped: String,
    pub fingerprint: String,
}

/// A secret setting, wrapped again.
pub struct NewSecret {
    pub row: SecretRow,
    pub wrapped: String,
}

/// A segment, wrapped again.
pub struct NewSegment {
    pub row: SegmentRow,
    pub wrapped: String,
}

/// Writes one step; how many values it changed, which is fewer where another step or a change came
/// first.
///
/// # Errors
/// D1 fails; nothing of the step is written then.
pub async fn write(
    db: &Db,
    master: &str,
    step: &Rewrapped,
    entry: &Entry,
) -> Result<usize, ChangeError> {
    let mut change = Change::of_no_tenant(db);
    for key in &step.keys {
        change.push(
            "UPDATE devices SET key_wrapped = ?1, key_master = ?2, key_fingerprint = ?3 \
             WHERE id = ?4 AND generation = ?5 AND key_wrapped = ?6",
            args![
                &key.wrapped,
                master,
                &key.fingerprint,
                &key.row.id,
                key.row.generation,
                &key.row.key_wrapped
            ],
        );
    }
    for secret in &step.secrets {
        change.push(
            "UPDATE settings SET value = ?1, master = ?2 \
             WHERE tenant_id = ?3 AND scope = ?4 AND name = ?5 AND value = ?6",
            args![
                &secret.wrapped,
                master,
                &secret.row.tenant_id,
                &secret.row.scope,
                &secret.row.name,
                &secret.row.value
            ],
        );
    }
    for segment in &step.segments {
        change.push(
            "UPDATE access_paths SET segment = ?1, master = ?2 WHERE id = ?3 AND segment = ?4",
            args![
                &segment.wrapped,
                master,
                &segment.row.id,
                &segment.row.segment
            ],
        );
    }
    for past in &step.past {
        push_past(&mut change, master, past);
    }
    for NewWebhookSecret { row, wrapped } in &step.webhooks {
        change.push(
            "UPDATE webhook_secrets SET secret = ?1, master = ?2 \
             WHERE webhook_id = ?3 AND number = ?4 AND secret = ?5",
            args![wrapped, master, &row.webhook_id, row.number, &row.secret],
        );
    }
    for NewPassword { row, wrapped } in &step.passwords {
        change.push(
            "UPDATE pool_credentials SET password = ?1, master = ?2 \
             WHERE pool_id = ?3 AND password = ?4",
            args![wrapped, master, &row.pool_id, &row.password],
        );
    }
    let results = change.commit(entry).await?;
    Ok(results.iter().take(step.len()).map(|it| it.changes).sum())
}

fn push_past(change: &mut Change<'_>, master: &str, past: &NewPastSecret) {
    let row = &past.row;
    change.push(
        "UPDATE setting_versions SET value = ?1, master = ?2 WHERE tenant_id = ?3 \
         AND object = ?4 AND last = ?5 AND name = ?6 AND value = ?7",
        args![
            &past.wrapped,
            master,
            &row.tenant_id,
            &row.object,
            row.last,
            &row.name,
            &row.value
        ],
    );
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ringfence_sql::Sql as _;

    use super::*;
    use crate::store::testing;

    #[test]
    fn what_other_master_keys_wrap_is_counted_up_to_a_bound() {
        let memory = testing::with_tenant();
        for (name, master) in [
            ("a", "k1"),
            ("b", "k1"),
            ("c", "k1"),
            ("d", "k2"),
            ("e", "k3"),
            ("f", "k4"),
        ] {
            memory
                .run(
                    "INSERT INTO settings (tenant_id, scope, name, value, master) VALUES ('T', 'tenant', ?1, 'x', ?2)",
                    args![name, master],
                )
                .unwrap();
        }
        memory
            .run(
                "INSERT INTO settings (tenant_id, scope, name, value) VALUES ('T', 'tenant', 'g', 'x')",
                &[],
            )
            .unwrap();
        let counted = |current: &str, most: u32| -> Vec<(String, u64)> {
            let sql = counting(("settings", "master"));
            let counts: Vec<Count> = memory.rows(&sql, args![current, most]).unwrap();
            counts
                .into_iter()
                .map(|it| (it.master, it.number))
                .collect()
        };
        let of = |list: &[(&str, u64)]| -> Vec<(String, u64)> {
            list.iter()
                .map(|(master, number)| ((*master).to_owned(), *number))
                .collect()
        };
        assert_eq!(counted("k2", 9), of(&[("k1", 3), ("k3", 1), ("k4", 1)]));
        assert_eq!(counted("k2", 2), of(&[("k1", 2), ("k3", 1), ("k4", 1)]));
        assert_eq!(counted("k1", 1), of(&[("k2", 1)]));
        // Every table has a column of that name.
        for wrapped in WRAPPED {
            let _: Vec<Count> = memory.rows(&counting(wrapped), args!["k1", 1_u32]).unwrap();
        }
    }
}
