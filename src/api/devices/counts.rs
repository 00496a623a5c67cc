//! How many devices there are, by what they are.

use std::collections::BTreeMap;

use ringfence_api::answer::Shown;
use ringfence_api::devices::counts::{AllCounts, CountQuery, Counts, DeviceCounts, SiteCounts};
use ringfence_provision::family::Family;
use ringfence_provision::vendor;

use crate::api::request::call::Call;
use crate::http::problem::Problem;
use crate::platform::DAY_MS;
use crate::store::device_counts::{self, CountRequest, CountRow, Counted};
use crate::store::metrics::{self, ValueRow};

impl From<&CountRow> for Counts {
    fn from(row: &CountRow) -> Self {
        Self {
            devices: row.devices,
            disabled: row.disabled,
            stale: row.stale,
            failing: row.failing,
            never_seen: row.never_seen,
            seen_24h: row.seen_lately,
            silent_7d: row.silent,
            unexpected_network: row.unexpected_network,
        }
    }
}

/// `countDevices`.
pub async fn show(call: Call<CountQuery>) -> Result<Shown<DeviceCounts>, Problem> {
    let tenant = call.tenant().await?;
    let now = call.app.now;
    let [lately, silent] = [DAY_MS, 7 * DAY_MS].map(|span| now.saturating_sub(span));
    let asked = CountRequest {
        tenant_id: &tenant.id,
        again: call.query.again,
        now,
        lately,
        silent,
    };
    Ok(Shown(view(
        device_counts::count(&call.app.db, asked).await?,
    )))
}

/// `countAllDevices`.
pub async fn of_all(call: Call) -> Result<Shown<AllCounts>, Problem> {
    let (values, counted_at) = metrics::devices(&call.app.db).await?;
    Ok(Shown(all(&values, counted_at)))
}

fn all(values: &[ValueRow], counted_at: u64) -> AllCounts {
    let mut found = AllCounts {
        counted_at: Some(counted_at).filter(|&at| at > 0),
        ..AllCounts::default()
    };
    for row in values {
        let place = match (row.name.as_str(), row.label.as_str()) {
            ("state", state) => {
                found.devices += row.value;
                found.by_state.insert(state.to_owned(), row.value);
                continue;
            }
            (_, "disabled") => &mut found.disabled,
            (_, "stale") => &mut found.stale,
            (_, "failing") => &mut found.failing,
            (_, "never_seen") => &mut found.never_seen,
            (_, "never_came_back") => &mut found.never_came_back,
            (_, "unexpected_network") => &mut found.unexpected_network,
            _ => continue,
        };
        *place = row.value;
    }
    found
}

fn view(counted: Counted) -> DeviceCounts {
    let mut found = DeviceCounts {
        counted_at: counted.counted_at,
        all: Counts::default(),
        by_state: BTreeMap::new(),
        by_vendor: BTreeMap::new(),
        by_family: BTreeMap::new(),
        by_model: BTreeMap::new(),
        by_site: Vec::new(),
    };
    for row in counted.rows {
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
    fn what_was_counted_of_all_tenants_has_its_member() {
        assert_eq!(all(&[], 0), AllCounts::default());
        let rows: Vec<ValueRow> = metrics::device_values(&[])
            .into_iter()
            .zip(1..)
            .map(|((name, label, _), value)| ValueRow {
                name: name.into(),
                label: label.into(),
                value,
            })
            .collect();
        let shown = all(&rows, 7);
        assert_eq!(shown.counted_at, Some(7));
        assert_eq!(shown.devices, shown.by_state.values().sum::<u64>());
        let text = serde_json::to_value(&shown).unwrap();
        for row in &rows {
            let place = match row.name.as_str() {
                "state" => format!("/by_state/{}", row.label),
                _ => format!("/{}", row.label),
            };
            let found = text.pointer(&place).and_then(serde_json::Value::as_u64);
            assert_eq!(found, Some(row.value), "{place}");
        }
    }

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
            silent: 0,
            unexpected_network: 0,
        };
        let shown = view(Counted {
            counted_at: 7,
            rows: vec![
                row("all", None, None, 5),
                row("model", Some("A"), Some(family.as_str()), 2),
                row("model", Some("B"), Some(family.as_str()), 3),
                row("state", Some("armed"), None, 5),
                row("site", None, None, 4),
                row("site", Some("S"), Some("Quay"), 1),
            ],
        });
        assert_eq!(shown.counted_at, 7);
        let of_vendor = shown.by_vendor.get(vendor::of_family(family)).unwrap();
        assert_eq!((of_vendor.devices, of_vendor.disabled), (5, 2));
        assert_eq!(shown.by_model.len(), 2);
        assert_eq!(shown.by_state.get("armed").unwrap().devices, 5);
        let sites: Vec<_> = shown.by_site.iter().map(|site| &site.name).collect();
        assert_eq!(sites, [&Some("Quay".to_owned()), &None]);
    }
}
