//! The devices of a list as a table for spreadsheets, which can be imported again.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_import::{Exported, Written};

use super::fleet::{number, numbered};
use super::list::{DeviceQuery, name, place};
use crate::api::request::answer::Csv;
use crate::api::request::call::{Call, Context};
use crate::api::request::page::{self, PageWindow};
use crate::http::problem::Problem;
use crate::model::device::DeviceRow;
use crate::store::device_list::{self, Filter, Order, Place};
use crate::store::devices::scope;
use crate::store::search::{self, Needle};
use crate::store::tenants::TenantRow;
use crate::store::{settings, sites};

/// So many devices are read at once.
const PAGE: u32 = 500;

/// So often, for one table: 10,000 devices.
const MAX_PAGES: usize = 20;

/// With so many settings a table has enough.
const MAX_SETTINGS: usize = 100_000;

/// With so many cells, too: a column stands for each setting that a device has.
const MAX_CELLS: usize = 2_000_000;

/// `exportDevices`.
pub async fn csv(call: Call<DeviceQuery>) -> Result<Csv, Problem> {
    if call.query.limit.is_some() {
        return Err(Problem::invalid_request(
            "A table takes no `limit`: it has 10,000 devices at most, and the header `ringfence-next` of its answer is the `cursor` of the next one.",
        ));
    }
    let tenant = call.tenant().await?;
    let mut reading = Reading::new(&call.query, &tenant)?;
    let mut table = Table::default();
    for _ in 0..MAX_PAGES {
        let devices = reading.next(&call, &tenant.id).await?;
        table.add(&call, &tenant.id, devices).await?;
        if reading.after.is_none() || table.is_full() {
            break;
        }
    }
    let text = ringfence_import::write(&table.rows)
        .map_err(|error| Problem::internal(format!("a table cannot be written: {error}")))?;
    Ok(Csv {
        text,
        next: reading.after.as_ref().map(|after| reading.cursor(after)),
    })
}

/// How far a list is read.
enum After {
    Place(Place),
    Number(u64),
}

/// A list that is read page by page.
struct Reading {
    filter: Filter,
    order: Order,
    needle: Option<Needle>,
    after: Option<After>,
}

impl Reading {
    fn new(query: &DeviceQuery, tenant: &TenantRow) -> Result<Self, Problem> {
        let filter = query.filter(tenant.version)?;
        let order = query.sort.map_or_else(|| filter.order(), Into::into);
        let needle = query.needle()?;
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

    /// The next devices; `after` is where it goes on then.
    async fn next(&mut self, call: &Context, tenant_id: &str) -> Result<Vec<DeviceRow>, Problem> {
        let db = &call.app.db;
        let limit = PAGE + 1;
        let is_last = |length: usize| length < limit as usize;
        if let Some(needle) = &self.needle {
            let after = match self.after {
                Some(After::Number(number)) => number,
                _ => 0,
            };
            let mut hits =
                search::find(db, Some(tenant_id), needle, &self.filter, after, limit).await?;
            let last = is_last(hits.len());
            hits.truncate(PAGE as usize);
            let end = hits.last().filter(|_| !last);
            self.after = end.map(|hit| After::Number(hit.number));
            return Ok(hits.into_iter().map(|hit| hit.device).collect());
        }
        let after = match &self.after {
            Some(After::Place(place)) => Some(place),
            _ => None,
        };
        let mut looked =
            device_list::list(db, tenant_id, &self.filter, self.order, after, limit).await?;
        let last = is_last(looked.rows.len());
        looked.rows.truncate(PAGE as usize);
        let end = looked.rows.last().filter(|_| !last).map(|row| row.place());
        self.after = end.or(looked.ended_at).map(After::Place);
        Ok(looked.rows.into_iter().map(|row| row.device).collect())
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
    rows: Vec<Written>,
    settings: usize,
    columns: BTreeSet<String>,
}

impl Table {
    fn is_full(&self) -> bool {
        self.settings >= MAX_SETTINGS || self.rows.len() * self.columns.len() >= MAX_CELLS
    }

    async fn add(
        &mut self,
        call: &Context,
        tenant_id: &str,
        devices: Vec<DeviceRow>,
    ) -> Result<(), Problem> {
        let db = &call.app.db;
        let ids: Vec<&str> = devices.iter().map(|device| device.id.as_str()).collect();
        let mut layers: BTreeMap<String, BTreeMap<String, Exported>> = BTreeMap::new();
        for row in settings::of_devices(db, tenant_id, &ids).await? {
            // What is wrapped stays so: a table has no secrets.
            let value = match row.master {
                None => Exported::Text(row.value),
                Some(_) => Exported::Secret,
            };
            self.settings += 1;
            self.columns.insert(row.name.clone());
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
            Written {
                settings: layers.remove(&scope(&device).key()).unwrap_or_default(),
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
