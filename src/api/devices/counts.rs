//! How many devices there are, by what they are.

use std::collections::BTreeMap;

use ringfence_provision::family::Family;
use ringfence_provision::vendor;
use serde::Serialize;

use crate::api::request::answer::Shown;
use crate::api::request::call::Call;
use crate::http::problem::Problem;
use crate::platform::DAY_MS;
use crate::store::device_counts::{self, CountRow};

/// How many devices a tenant has, by what they are.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DeviceCounts {
    /// All devices of the tenant.
    pub all: Counts,
    /// The devices by the state of their key; a state that no device has is left out.
    pub by_state: BTreeMap<String, Counts>,
    /// The devices by the vendor of their family.
    pub by_vendor: BTreeMap<String, Counts>,
    /// The devices by the family of their model.
    pub by_family: BTreeMap<String, Counts>,
    /// The devices by their model.
    pub by_model: BTreeMap<String, Counts>,
    /// The devices by their site, in the order of the sites' names; those at no site are the last.
    pub by_site: Vec<SiteCounts>,
}

/// How many of some devices there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Counts {
    /// How many devices the tenant has.
    pub devices: u64,
    /// Those that are out of service.
    pub disabled: u64,
    /// Those that took their standard file and lack the last version of it.
    pub stale: u64,
    /// Those whose last request was refused, or for a file that is broken.
    pub failing: u64,
    /// Those that never asked for anything.
    pub never_seen: u64,
    /// Those that got a file in the last 24 hours.
    pub seen_24h: u64,
    /// Those whose bootstrap was taken from none of the tenant's `expected_networks`.
    pub unexpected_network: u64,
}

/// The devices of a site.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SiteCounts {
    /// Id of the site; null for the devices at none.
    pub site: Option<String>,
    /// The name of the site.
    pub name: Option<String>,
    #[serde(flatten)]
    pub counts: Counts,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.devices += other.devices;
        self.disabled += other.disabled;
        self.stale += other.stale;
        self.failing += other.failing;
        self.never_seen += other.never_seen;
        self.seen_24h += other.seen_24h;
        self.unexpected_network += other.unexpected_network;
    }
}

impl From<&CountRow> for Counts {
    fn from(row: &CountRow) -> Self {
        Self {
            devices: row.devices,
            disabled: row.disabled,
            stale: row.stale,
            failing: row.failing,
            never_seen: row.never_seen,
            seen_24h: row.seen_lately,
            unexpected_network: row.unexpected_network,
        }
    }
}

/// `countDevices`.
pub async fn show(call: Call) -> Result<Shown<DeviceCounts>, Problem> {
    let tenant = call.tenant().await?;
    let lately = call.app.now.saturating_sub(DAY_MS);
    let rows = device_counts::count(&call.app.db, &tenant.id, lately).await?;
    Ok(Shown(view(rows)))
}

fn view(rows: Vec<CountRow>) -> DeviceCounts {
    let mut found = DeviceCounts {
        all: Counts::default(),
        by_state: BTreeMap::new(),
        by_vendor: BTreeMap::new(),
        by_family: BTreeMap::new(),
        by_model: BTreeMap::new(),
        by_site: Vec::new(),
    };
    for row in rows {
        let counts = Counts::from(&row);
        match (row.of.as_str(), row.name) {
            ("all", _) => found.all = counts,
            ("state", Some(state)) => {
                found.by_state.insert(state, counts);
            }
            ("model", Some(model)) => {
                found.by_model.insert(model, counts);
                let family = row.more.and_then(|name| family(&name));
                if let Some(family) = family {
                    let name = family.as_str().to_owned();
                    found.by_family.entry(name).or_default().add(counts);
                    let vendor = vendor::of_family(family).to_owned();
                    found.by_vendor.entry(vendor).or_default().add(counts);
                }
            }
            (_, site) => found.by_site.push(SiteCounts {
                site,
                name: row.more,
                counts,
            }),
        }
    }
    let place = |site: &SiteCounts| (site.site.is_none(), site.name.clone(), site.site.clone());
    found.by_site.sort_by_key(place);
    found
}

fn family(name: &str) -> Option<Family> {
    Family::ALL
        .into_iter()
        .find(|family| family.as_str() == name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::devices::counts::*;

    #[test]
    fn models_of_one_vendor_are_added_up() {
        let family = Family::ALL[0];
        let row = |of: &str, name: Option<&str>, more: Option<&str>, devices| CountRow {
            of: of.into(),
            name: name.map(Into::into),
            more: more.map(Into::into),
            devices,
            disabled: 1,
            stale: 0,
            failing: 0,
            never_seen: 0,
            seen_lately: 0,
            unexpected_network: 0,
        };
        let shown = view(vec![
            row("all", None, None, 5),
            row("model", Some("A"), Some(family.as_str()), 2),
            row("model", Some("B"), Some(family.as_str()), 3),
            row("state", Some("armed"), None, 5),
            row("site", None, None, 4),
            row("site", Some("S"), Some("Quay"), 1),
        ]);
        let of_vendor = shown.by_vendor.get(vendor::of_family(family)).unwrap();
        assert_eq!((of_vendor.devices, of_vendor.disabled), (5, 2));
        assert_eq!(shown.by_model.len(), 2);
        assert_eq!(shown.by_state.get("armed").unwrap().devices, 5);
        let sites: Vec<_> = shown.by_site.iter().map(|site| &site.name).collect();
        assert_eq!(sites, [&Some("Quay".to_owned()), &None]);
    }
}
