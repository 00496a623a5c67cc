//! The database for unit tests: SQLite in memory, with the real schema.

#![allow(clippy::unwrap_used)]

use ringfence_sql::{Memory, Sql as _};

use super::Entry;

/// A database with the schema that all migrations lead to.
pub(super) fn with_schema() -> Memory {
    let memory = Memory::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "sql"))
        .collect();
    files.sort();
    for file in files {
        let sql = std::fs::read_to_string(file).unwrap();
        memory.0.execute_batch(&sql).unwrap();
    }
    memory
}

/// The same with a tenant `T`, made at 7.
pub(super) fn with_tenant() -> Memory {
    let memory = with_schema();
    let sql = "INSERT INTO tenants (id, name, options, created_at, updated_at) VALUES ('T', 'T', '{}', 7, 7)";
    memory.run(sql, &[]).unwrap();
    memory
}

/// What the audit log says of a change of that tenant, which is told from others by its time.
pub(super) fn entry(at: u64) -> Entry {
    Entry {
        id: format!("E{at}"),
        tenant_id: Some("T".into()),
        token_id: format!("token-{at}"),
        action: "test",
        object: String::new(),
        before: None,
        after: None,
        address: String::new(),
        request_id: format!("request-{at}"),
        comment: format!("comment {at}"),
        at,
        limited: false,
        turn: None,
    }
}
