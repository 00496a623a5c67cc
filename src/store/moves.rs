//! Devices that go from one tenant to another, with their key, its state and their history; and what
//! the tenant that they left goes on answering.

use ringfence_sql::args;
use serde::Deserialize;

use super::access_paths::{self, AccessPathRow};
use super::json::json;
use super::object::Scope;
use super::settings::{self, NewLayer};
use super::{Change, ChangeError, CheckedAgainst, Entry, Invalidates, SEQ, models, unknown};
use crate::db::{Db, Statement, StorageError};
use crate::model::device::DeviceRow;
use crate::model::limits::Quota;

/// How many of a device's events go with the device at most, the newest.
const MAX_EVENTS: u32 = 500;

/// The access path of the target that the phone is sent to.
pub struct Road<'a> {
    pub path: &'a AccessPathRow,
    /// Its segment, wrapped, and the id of the master key that wraps it; where it is not stored yet.
    pub segment: Option<access_paths::Wrapped<'a>>,
    /// Whether the access path is to be added too.
    pub new: bool,
    /// Until when the phone is sent on, in Unix milliseconds.
    pub ends_at: u64,
}

/// A device on its way.
pub struct Move<'a> {
    /// As it is in the tenant that it leaves.
    pub from: &'a DeviceRow,
    /// As it will be.
    pub to: &'a DeviceRow,
    /// What its files were checked against in the target.
    pub checked_against: &'a CheckedAgainst,
    /// The model, if the target does not have it yet.
    pub model: Option<&'a models::ModelRow>,
    /// What its layer holds in the target; secrets are wrapped for it.
    pub settings: Option<&'a NewLayer>,
    /// Where the phone is sent on to, if it is.
    pub road: Option<Road<'a>>,
}

/// The audit entries of a move: what each tenant reads, and which tenants they were.
pub struct Entries<'a> {
    pub left: &'a Entry,
    pub came: &'a Entry,
    pub both: &'a Entry,
    /// Of the access path, where one is added.
    pub made: Option<&'a Entry>,
}

/// Moves a device: in one transaction, a change of both tenants.
///
/// # Errors
/// [`ChangeError::Overtaken`] if the device, or what it was checked against, is no longer so, or the
/// target has no room for another access path; the target has its MAC; or D1 fails.
pub async fn write(
    db: &Db,
    moved: &Move<'_>,
    entries: &Entries<'_>,
    now: u64,
) -> Result<(), ChangeError> {
    let (from, to) = (moved.from, moved.to);
    let target = to.tenant_id.as_str();
    let is_new = moved.road.as_ref().is_some_and(|road| road.new);
    let mut change = Change::checked(
        db,
        moved.checked_against,
        Invalidates::Device,
        "NOT ?2 OR (SELECT count(*) FROM access_paths WHERE tenant_id = ?1) < ?3",
        args![u32::from(is_new), access_paths::MAX_ACCESS_PATHS],
    );
    change.also_guarded(
        &from.tenant_id,
        Invalidates::Device,
        "EXISTS (SELECT 1 FROM devices WHERE id = ?2 AND tenant_id = ?1 AND revision = ?3 \
         AND version = ?4)",
        args![&from.id, from.revision, from.version],
    );
    if let Some(model) = moved.model {
        models::push_insert(&mut change, target, model);
    }
    if let Some(road) = &moved.road {
        push_road(&mut change, target, road);
    }
    // What it was stays nobody's: secrets are wrapped for the tenant that it leaves.
    let scope = Scope::of_device(from);
    change.delete_layer(&from.tenant_id, &scope.key())?;
    let ends_at = moved.road.as_ref().map(|road| road.ends_at);
    // What the phone took was counted by the other tenant.
    change.push(
        &format!(
            "UPDATE devices SET tenant_id = ?1, model = ?3, site_id = ?4, label = ?5, \
             version = {SEQ}, fenced_at = ?6, fetched_version = NULL, forward_until = ?7, \
             updated_at = ?6, revision = revision + 1 WHERE id = ?2"
        ),
        args![
            target,
            &from.id,
            &to.model,
            to.site_id.as_deref(),
            &to.label,
            now,
            ends_at
        ],
    );
    change.within(target, Quota::Devices);
    if let Some(layer) = moved.settings {
        settings::replace(&mut change, target, &scope, layer, now)?;
    }
    change.push(
        "UPDATE phone_events SET tenant_id = ?1, access_path = NULL WHERE tenant_id = ?2 AND id IN \
         (SELECT id FROM phone_events WHERE tenant_id = ?2 AND mac = ?3 ORDER BY id DESC LIMIT ?4)",
        args![target, &from.tenant_id, &from.mac, MAX_EVENTS],
    );
    // Of those that a Worker of before has kept, likewise.
    change.push(
        "UPDATE events SET tenant_id = ?1, access_path = NULL WHERE id IN (SELECT id FROM events \
         WHERE tenant_id = ?2 AND mac = ?3 ORDER BY id DESC LIMIT ?4)",
        args![target, &from.tenant_id, &from.mac, MAX_EVENTS],
    );
    push_traces(&mut change, moved, now);
    if let Some(made) = entries.made {
        change.enter(made);
    }
    change.enter(entries.came);
    change.enter(entries.both);
    // This one is reported to the witness: should a restore undo the move, the device is back in the tenant
    // that it left, and must not be served there.
    change.write(entries.left).await
}

fn push_road(change: &mut Change<'_>, target: &str, road: &Road<'_>) {
    let path = road.path;
    if road.new {
        access_paths::push_insert(change, target, path);
    }
    if let Some((segment, master)) = road.segment {
        change.push(
            "UPDATE access_paths SET segment = ?3, master = ?4 WHERE id = ?2 AND tenant_id = ?1",
            args![target, &path.id, segment, master],
        );
    }
}

/// What is remembered of the move, and what becomes of earlier ones.
fn push_traces(change: &mut Change<'_>, moved: &Move<'_>, now: u64) {
    let (from, to) = (moved.from, moved.to);
    let path = moved.road.as_ref().map(|road| road.path.id.as_str());
    let ends_at = moved.road.as_ref().map_or(0, |road| road.ends_at);
    push_return(change, &to.tenant_id, &to.mac);
    // Where it was before that, the phone is sent straight to where it is.
    change.push(
        "UPDATE moves SET target_id = ?2, access_path_id = ?3, ends_at = min(ends_at, ?4) \
         WHERE device_id = ?1",
        args![&from.id, &to.tenant_id, path, ends_at],
    );
    change.push(
        "INSERT INTO moves (tenant_id, mac, device_id, target_id, version, moved_at, \
         access_path_id, ends_at) VALUES (?1, ?2, ?3, ?4, (SELECT seq FROM tenants WHERE id = ?1), \
         ?5, ?6, ?7) ON CONFLICT DO UPDATE SET device_id = excluded.device_id, \
         target_id = excluded.target_id, version = excluded.version, moved_at = excluded.moved_at, \
         access_path_id = excluded.access_path_id, ends_at = excluded.ends_at",
        args![
            &from.tenant_id,
            &from.mac,
            &from.id,
            &to.tenant_id,
            now,
            path,
            ends_at
        ],
    );
}

/// Adds to a change that a device of this MAC is in the tenant (again): nobody is sent on from there, and the
/// phone is not unknown any more.
pub fn push_return(change: &mut Change<'_>, tenant_id: &str, mac: &str) {
    unknown::push_known(change, tenant_id, mac);
    change.push(
        "DELETE FROM moves WHERE tenant_id = ?1 AND mac = ?2",
        args![tenant_id, mac],
    );
}

/// Where a device went that left a tenant.
#[derive(Clone, Debug, Deserialize)]
pub struct Departure {
    pub device_id: String,
    /// The tenant that it is in.
    pub target_id: String,
    pub access_path_id: Option<String>,
    pub ends_at: u64,
}

/// Where the device of that MAC went, if it left the tenant lately or its phone is still sent on.
pub async fn departure(
    db: &Db,
    tenant_id: &str,
    mac: &str,
) -> Result<Option<Departure>, StorageError> {
    db.row(
        "SELECT device_id, target_id, access_path_id, ends_at FROM moves \
         WHERE tenant_id = ?1 AND mac = ?2",
        args![tenant_id, mac],
    )
    .await
}

/// Notes that phones were where their devices are: they are no longer sent on. `devices`: id of the device, and of its
/// tenant. [`MAX_ARRIVAL`] statements.
///
/// # Errors
/// D1 fails; the next request of each phone tries again.
pub async fn arrived(db: &Db, devices: &[(&str, &str)]) -> Result<(), StorageError> {
    if devices.is_empty() {
        return Ok(());
    }
    let list = json(&devices)?;
    db.batch(vec![
        Statement::new(NO_LONGER_SENT, args![&list]),
        Statement::new(NO_LONGER_EXPECTED, args![&list]),
    ])
    .await
    .map(drop)
}

/// How many statements [`arrived`] takes at most.
pub const MAX_ARRIVAL: usize = 2;

const NO_LONGER_SENT: &str = "UPDATE moves SET ends_at = 0 WHERE (device_id, target_id) IN \
     (SELECT value ->> 0, value ->> 1 FROM json_each(?1))";
const NO_LONGER_EXPECTED: &str = "UPDATE devices SET forward_until = NULL WHERE (id, tenant_id) IN \
     (SELECT value ->> 0, value ->> 1 FROM json_each(?1))";

/// Ends by an operator's word that a phone is sent on.
///
/// # Errors
/// The device is no longer in that tenant, or D1 fails.
pub async fn end(db: &Db, device: &DeviceRow, entry: &Entry) -> Result<(), ChangeError> {
    let mut change = Change::guarded(
        db,
        &device.tenant_id,
        Invalidates::Device,
        "EXISTS (SELECT 1 FROM devices WHERE id = ?2 AND tenant_id = ?1)",
        args![&device.id],
    );
    let list = json(&[(&device.id, &device.tenant_id)])?;
    for sql in [NO_LONGER_SENT, NO_LONGER_EXPECTED] {
        change.push(sql, args![&list]);
    }
    change.write(entry).await
}

/// Forgets moves of before `since` whose phones are no longer sent on, at most `limit`.
pub async fn forget(db: &Db, since: u64, now: u64, limit: u32) -> Result<usize, StorageError> {
    db.run(
        "DELETE FROM moves WHERE (tenant_id, mac) IN (SELECT tenant_id, mac FROM moves \
         WHERE moved_at < ?1 AND ends_at < ?2 LIMIT ?3)",
        args![since, now, limit],
    )
    .await
}
