//! The devices of a list as a table for spreadsheets, which can be imported again.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_api::answer::{Csv, Shown};
use ringfence_api::devices::export::TableView;
use ringfence_api::devices::list::DeviceQuery;
use ringfence_import::{ExportedDevice, ExportedValue};

use super::fleet::{number, numbered};
use super::list::{self, name, place};
use crate::api::request::call::{Call, Context};
use crate::api::request::page::{self, PageWindow};
use crate::http::problem::Problem;
use crate::model::device::DeviceRow;
use crate::store::by_id::PageRows;
use crate::store::device_list::{self, Filter, ListPlace, Order};
use crate::store::devices;
use crate::store::object::Scope;
use crate::store::search::{self, Needle, Numbered};
use crate::store::tenants::TenantRow;
use crate::store::{settings, sites};

/// The most devices that are read at once.
const MAX_READ: usize = 500;

/// The most devices in one table.
const MAX_DEVICES: usize = 10_000;

/// How often the list is read for one table at most: with several filters the list comes in pieces.
const MAX_READINGS: usize = 20;

/// The most settings in one table.
const MAX_SETTINGS: usize = 100_000;

/// The most cells in one table: a column stands for each setting that a device has.
const MAX_CELLS: usize = 2_000_000;

/// `exportDevices`.
pub async fn csv(call: Call<DeviceQuery>) -> Result<Csv, Problem> {
    let tenant = call.tenant().await?;
    let part = Part::of(&call, &tenant).await?;
    let mut table = Table::default();
    for ids in part.ids.chunks(MAX_READ) {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let devices = devices::by_ids(&call.app.db, &tenant.id, &ids).await?;
        table.add(&call, &tenant.id, devices).await?;
    }
    let text = ringfence_import::write(&table.rows)
        .map_err(|error| Problem::internal(format!("a table cannot be written: {error}")))?;
    Ok(Csv {
        text,
        next: part.next,
    })
}

/// `measureTable`: where a table ends, without making it.
pub async fn measure(call: Call<DeviceQuery>) -> Result<Shown<TableView>, Problem> {
    let tenant = call.tenant().await?;
    let part = Part::of(&call, &tenant).await?;
    Ok(Shown(TableView {
        devices: part.ids.len(),
        next: part.next,
    }))
}

/// The devices that are in one table.
struct Part {
    ids: Vec<String>,
    /// The cursor of the next table.
    next: Option<String>,
}

impl Part {
    async fn of(call: &Call<DeviceQuery>, tenant: &TenantRow) -> Result<Self, Problem> {
        if call.query.limit.is_some() {
            return Err(Problem::invalid_request(
                "A table takes no `limit`: it has 10,000 devices at most, and the header `ringfence-next` of its answer is the `cursor` of the next one.",
            ));
        }
        let mut reading = Reading::new(&call.query, tenant)?;
        let mut found: Vec<(String, After)> = Vec::new();
        for _ in 0..MAX_READINGS {
            let room = MAX_DEVICES - found.len();
            found.extend(reading.next(call, &tenant.id, room).await?);
            if reading.after.is_none() || found.len() >= MAX_DEVICES {
                break;
            }
        }
        let fitting = fitting(call, &tenant.id, &found).await?;
        let end = if fitting < found.len() {
            found.truncate(fitting);
            found.last().map(|(_, after)| after)
        } else {
            reading.after.as_ref()
        };
        let next = end.map(|after| reading.cursor(after));
        let ids = found.into_iter().map(|(id, _)| id).collect();
        Ok(Self { ids, next })
    }
}

/// How many of some devices fit into one table with their settings.
async fn fitting(
    call: &Context,
    tenant_id: &str,
    found: &[(String, After)],
) -> Result<usize, Problem> {
    let ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
    let mut number = ids.len();
    while number > 1 {
        let some = ids.get(..number).unwrap_or_default();
        let extent = settings::extent(&call.app.db, tenant_id, some).await?;
        if extent.settings <= MAX_SETTINGS && number * extent.names <= MAX_CELLS {
            break;
        }
        number /= 2;
    }
    Ok(number)
}

/// How far a list is read.
#[derive(Clone)]
enum After {
    Place(ListPlace),
    Number(u64),
}

/// A list that is read piece by piece.
struct Reading {
    filter: Filter,
    order: Order,
    needle: Option<Needle>,
    after: Option<After>,
}

impl Reading {
    fn new(query: &DeviceQuery, tenant: &TenantRow) -> Result<Self, Problem> {
        let filter = list::filter(query, tenant.version)?;
        let order = query.sort.map_or_else(|| filter.order(), Into::into);
        let needle = list::sought(query)?;
        let cursor = query.cursor.as_deref();
        let after = match needle {
            Some(_) => {
                let window: PageWindow<2> = PageWindow::new(None, cursor)?;
                let number = number(&window)?;
                window.after.is_some().then_some(After::Number(number))
            }
            None => place(&PageWindow::new(None, cursor)?, &name(order))?.map(After::Place),
        };
        Ok(Self {
            filter,
            order,
            needle,
            after,
        })
    }

    /// The next devices, `room` at most, with the place of each; `after` is where the list goes on then.
    async fn next(
        &mut self,
        call: &Context,
        tenant_id: &str,
        room: usize,
    ) -> Result<Vec<(String, After)>, Problem> {
        let db = &call.app.db;
        let limit = u32::try_from(room + 1).unwrap_or(u32::MAX);
        let (mut found, ended_at): (Vec<(String, After)>, _) = if let Some(needle) = &self.needle {
            let after = match self.after {
                Some(After::Number(number)) => number,
                _ => 0,
            };
            let hits = search::numbered(db, tenant_id, needle, &self.filter, after, limit).await?;
            let of = |hit: Numbered| (hit.id, After::Number(hit.number));
            (hits.into_iter().map(of).collect(), None)
        } else {
            let after = match &self.after {
                Some(After::Place(place)) => Some(place),
                _ => None,
            };
            let looked: PageRows<ListPlace, ListPlace> =
                device_list::list(db, tenant_id, &self.filter, self.order, after, limit).await?;
            let of = |place: ListPlace| (place.id.clone(), After::Place(place));
            let places = looked.rows.into_iter().map(of).collect();
            (places, looked.ended_at.map(After::Place))
        };
        let is_more = found.len() > room;
        found.truncate(room);
        self.after = match found.last() {
            Some((_, after)) if is_more => Some(after.clone()),
            _ => ended_at,
        };
        Ok(found)
    }

    fn cursor(&self, after: &After) -> String {
        match after {
            After::Place(place) => {
                page::cursor(&[name(self.order), place.key.clone(), place.id.clone()])
            }
            After::Number(number) => page::cursor(&numbered(*number)),
        }
    }
}

/// A table that grows.
#[derive(Default)]
struct Table {
    rows: Vec<ExportedDevice>,
}

impl Table {
    async fn add(
        &mut self,
        call: &Context,
        tenant_id: &str,
        devices: Vec<DeviceRow>,
    ) -> Result<(), Problem> {
        let db = &call.app.db;
        let ids: Vec<&str> = devices.iter().map(|device| device.id.as_str()).collect();
        let mut layers: BTreeMap<String, BTreeMap<String, ExportedValue>> = BTreeMap::new();
        for row in settings::of_devices(db, tenant_id, &ids).await? {
            // What is wrapped stays so: a table has no secrets.
            let value = match row.master {
                None => ExportedValue::Text(row.value),
                Some(_) => ExportedValue::Secret,
            };
            layers.entry(row.scope).or_default().insert(row.name, value);
        }
        let sites: BTreeSet<&str> = devices
            .iter()
            .filter_map(|it| it.site_id.as_deref())
            .collect();
        let sites: Vec<&str> = sites.into_iter().collect();
        let sites: BTreeMap<String, String> = match sites.is_empty() {
            true => BTreeMap::new(),
            false => sites::names(db, tenant_id, &sites).await?,
        };
        self.rows.extend(devices.into_iter().map(|device| {
            let site = device.site_id.as_ref().and_then(|id| sites.get(id));
            ExportedDevice {
                settings: layers
                    .remove(&Scope::of_device(&device).key())
                    .unwrap_or_default(),
                site: site.cloned().unwrap_or_default(),
                family: device.family.as_str().to_owned(),
                mac: device.mac,
                model: device.model,
                label: device.label,
            }
        }));
        Ok(())
    }
}
