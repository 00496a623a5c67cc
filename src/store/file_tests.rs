//! Tests of files: what an operator wants to be so in them.

use ringfence_api::tenancy::file_tests::Expect;
use ringfence_provision::kind::FileKind;
use ringfence_sql::args;
use serde::Deserialize;

use super::{Change, ChangeError, Entry, Invalidates};
use crate::db::{Db, Statement, StorageError};

/// How many tests a tenant has at most.
pub const MAX_FILE_TESTS: u32 = 100;

/// A test as it is stored.
#[derive(Clone, Debug, Deserialize)]
pub struct FileTestRow {
    pub id: String,
    pub name: String,
    /// Whose files: those of a model, of a site, of a device; or of all.
    pub model: Option<String>,
    pub site_id: Option<String>,
    pub mac: Option<String>,
    pub kind: FileKind,
    /// A path of the format, or a name.
    pub parameter: String,
    pub expect: Expect,
    /// Empty where none is compared with.
    pub value: String,
    pub revision: u64,
    pub created_at: u64,
    pub updated_at: u64,
}

const COLUMNS: &str = "id, name, model, site_id, mac, kind, parameter, expect, value, revision, \
     created_at, updated_at";

/// What reads all tests of a tenant, in the order of their ids.
pub(super) fn all(tenant_id: &str) -> Statement {
    Statement::new(
        &format!("SELECT {COLUMNS} FROM file_tests WHERE tenant_id = ?1 ORDER BY id LIMIT ?2"),
        args![tenant_id, MAX_FILE_TESTS],
    )
}

/// All tests of a tenant, in the order of their ids.
pub async fn list(db: &Db, tenant_id: &str) -> Result<Vec<FileTestRow>, StorageError> {
    crate::db::rows(&db.all(all(tenant_id)).await?)
}

/// One test.
pub async fn find(db: &Db, tenant_id: &str, id: &str) -> Result<Option<FileTestRow>, StorageError> {
    db.row(
        &format!("SELECT {COLUMNS} FROM file_tests WHERE id = ?2 AND tenant_id = ?1"),
        args![tenant_id, id],
    )
    .await
}

/// Adds a test.
///
/// # Errors
/// The tenant has [`MAX_FILE_TESTS`] already, as one that was overtaken; another one has its name; or D1 fails.
pub async fn insert(
    db: &Db,
    tenant_id: &str,
    test: &FileTestRow,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::guarded(
        db,
        tenant_id,
        Invalidates::Device,
        "(SELECT count(*) FROM file_tests WHERE tenant_id = ?1) < ?2",
        args![MAX_FILE_TESTS],
    );
    change.push(
        "INSERT INTO file_tests (tenant_id, id, name, model, site_id, mac, kind, parameter, \
         expect, value, created_at, updated_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11)",
        args![
            tenant_id,
            &test.id,
            &test.name,
            test.model.as_deref(),
            test.site_id.as_deref(),
            test.mac.as_deref(),
            test.kind.as_str(),
            &test.parameter,
            test.expect.as_str(),
            &test.value,
            test.created_at
        ],
    );
    change.write(entry).await
}

const AT_REVISION: &str =
    "EXISTS (SELECT 1 FROM file_tests WHERE id = ?2 AND tenant_id = ?1 AND revision = ?3)";

/// Replaces a test that is still at its revision.
///
/// # Errors
/// The test is no longer at its revision, another test has the name, or D1 fails.
pub async fn update(
    db: &Db,
    tenant_id: &str,
    test: &FileTestRow,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::guarded(
        db,
        tenant_id,
        Invalidates::Device,
        AT_REVISION,
        args![&test.id, test.revision],
    );
    change.push(
        "UPDATE file_tests SET name = ?2, model = ?3, site_id = ?4, mac = ?5, kind = ?6, \
         parameter = ?7, expect = ?8, value = ?9, updated_at = ?10, revision = revision + 1 \
         WHERE id = ?1",
        args![
            &test.id,
            &test.name,
            test.model.as_deref(),
            test.site_id.as_deref(),
            test.mac.as_deref(),
            test.kind.as_str(),
            &test.parameter,
            test.expect.as_str(),
            &test.value,
            test.updated_at
        ],
    );
    change.write(entry).await
}

/// Removes a test that is still at its revision.
///
/// # Errors
/// The test is no longer at its revision, or D1 fails.
pub async fn delete(
    db: &Db,
    tenant_id: &str,
    test: &FileTestRow,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::guarded(
        db,
        tenant_id,
        Invalidates::Device,
        AT_REVISION,
        args![&test.id, test.revision],
    );
    change.push("DELETE FROM file_tests WHERE id = ?1", args![&test.id]);
    change.write(entry).await
}
