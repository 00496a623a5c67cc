//! What templates, the settings of layers and the options of tenants were.
//!
//! A version is written in the transaction of its change: [`Change::keep`](super::Change::keep) stands beside
//! the statements that write these tables. The first time that a change keeps something, what there was
//! before is kept as version 0. A template and options are kept whole. Of a layer a version has no text of its
//! own: each setting knows from which version on it is so (`settings.since`), and one that is replaced or removed goes
//! to `setting_versions`, wrapped as it is and for the same identity, with the first and the last version that
//! had it.
//!
//! | bound | what |
//! |---|---|
//! | [`MAX_VERSIONS`] | of one object, held in the change |
//! | [`MAX_AGE_MS`] | since another took a version's place; held by the cron event. The present version has no age |
//! | [`MAX_HISTORY_BYTES`] | of a tenant: a change that finds more takes the oldest out, as the cron event does |
//!
//! A program of before that writes these tables meanwhile keeps nothing. The next change sees that the
//! newest version is not what there is, and keeps that as a version of nobody's.

use ringfence_sql::{Arg, args};
use serde::Deserialize;

use super::Entry;
use super::json::json;
use super::object::{Object, Scope, SettingRow, layer_key};
use crate::db::{Db, Statement, StorageError, rows};

/// How many versions of one object are kept, the present one among them.
pub const MAX_VERSIONS: u32 = 50;

/// For how long a version is kept after another took its place.
pub const MAX_AGE_MS: u64 = 400 * crate::platform::DAY_MS;

/// How many bytes the versions of a tenant have.
pub const MAX_HISTORY_BYTES: u64 = 64 * 1024 * 1024;

/// Most versions that a change removes where a tenant's have more bytes than that.
const MAX_REMOVED_AT_ONCE: u32 = 200;

/// The newest version of the object `?2` of the tenant `?1`.
const NEWEST: &str = "(SELECT max(number) FROM versions WHERE tenant_id = ?1 AND object = ?2)";

/// The versions of an object, as the transaction of a change keeps them.
#[derive(Clone, Debug)]
pub(super) struct ObjectHistory {
    tenant_id: String,
    object: Object,
}

/// A statement and its values.
pub(super) type Sql<'a> = (String, Vec<Arg<'a>>);

impl ObjectHistory {
    pub(super) fn new(tenant_id: &str, object: Object) -> Self {
        Self {
            tenant_id: tenant_id.to_owned(),
            object,
        }
    }

    /// SQL of what there is: its text, since when, and its revision; with values from `?first` on.
    fn present(&self, first: usize) -> ([String; 3], Vec<Arg<'_>>) {
        let none = || "NULL".to_owned();
        match &self.object {
            Object::Options => {
                let of = |column| format!("(SELECT {column} FROM tenants WHERE id = ?1)");
                ([of("options"), of("updated_at"), none()], Vec::new())
            }
            Object::Template(key) => {
                let (second, third) = (first + 1, first + 2);
                let of = |column| {
                    format!(
                        "(SELECT {column} FROM file_templates WHERE tenant_id = ?1 \
                         AND kind = ?{first} AND family = ?{second} AND model = ?{third})"
                    )
                };
                let values = vec![
                    key.kind.as_str().into(),
                    key.family.as_str().into(),
                    (&key.model).into(),
                ];
                ([of("source"), of("updated_at"), none()], values)
            }
            Object::Layer(scope) => {
                let of = |column| {
                    format!(
                        "(SELECT {column} FROM layers WHERE tenant_id = ?1 AND scope = ?{first})"
                    )
                };
                let revision = format!("coalesce({}, 0)", of("revision"));
                (
                    [none(), of("updated_at"), revision],
                    vec![scope.key().into()],
                )
            }
        }
    }

    /// What runs before the object is changed: what there is is kept, unless the newest version is that.
    pub(super) fn before(&self, now: u64) -> Vec<Sql<'_>> {
        let ([body, changed_at, revision], more) = self.present(4);
        let mut values: Vec<Arg<'_>> = vec![
            (&self.tenant_id).into(),
            self.object.key().into(),
            now.into(),
        ];
        values.extend(more);
        let differs = match &self.object {
            Object::Layer(_) => format!("n.revision IS NOT {revision}"),
            Object::Options | Object::Template(_) => format!("n.body IS NOT {body}"),
        };
        let sql = format!(
            "INSERT INTO versions (tenant_id, object, number, seq, at, token_id, request_id, \
             comment, revision, body, bytes) \
             SELECT ?1, ?2, coalesce(n.number + 1, 0), coalesce(n.seq + 1, 0), \
             coalesce({changed_at}, ?3), '', '', '', {revision}, {body}, \
             coalesce(octet_length({body}), 0) \
             FROM (SELECT 1) LEFT JOIN versions n ON n.tenant_id = ?1 AND n.object = ?2 \
             AND n.number = {NEWEST} WHERE n.number IS NULL OR {differs}"
        );
        vec![(sql, values)]
    }

    /// What runs after the object is changed: what it is now is a version.
    pub(super) fn after<'a>(&'a self, entry: &'a Entry) -> Vec<Sql<'a>> {
        let own = || -> Vec<Arg<'a>> { vec![(&self.tenant_id).into(), self.object.key().into()] };
        let with = |more: Vec<Arg<'a>>| own().into_iter().chain(more).collect::<Vec<_>>();
        let ([body, _, revision], more) = self.present(7);
        let mut written = with(vec![
            entry.at.into(),
            (&entry.token_id).into(),
            (&entry.request_id).into(),
            (&entry.comment).into(),
        ]);
        written.extend(more);
        let insert = format!(
            "INSERT INTO versions (tenant_id, object, number, seq, at, token_id, request_id, \
             comment, revision, body, bytes) \
             SELECT ?1, ?2, coalesce({NEWEST} + 1, 0), (SELECT seq FROM tenants WHERE id = ?1), \
             ?3, ?4, ?5, ?6, {revision}, {body}, coalesce(octet_length({body}), 0)"
        );
        let count = format!(
            "DELETE FROM versions WHERE tenant_id = ?1 AND object = ?2 AND number <= {NEWEST} - ?3"
        );
        vec![
            (END.to_owned(), with(vec![entry.at.into()])),
            (insert, written),
            (count, with(vec![MAX_VERSIONS.into()])),
            (OVER.to_owned(), over(&self.tenant_id, MAX_REMOVED_AT_ONCE)),
        ]
    }
}

/// Ends the versions of an object.
const END: &str = "UPDATE versions SET ended_at = ?3 \
     WHERE tenant_id = ?1 AND object = ?2 AND ended_at IS NULL";

/// Removes the oldest versions of a tenant whose versions have too many bytes, until these are not too many.
const OVER: &str = "DELETE FROM versions WHERE (tenant_id, object, number) IN (\
     SELECT tenant_id, object, number FROM (\
     SELECT tenant_id, object, number, excess, \
     sum(bytes) OVER (ORDER BY ended_at, object, number) - bytes AS freed FROM (\
     SELECT v.tenant_id, v.object, v.number, v.bytes, v.ended_at, t.history_bytes - ?2 AS excess \
     FROM tenants t JOIN versions v ON v.tenant_id = t.id AND v.ended_at IS NOT NULL \
     WHERE t.id = ?1 AND t.history_bytes > ?2 \
     ORDER BY v.ended_at, v.object, v.number LIMIT ?3)) WHERE freed < excess)";

fn over(tenant_id: &str, limit: u32) -> Vec<Arg<'_>> {
    vec![tenant_id.into(), MAX_HISTORY_BYTES.into(), limit.into()]
}

/// What runs before a layer's settings are replaced but for those of the names `keep`, a JSON list: what is
/// replaced is kept with the versions that had it. After [`ObjectHistory::before`].
pub(super) fn retire<'a>(tenant_id: &'a str, scope: &'a str, keep: &str) -> Vec<Sql<'a>> {
    let own = || -> Vec<Arg<'a>> { vec![tenant_id.into(), layer_key(scope).into()] };
    let with = |more: Vec<Arg<'a>>| own().into_iter().chain(more).collect::<Vec<_>>();
    let since = format!(
        "UPDATE settings SET since = {NEWEST} \
         WHERE tenant_id = ?1 AND scope = ?3 AND since IS NULL"
    );
    let retired = format!(
        "INSERT INTO setting_versions (tenant_id, object, last, name, first, value, master) \
         SELECT ?1, ?2, {NEWEST}, name, since, value, master FROM settings \
         WHERE tenant_id = ?1 AND scope = ?3 AND name NOT IN (SELECT value FROM json_each(?4))"
    );
    let counted = format!(
        "UPDATE versions SET bytes = bytes + (SELECT coalesce(sum(octet_length(s.name) + \
         octet_length(s.value)), 0) FROM setting_versions s WHERE s.tenant_id = ?1 \
         AND s.object = ?2 AND s.last = versions.number) \
         WHERE tenant_id = ?1 AND object = ?2 AND number = {NEWEST}"
    );
    vec![
        (since, with(vec![scope.into()])),
        (retired, with(vec![scope.into(), keep.to_owned().into()])),
        (counted, own()),
    ]
}

/// The newest version of the layer of a scope, which is SQL itself; `?1` is the tenant.
pub(super) fn newest_of(scope: &str) -> String {
    format!(
        "(SELECT max(number) FROM versions WHERE tenant_id = ?1 AND object = 'layer:' || ({scope}))"
    )
}

/// [`ObjectHistory::before`] for the layers of many scopes, a JSON list.
pub(super) fn before_all<'a>(tenant_id: &'a str, scopes: &str, now: u64) -> Sql<'a> {
    let newest = newest_of("j.value");
    let sql = format!(
        "INSERT INTO versions (tenant_id, object, number, seq, at, token_id, request_id, \
         comment, revision, body, bytes) \
         SELECT ?1, 'layer:' || j.value, coalesce(n.number + 1, 0), coalesce(n.seq + 1, 0), \
         coalesce(l.updated_at, ?3), '', '', '', coalesce(l.revision, 0), NULL, 0 FROM json_each(?2) j \
         LEFT JOIN layers l ON l.tenant_id = ?1 AND l.scope = j.value \
         LEFT JOIN versions n ON n.tenant_id = ?1 AND n.object = 'layer:' || j.value \
         AND n.number = {newest} WHERE n.number IS NULL OR n.revision IS NOT coalesce(l.revision, 0)"
    );
    let values = vec![tenant_id.into(), scopes.to_owned().into(), now.into()];
    (sql, values)
}

/// [`retire`] for the layers of many scopes. What is replaced is named: lists of scopes with names.
pub(super) fn retire_all<'a>(tenant_id: &'a str, scopes: &str, retired: &[String]) -> Vec<Sql<'a>> {
    let own = |list: &str| -> Vec<Arg<'a>> { vec![tenant_id.into(), list.to_owned().into()] };
    let since = format!(
        "UPDATE settings SET since = {} WHERE tenant_id = ?1 \
         AND scope IN (SELECT value FROM json_each(?2)) AND since IS NULL",
        newest_of("scope")
    );
    let moved = format!(
        "INSERT INTO setting_versions (tenant_id, object, last, name, first, value, master) \
         SELECT ?1, 'layer:' || s.scope, {}, s.name, s.since, s.value, s.master FROM json_each(?2) j \
         CROSS JOIN settings s ON s.tenant_id = ?1 AND s.scope = j.value ->> 0 AND s.name = j.value ->> 1",
        newest_of("s.scope")
    );
    let counted = format!(
        "UPDATE versions SET bytes = bytes + (SELECT coalesce(sum(octet_length(s.name) + \
         octet_length(s.value)), 0) FROM setting_versions s WHERE s.tenant_id = ?1 \
         AND s.object = versions.object AND s.last = versions.number) \
         WHERE (tenant_id, object, number) IN (SELECT ?1, 'layer:' || value, {} FROM json_each(?2))",
        newest_of("value")
    );
    let mut all = vec![(since, own(scopes))];
    all.extend(retired.iter().map(|part| (moved.clone(), own(part))));
    all.push((counted, own(scopes)));
    all
}

/// [`ObjectHistory::after`] for the layers of many scopes.
pub(super) fn after_all<'a>(tenant_id: &'a str, scopes: &str, entry: &'a Entry) -> Vec<Sql<'a>> {
    let with = |more: Vec<Arg<'a>>| -> Vec<Arg<'a>> {
        let own: [Arg<'a>; 2] = [tenant_id.into(), scopes.to_owned().into()];
        own.into_iter().chain(more).collect()
    };
    let newest = newest_of("j.value");
    let end = "UPDATE versions SET ended_at = ?3 WHERE tenant_id = ?1 \
               AND object IN (SELECT 'layer:' || value FROM json_each(?2)) AND ended_at IS NULL";
    let insert = format!(
        "INSERT INTO versions (tenant_id, object, number, seq, at, token_id, request_id, \
         comment, revision, body, bytes) \
         SELECT ?1, 'layer:' || j.value, coalesce({newest} + 1, 0), (SELECT seq FROM tenants WHERE id = ?1), \
         ?3, ?4, ?5, ?6, coalesce((SELECT revision FROM layers WHERE tenant_id = ?1 AND scope = j.value), 0), \
         NULL, 0 FROM json_each(?2) j"
    );
    let count = format!(
        "DELETE FROM versions WHERE (tenant_id, object, number) IN (\
         SELECT v.tenant_id, v.object, v.number FROM json_each(?2) j CROSS JOIN versions v \
         ON v.tenant_id = ?1 AND v.object = 'layer:' || j.value AND v.number <= {newest} - ?3)"
    );
    let written = vec![
        entry.at.into(),
        (&entry.token_id).into(),
        (&entry.request_id).into(),
        (&entry.comment).into(),
    ];
    vec![
        (end.to_owned(), with(vec![entry.at.into()])),
        (insert, with(written)),
        (count, with(vec![MAX_VERSIONS.into()])),
        (OVER.to_owned(), over(tenant_id, MAX_REMOVED_AT_ONCE)),
    ]
}

/// The version that a setting is of which is written now; `?1` is the tenant and `?2` the scope.
pub(super) const SINCE: &str = "(SELECT max(number) + 1 FROM versions \
     WHERE tenant_id = ?1 AND object = 'layer:' || ?2)";

/// A version, without what it holds.
#[derive(Clone, Debug, Deserialize)]
pub struct VersionRow {
    pub number: u64,
    pub at: u64,
    /// Empty: not known.
    pub token_id: String,
    pub request_id: String,
    pub comment: String,
    pub bytes: u64,
    /// `None`: it is so.
    pub ended_at: Option<u64>,
}

/// Versions of an object, the newest first; below `before`, where that is given.
pub async fn list(
    db: &Db,
    tenant_id: &str,
    object: &Object,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<VersionRow>, StorageError> {
    db.rows(
        "SELECT number, at, token_id, request_id, comment, bytes, ended_at FROM versions \
         WHERE tenant_id = ?1 AND object = ?2 AND number < ?3 ORDER BY number DESC LIMIT ?4",
        args![
            tenant_id,
            object.key(),
            before.unwrap_or(u64::from(u32::MAX)),
            limit
        ],
    )
    .await
}

/// The text of a version, `None` where there was no template; outer `None`: it is not kept. A layer has none.
pub async fn body(
    db: &Db,
    tenant_id: &str,
    object: &Object,
    number: u64,
) -> Result<Option<Option<String>>, StorageError> {
    #[derive(Deserialize)]
    struct Body {
        body: Option<String>,
    }
    let row: Option<Body> = db
        .row(
            "SELECT body FROM versions WHERE tenant_id = ?1 AND object = ?2 AND number = ?3",
            args![tenant_id, object.key(), number],
        )
        .await?;
    Ok(row.map(|row| row.body))
}

/// A layer's settings in a version: those that were replaced since, and those that are so still.
const LAYER_AT: &str = "SELECT ?3 AS scope, name, value, master FROM setting_versions \
     WHERE tenant_id = ?1 AND object = ?2 AND last >= ?4 AND first <= ?4 \
     UNION ALL SELECT scope, name, value, master FROM settings \
     WHERE tenant_id = ?1 AND scope = ?3 AND coalesce(since, 0) <= ?4";

fn layer_at<'a>(tenant_id: &'a str, scope: &str, number: u64) -> Vec<Arg<'a>> {
    vec![
        tenant_id.into(),
        layer_key(scope).into(),
        scope.to_owned().into(),
        number.into(),
    ]
}

/// The settings of a layer in a version; `None`: it is not kept.
pub async fn layer(
    db: &Db,
    tenant_id: &str,
    scope: &Scope,
    number: u64,
) -> Result<Option<Vec<SettingRow>>, StorageError> {
    let object = Object::Layer(scope.clone());
    let there = Statement::new(
        "SELECT number FROM versions WHERE tenant_id = ?1 AND object = ?2 AND number = ?3",
        args![tenant_id, object.key(), number],
    );
    let values = layer_at(tenant_id, &scope.key(), number);
    let [there, settings] = db
        .batch_of([there, Statement::new(LAYER_AT, &values)])
        .await?;
    let is_there = !rows::<serde_json::Value>(&there)?.is_empty();
    is_there.then(|| rows(&settings)).transpose()
}

/// What is kept of an object as of some point in the tenant's changes.
#[derive(Clone, Debug, Deserialize)]
pub struct AsOf {
    pub object: String,
    /// The version that was so then; `None`: none that is kept.
    pub number: Option<u64>,
    /// Whether any version is kept. Where none is, the object has not changed since versions are kept.
    pub kept: i64,
    /// Whether that version is no longer so.
    pub is_over: i64,
}

/// Which versions of objects were so when the tenant's last change was `seq`.
pub async fn as_of(
    db: &Db,
    tenant_id: &str,
    objects: &[Object],
    seq: u64,
) -> Result<Vec<AsOf>, StorageError> {
    let keys: Vec<String> = objects.iter().map(Object::key).collect();
    db.rows(
        "SELECT j.value AS object, (SELECT number FROM versions WHERE tenant_id = ?1 \
         AND object = j.value AND seq <= ?3 ORDER BY number DESC LIMIT 1) AS number, \
         EXISTS (SELECT 1 FROM versions WHERE tenant_id = ?1 AND object = j.value) AS kept, \
         EXISTS (SELECT 1 FROM versions WHERE tenant_id = ?1 AND object = j.value \
         AND seq > ?3) AS is_over \
         FROM json_each(?2) j",
        args![tenant_id, json(&keys)?, seq],
    )
    .await
}

/// Removes versions that were replaced before `since`, and of tenants whose versions have too many
/// bytes the oldest: at most `limit` of either.
pub async fn prune(db: &Db, since: u64, limit: u32) -> Result<usize, StorageError> {
    let mut removed = db.run(AGED, args![since, limit]).await?;
    let tenants: Vec<String> = db
        .values(
            "SELECT id FROM tenants WHERE history_bytes > ?1 LIMIT ?2",
            args![MAX_HISTORY_BYTES, MAX_TENANTS_A_RUN],
        )
        .await?;
    for tenant in tenants {
        removed += db.run(OVER, &over(&tenant, limit)).await?;
    }
    Ok(removed)
}

/// Most tenants with too many bytes that one run looks after.
const MAX_TENANTS_A_RUN: u32 = 10;

/// Removes versions by their age.
const AGED: &str = "DELETE FROM versions WHERE (tenant_id, object, number) IN (\
     SELECT tenant_id, object, number FROM versions \
     WHERE ended_at < ?1 ORDER BY ended_at, number LIMIT ?2)";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ringfence_provision::kind::FileKind;
    use ringfence_provision::vendor::panasonic;
    use ringfence_sql::{Memory, Sql as _};

    use super::*;
    use crate::store::object::TemplateKey;
    use crate::store::settings::{self, NewLayer};
    use crate::store::testing::{entry, with_tenant};

    /// A change, as the transaction runs it.
    fn change(memory: &Memory, object: &Object, at: u64, work: Vec<Sql<'_>>) {
        let guard = "UPDATE tenants SET seq = seq + 1, version = seq + 1 WHERE id = 'T'";
        memory.run(guard, &[]).unwrap();
        let history = ObjectHistory::new("T", object.clone());
        let entry = entry(at);
        let statements = history.before(at).into_iter().chain(work);
        for (sql, values) in statements.chain(history.after(&entry)) {
            memory.run(&sql, &values).unwrap();
        }
    }

    fn template() -> TemplateKey {
        TemplateKey {
            kind: FileKind::Standard,
            family: panasonic::UTG,
            model: String::new(),
        }
    }

    fn write(memory: &Memory, source: &str, at: u64) {
        let sql = "INSERT INTO file_templates (tenant_id, kind, family, model, source, \
             created_at, updated_at) VALUES ('T', 'standard', 'utg', '', ?1, ?2, ?2) \
             ON CONFLICT DO UPDATE SET source = excluded.source, updated_at = excluded.updated_at";
        let work = vec![(sql.to_owned(), vec![source.into(), at.into()])];
        change(memory, &Object::Template(template()), at, work);
    }

    fn layer_of(memory: &Memory, scope: &Scope, pairs: &[(&str, &str)], keep: &[&str], at: u64) {
        let key = scope.key();
        let layer = NewLayer {
            write: pairs
                .iter()
                .map(|(name, value)| SettingRow {
                    scope: key.clone(),
                    name: (*name).to_owned(),
                    value: (*value).to_owned(),
                    master: name.starts_with("PASS").then(|| "k1".to_owned()),
                })
                .collect(),
            keep: keep.iter().map(|name| (*name).to_owned()).collect(),
            grows: false,
        };
        let work = settings::replacing("T", &key, &layer, at).unwrap();
        change(memory, &Object::Layer(scope.clone()), at, work);
    }

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    struct Row {
        number: u64,
        seq: u64,
        at: u64,
        token_id: String,
        comment: String,
        body: Option<String>,
        ended_at: Option<u64>,
    }

    fn versions(memory: &Memory, object: &Object) -> Vec<Row> {
        let sql = "SELECT number, seq, at, token_id, comment, body, ended_at FROM versions \
             WHERE object = ?1 ORDER BY number";
        memory.rows(sql, args![object.key()]).unwrap()
    }

    /// Names and values of a layer in a version.
    fn at(memory: &Memory, scope: &Scope, number: u64) -> Vec<(String, String)> {
        let rows: Vec<SettingRow> = memory
            .rows(LAYER_AT, &layer_at("T", &scope.key(), number))
            .unwrap();
        let mut found: Vec<_> = rows.into_iter().map(|row| (row.name, row.value)).collect();
        found.sort();
        found
    }

    fn number(memory: &Memory, sql: &str) -> u64 {
        #[derive(Deserialize)]
        struct Number {
            n: u64,
        }
        memory.rows::<Number>(sql, &[]).unwrap().remove(0).n
    }

    /// What the triggers count is what there is.
    fn is_counted(memory: &Memory) {
        assert_eq!(
            number(memory, "SELECT history_bytes AS n FROM tenants"),
            number(memory, "SELECT coalesce(sum(bytes), 0) AS n FROM versions")
        );
    }

    #[test]
    fn object_format_unchanged() {
        let keys = [
            Object::Options.key(),
            Object::Template(template()).key(),
            Object::Layer(Scope::Site("01JC".into())).key(),
        ];
        assert_eq!(
            keys,
            ["options", "template:standard/utg/", "layer:site:01JC"]
        );
    }

    #[test]
    fn the_first_change_keeps_what_there_was_and_each_says_who_made_it() {
        let memory = with_tenant();
        let object = Object::Template(template());
        write(&memory, "one", 100);
        write(&memory, "two", 200);
        let found = versions(&memory, &object);
        let told: Vec<_> = found
            .iter()
            .map(|row| (row.number, row.seq, row.at, &*row.token_id, row.ended_at))
            .collect();
        assert_eq!(
            told,
            [
                (0, 0, 100, "", Some(100)),
                (1, 2, 100, "token-100", Some(200)),
                (2, 3, 200, "token-200", None)
            ]
        );
        let bodies: Vec<_> = found.iter().map(|row| row.body.as_deref()).collect();
        assert_eq!(bodies, [None, Some("one"), Some("two")]);
        // A program that keeps nothing writes in between.
        memory
            .run(
                "UPDATE file_templates SET source = 'unseen', updated_at = 250",
                &[],
            )
            .unwrap();
        write(&memory, "three", 300);
        let found = versions(&memory, &object);
        let (unseen, three) = (found.get(3).unwrap(), found.get(4).unwrap());
        assert_eq!(unseen.body.as_deref(), Some("unseen"));
        assert_eq!(
            (unseen.at, &*unseen.token_id, unseen.ended_at),
            (250, "", Some(300))
        );
        assert_eq!(three.body.as_deref(), Some("three"));
        is_counted(&memory);
    }

    #[test]
    fn options_of_before_are_kept() {
        let memory = with_tenant();
        let sql = "UPDATE tenants SET options = '{\"a\":1}' WHERE id = 'T'";
        change(
            &memory,
            &Object::Options,
            50,
            vec![(sql.into(), Vec::new())],
        );
        let found = versions(&memory, &Object::Options);
        let bodies: Vec<_> = found.iter().map(|row| row.body.as_deref()).collect();
        assert_eq!(bodies, [Some("{}"), Some("{\"a\":1}")]);
        assert_eq!(found.first().unwrap().at, 7);
    }

    #[test]
    fn every_version_of_a_layer_has_the_settings_that_it_had() {
        let memory = with_tenant();
        let scope = Scope::Tenant;
        // From before versions were kept.
        for sql in [
            "INSERT INTO settings (tenant_id, scope, name, value, master) \
             VALUES ('T', 'tenant', 'A', '1', NULL), ('T', 'tenant', 'PASS', 'w1', 'k1')",
            "INSERT INTO layers (tenant_id, scope, revision, updated_at) VALUES ('T', 'tenant', 4, 9)",
        ] {
            memory.run(sql, &[]).unwrap();
        }
        let pairs = |all: &[(&str, &str)]| -> Vec<(String, String)> {
            let all = all.iter();
            all.map(|(name, value)| ((*name).into(), (*value).into()))
                .collect()
        };
        layer_of(&memory, &scope, &[("A", "2")], &["PASS"], 100);
        layer_of(&memory, &scope, &[("PASS", "w2"), ("B", "3")], &["A"], 200);
        layer_of(&memory, &scope, &[], &[], 300);
        layer_of(&memory, &scope, &[("A", "2")], &[], 400);
        assert_eq!(at(&memory, &scope, 0), pairs(&[("A", "1"), ("PASS", "w1")]));
        assert_eq!(at(&memory, &scope, 1), pairs(&[("A", "2"), ("PASS", "w1")]));
        assert_eq!(
            at(&memory, &scope, 2),
            pairs(&[("A", "2"), ("B", "3"), ("PASS", "w2")])
        );
        assert!(at(&memory, &scope, 3).is_empty());
        assert_eq!(at(&memory, &scope, 4), pairs(&[("A", "2")]));
        let found = versions(&memory, &Object::Layer(scope));
        assert_eq!(found.first().unwrap().at, 9);
        assert_eq!(found.len(), 5);
        is_counted(&memory);
    }

    #[test]
    fn a_change_that_is_refused_keeps_nothing() {
        let memory = with_tenant();
        write(&memory, "one", 100);
        memory.run("BEGIN", &[]).unwrap();
        write(&memory, "two", 200);
        let guard = "UPDATE tenants SET seq = NULL WHERE id = 'T'";
        assert!(memory.run(guard, &[]).is_err());
        memory.run("ROLLBACK", &[]).unwrap();
        assert_eq!(versions(&memory, &Object::Template(template())).len(), 2);
        is_counted(&memory);
    }

    #[test]
    fn versions_end_by_their_number_and_take_their_settings_with_them() {
        let memory = with_tenant();
        let scope = Scope::Model("M".into());
        for round in 0..u64::from(MAX_VERSIONS) + 9 {
            layer_of(
                &memory,
                &scope,
                &[("A", &format!("value {round}"))],
                &[],
                100 + round,
            );
        }
        let found = versions(&memory, &Object::Layer(scope.clone()));
        assert_eq!(found.len(), MAX_VERSIONS as usize);
        assert_eq!(found.last().unwrap().number, u64::from(MAX_VERSIONS) + 9);
        let first = found.first().unwrap().number;
        assert_eq!(at(&memory, &scope, first).len(), 1);
        let kept = "SELECT count(*) AS n FROM setting_versions";
        assert_eq!(number(&memory, kept), u64::from(MAX_VERSIONS) - 1);
        is_counted(&memory);
    }

    #[test]
    fn versions_end_by_their_age_but_the_present_one_stays() {
        let memory = with_tenant();
        write(&memory, "one", 100);
        write(&memory, "two", 200);
        layer_of(&memory, &Scope::Tenant, &[("A", "1")], &[], 150);
        layer_of(&memory, &Scope::Tenant, &[("A", "2")], &[], 160);
        memory.run(AGED, args![170_u64, 1_u32]).unwrap();
        assert_eq!(number(&memory, "SELECT count(*) AS n FROM versions"), 5);
        memory.run(AGED, args![170_u64, 100_u32]).unwrap();
        // What took another's place at 200 is not as old, whenever it was written.
        let found = versions(&memory, &Object::Template(template()));
        let numbers: Vec<_> = found.iter().map(|row| row.number).collect();
        assert_eq!(numbers, [1, 2]);
        assert_eq!(versions(&memory, &Object::Layer(Scope::Tenant)).len(), 1);
        memory.run(AGED, args![u64::MAX >> 2, 100_u32]).unwrap();
        assert_eq!(number(&memory, "SELECT count(*) AS n FROM versions"), 2);
        assert_eq!(
            number(&memory, "SELECT count(*) AS n FROM setting_versions"),
            0
        );
        assert_eq!(
            at(&memory, &Scope::Tenant, 2),
            [("A".to_owned(), "2".to_owned())]
        );
        is_counted(&memory);
    }

    #[test]
    fn a_tenant_with_too_many_bytes_loses_the_oldest_versions() {
        let memory = with_tenant();
        write(&memory, "old", 100);
        write(&memory, "older", 101);
        let much = "UPDATE versions SET bytes = ?1 WHERE object = 'template:standard/utg/' \
             AND number = 1";
        memory.run(much, args![MAX_HISTORY_BYTES]).unwrap();
        is_counted(&memory);
        layer_of(&memory, &Scope::Tenant, &[("A", "1")], &[], 150);
        let found = versions(&memory, &Object::Template(template()));
        let numbers: Vec<_> = found.iter().map(|row| row.number).collect();
        assert_eq!(numbers, [2]);
        assert_eq!(versions(&memory, &Object::Layer(Scope::Tenant)).len(), 2);
        is_counted(&memory);
        let left = number(&memory, "SELECT history_bytes AS n FROM tenants");
        assert!(left < 1_000, "{left}");
    }

    #[test]
    fn a_tenant_goes_with_its_history() {
        let memory = with_tenant();
        write(&memory, "one", 100);
        layer_of(&memory, &Scope::Tenant, &[("PASS", "w")], &[], 150);
        layer_of(&memory, &Scope::Tenant, &[], &[], 160);
        memory.run("PRAGMA foreign_keys = ON", &[]).unwrap();
        memory
            .run("DELETE FROM tenants WHERE id = 'T'", &[])
            .unwrap();
        for table in ["versions", "setting_versions"] {
            let left = number(&memory, &format!("SELECT count(*) AS n FROM {table}"));
            assert_eq!(left, 0, "{table}");
        }
    }
}
