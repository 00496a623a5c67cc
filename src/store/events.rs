//! Events: what phones asked for and got, as they are written and as an operator reads them; and what is
//! recorded with them, of the device and of the access path.

use ringfence_sql::{Arg, args};
use serde::Deserialize;

use super::by_id::{Condition, Looked, Page};
use super::unknown::{self, Recorded, Sighting};
use crate::db::{Db, Statement, StorageError, changes, rows};

/// What a phone asked for and got.
#[derive(Clone, Debug, Deserialize)]
pub struct EventRow {
    pub id: String,
    pub device_id: Option<String>,
    pub mac: Option<String>,
    pub kind: Option<String>,
    pub form: Option<String>,
    pub outcome: String,
    pub reason: String,
    pub status: u16,
    pub bytes: u64,
    pub address: String,
    pub user_agent: String,
    pub country: String,
    pub request_id: String,
    pub detail: Option<String>,
    pub at: u64,
    pub path: Option<String>,
    pub access_path: Option<String>,
}

/// Which events.
#[derive(Clone, Debug, Default)]
pub struct EventFilter<'a> {
    pub mac: Option<&'a str>,
    pub outcome: Option<&'a str>,
    pub reason: Option<&'a str>,
    pub kind: Option<&'a str>,
    pub address: Option<&'a str>,
    /// An event has an id of the time of its request, and so has the request: with `from` and `below` near it
    /// little is looked at.
    pub request_id: Option<&'a str>,
    /// Only ids below this one.
    pub below: Option<&'a str>,
    /// Only ids from this one on.
    pub from: Option<&'a str>,
}

/// Why a request got something; every other reason is one of those that got nothing, which have an index of
/// their own.
pub const SERVED: [&str; 10] = [
    "sealed",
    "sealed_last_good",
    "sealed_at_plain_name",
    "bootstrap",
    "plain_over_https",
    "initial",
    "forwarded",
    "shared",
    "shared_last_good",
    "certificate",
];

const EVENT_COLUMNS: &str = "id, device_id, mac, kind, form, outcome, reason, status, bytes, \
     address, user_agent, country, request_id, detail, at, path, access_path";

impl<'a> EventFilter<'a> {
    fn page(&self, tenant_id: &'a str) -> Page<'a> {
        const OF_TENANT: &str = "tenant_id =";
        let refusal = self.reason.filter(|reason| !SERVED.contains(reason));
        let mut within: Vec<Condition<'a>> = vec![(OF_TENANT, tenant_id.into())];
        let mut besides: Vec<Condition<'a>> = Vec::new();
        let all = [
            (
                "address =",
                self.address,
                "events INDEXED BY events_by_address",
            ),
            ("mac =", self.mac, "events INDEXED BY events_by_mac"),
            ("reason =", refusal, "events INDEXED BY events_by_refusal"),
            (
                "outcome =",
                self.outcome,
                "events INDEXED BY events_by_outcome",
            ),
        ];
        let mut source = "events INDEXED BY events_by_tenant";
        for (condition, value, by) in all {
            let Some(value) = value else { continue };
            if within.len() > 1 {
                besides.push((condition, value.into()));
                continue;
            }
            source = by;
            within.push((condition, value.into()));
            if refusal.is_some() && condition == "reason =" {
                within.push(("status >= 400 AND status <", 1_000_u32.into()));
            }
        }
        let served = self.reason.filter(|_| refusal.is_none());
        for (condition, value) in [
            ("reason =", served),
            ("kind =", self.kind),
            ("request_id =", self.request_id),
        ] {
            besides.extend(value.map(|value| (condition, value.into())));
        }
        Page {
            columns: EVENT_COLUMNS,
            source,
            table: "events",
            within,
            besides,
            below: self.below,
            from: self.from,
        }
    }
}

/// Events of a tenant, the newest first.
///
/// # Errors
/// D1 does not answer.
pub async fn list(
    db: &Db,
    tenant_id: &str,
    filter: &EventFilter<'_>,
    limit: u32,
) -> Result<Looked<EventRow>, StorageError> {
    filter.page(tenant_id).read(db, limit).await
}

/// The event of a request, and whose it is: of all tenants, or of one. `from` and `below` bound the ids of events
/// of the request's time.
///
/// # Errors
/// D1 does not answer.
pub async fn with_request(
    db: &Db,
    tenant_id: Option<&str>,
    request_id: &str,
    from: &str,
    below: &str,
) -> Result<Option<(String, EventRow)>, StorageError> {
    #[derive(Deserialize)]
    struct Row {
        tenant_id: String,
        #[serde(rename = "$event")]
        event: EventRow,
    }
    let mut sql = "SELECT tenant_id, id, device_id, mac, kind, form, outcome, reason, status, bytes, address, \
                   user_agent, country, request_id, detail, at, path, access_path FROM events \
                   WHERE id >= ?1 AND id < ?2 AND request_id = ?3"
        .to_owned();
    let mut args: Vec<Arg<'_>> = vec![from.into(), below.into(), request_id.into()];
    if let Some(tenant_id) = tenant_id {
        args.push(tenant_id.into());
        sql.push_str(" AND tenant_id = ?4");
    }
    sql.push_str(" LIMIT 1");
    let row: Option<Row> = db.row(&sql, &args).await?;
    Ok(row.map(|row| (row.tenant_id, row.event)))
}

/// Notes that a device was here; `fetched` is the version of the standard file it took, if it did.
pub struct Seen<'a> {
    /// Where it asked. One that left the tenant meanwhile was not here: versions are the tenant's.
    pub tenant_id: &'a str,
    pub device_id: &'a str,
    pub now: u64,
    pub address: &'a str,
    pub user_agent: &'a str,
    pub fetched: Option<u64>,
}

impl Seen<'_> {
    /// Notes it where there is no event to write; the device as it is now.
    ///
    /// # Errors
    /// D1 does not answer.
    pub async fn write(
        &self,
        db: &Db,
        used: Option<&Use<'_>>,
    ) -> Result<Option<CurrentFiles>, StorageError> {
        let mut statements = vec![self.statement(db)?];
        if let Some(used) = used {
            statements.push(used.statement(db)?);
        }
        let results = db.batch(statements).await?;
        let device = results.first().map(rows::<CurrentFiles>).transpose()?;
        Ok(device.and_then(|rows| rows.into_iter().next()))
    }

    /// The statement, for a batch with the event. Answers are recorded in any order, so what was
    /// taken and who was here are each compared with their own time: the record of a later
    /// product file must not cost the one about the standard file before it. Its row is [`CurrentFiles`].
    ///
    /// # Errors
    /// The statement cannot be made.
    fn statement(&self, db: &Db) -> Result<Statement, StorageError> {
        db.statement(
            "UPDATE devices SET last_seen_at = max(coalesce(last_seen_at, ?2), ?2), \
             last_seen_address = CASE WHEN last_seen_at > ?2 THEN last_seen_address ELSE ?3 END, \
             last_seen_user_agent = CASE WHEN last_seen_at > ?2 THEN last_seen_user_agent \
             ELSE ?4 END, \
             fetched_version = CASE WHEN ?5 IS NULL OR fetched_at > ?2 THEN fetched_version \
             ELSE ?5 END, \
             fetched_at = CASE WHEN ?5 IS NULL OR fetched_at > ?2 THEN fetched_at ELSE ?2 END \
             WHERE id = ?1 AND tenant_id = ?6 \
             RETURNING version, generation, disabled, forward_until",
            args![
                self.device_id,
                self.now,
                self.address,
                self.user_agent,
                self.fetched,
                self.tenant_id
            ],
        )
    }
}

/// A device's files as they have to be now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct CurrentFiles {
    /// Of the device's last change.
    pub version: u64,
    pub generation: u32,
    pub disabled: i64,
    /// Until when the tenant that it was in sends it here, if it did not come before.
    pub forward_until: Option<u64>,
}

impl CurrentFiles {
    /// Whether the tenant that it was in sends the phone here: it came.
    pub fn is_expected(&self) -> bool {
        self.forward_until.is_some()
    }

    /// Whether a file of that version, and of that generation where it is sealed, may no longer
    /// be served to the device.
    pub fn voids(&self, version: u64, generation: Option<u32>) -> bool {
        self.disabled != 0
            || version < self.version
            || generation.is_some_and(|served| served != self.generation)
    }
}

/// How exact the times are at which access paths were used: oftener than that nothing is written.
pub const USE_STEP_MS: u64 = 3600 * 1000;

/// Notes that a file went out under an access path.
pub struct Use<'a> {
    /// Its SHA-256, hex.
    pub hash: &'a str,
    /// The device that got it, if it is known.
    pub device_id: Option<&'a str>,
    pub now: u64,
}

impl Use<'_> {
    /// The statement, for a batch. It writes nothing where the record is younger than
    /// [`USE_STEP_MS`], nor where access path or device is gone.
    ///
    /// # Errors
    /// The statement cannot be made.
    fn statement(&self, db: &Db) -> Result<Statement, StorageError> {
        let before = self.now.saturating_sub(USE_STEP_MS);
        match self.device_id {
            Some(device_id) => db.statement(
                "INSERT INTO access_path_devices (access_path_id, device_id, last_at) \
                 SELECT a.id, d.id, ?3 FROM access_paths a JOIN devices d ON d.id = ?2 \
                 WHERE a.hash = ?1 \
                 ON CONFLICT DO UPDATE SET last_at = excluded.last_at WHERE last_at <= ?4",
                args![self.hash, device_id, self.now, before],
            ),
            None => db.statement(
                "UPDATE access_paths SET last_used_at = ?2 \
                 WHERE hash = ?1 AND (last_used_at IS NULL OR last_used_at <= ?3)",
                args![self.hash, self.now, before],
            ),
        }
    }
}

/// What is known once an event is written.
pub struct EventWritten {
    /// How many events the minute has seen, this one included.
    pub minute: u64,
    /// The device that was seen; `None` if there is no such device (any more).
    pub device: Option<CurrentFiles>,
    /// What became of the phone that is no device; `None` if it is none, or there was no room.
    pub unknown: Option<Recorded>,
}

/// Writes an event, as long as its tenant's minute has room, and what is to be recorded with it.
///
/// # Errors
/// D1 does not answer.
pub async fn write_event(
    db: &Db,
    event: &NewEvent<'_>,
    seen: Option<&Seen<'_>>,
    used: Option<&Use<'_>>,
    sighting: Option<&Sighting<'_>>,
) -> Result<EventWritten, StorageError> {
    #[derive(Deserialize)]
    struct Minute {
        seen: u64,
    }
    let minute = event.at / 60_000;
    let mut statements = vec![
        db.statement(
            "INSERT INTO event_minutes (tenant_id, minute, seen) VALUES (?1, ?2, 1) \
             ON CONFLICT DO UPDATE SET seen = seen + 1 RETURNING seen",
            args![event.tenant_id, minute],
        )?,
        db.statement(
            "INSERT INTO events (id, tenant_id, device_id, mac, kind, form, outcome, reason, \
             status, bytes, address, user_agent, country, request_id, detail, at, path, access_path) \
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?19, \
             coalesce(?20, (SELECT id FROM access_paths WHERE hash = ?21)) \
             WHERE (SELECT seen FROM event_minutes WHERE tenant_id = ?2 AND minute = ?17) <= ?18",
            args![
                event.id,
                event.tenant_id,
                event.device_id,
                event.mac,
                event.kind,
                event.form,
                event.outcome,
                event.reason,
                u32::from(event.status),
                event.bytes,
                event.address,
                event.user_agent,
                event.country,
                event.request_id,
                event.detail,
                event.at,
                minute,
                event.limit,
                event.path,
                event.access_path,
                event.access_path_hash
            ],
        )?,
    ];
    if let Some(seen) = seen {
        statements.push(seen.statement(db)?);
    }
    if let Some(used) = used {
        statements.push(used.statement(db)?);
    }
    let place = statements.len();
    if let Some(sighting) = sighting {
        statements.extend(sighting.statements(db, event.limit)?);
    }
    let results = db.batch(statements).await?;
    let recorded = results.get(place).filter(|_| sighting.is_some());
    let minute = results
        .first()
        .map(rows::<Minute>)
        .transpose()?
        .and_then(|rows| rows.into_iter().next());
    let device = results
        .get(2)
        .filter(|_| seen.is_some())
        .map(rows::<CurrentFiles>)
        .transpose()?
        .and_then(|rows| rows.into_iter().next());
    Ok(EventWritten {
        minute: minute.map_or(0, |minute| minute.seen),
        device,
        unknown: recorded.map(unknown::recorded).transpose()?.flatten(),
    })
}

/// An event to be written.
pub struct NewEvent<'a> {
    pub id: &'a str,
    pub tenant_id: &'a str,
    pub device_id: Option<&'a str>,
    pub mac: Option<&'a str>,
    pub kind: Option<&'a str>,
    pub form: Option<&'a str>,
    pub outcome: &'a str,
    pub reason: &'a str,
    pub status: u16,
    pub bytes: u64,
    pub address: &'a str,
    pub user_agent: &'a str,
    pub country: &'a str,
    pub request_id: &'a str,
    pub detail: Option<&'a str>,
    pub at: u64,
    /// What was asked for, fit to be read; of a request that got a file there is none.
    pub path: Option<&'a str>,
    /// Id of the access path; `None` where KV has a value of before it knew it.
    pub access_path: Option<&'a str>,
    /// By which the id is looked up then.
    pub access_path_hash: &'a str,
    /// How many a minute may be written.
    pub limit: u32,
}

/// Counts events that were not written.
///
/// # Errors
/// D1 does not answer.
pub async fn count_events(
    db: &Db,
    tenant_id: &str,
    minute: u64,
    number: u64,
) -> Result<(), StorageError> {
    let counted = db.statement(
        "INSERT INTO event_minutes (tenant_id, minute, seen) VALUES (?1, ?2, ?3) \
         ON CONFLICT DO UPDATE SET seen = seen + ?3",
        args![tenant_id, minute, number],
    )?;
    changes(&db.all(counted).await?)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_before_a_change_or_under_another_key_is_void() {
        let now = CurrentFiles {
            version: 5,
            generation: 2,
            disabled: 0,
            forward_until: None,
        };
        assert!(!now.voids(5, Some(2)));
        assert!(!now.voids(9, None));
        assert!(now.voids(4, Some(2)));
        assert!(now.voids(9, Some(1)));
        assert!(CurrentFiles { disabled: 1, ..now }.voids(9, Some(2)));
    }
}
