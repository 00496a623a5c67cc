//! Lists of a tenant's devices: which ones, in which order, page by page.

use ringfence_provision::family::Family;
use ringfence_provision::lifecycle::KeyState;
use ringfence_provision::vendor;
use serde::Deserialize;

use crate::api::devices::DeviceView;
use crate::api::devices::fleet::{needle, number, number_key};
use crate::api::request::answer::Shown;
use crate::api::request::call::Call;
use crate::api::request::page::{self, Page, PageWindow};
use crate::http::problem::Problem;
use crate::store::device_list::{self, Filter, Listed, Looked, Order, Place, Placed, Sort};
use crate::store::search::{self, Needle};

/// Which devices, and in which order.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DeviceQuery {
    /// Only devices that this text fits: words of three characters or more, each a part of a MAC in
    /// any notation, of a label, of a model, of a site's name or of a setting of the device's own that is no
    /// secret, such as the user of a line. Found devices have an order of their own.
    pub q: Option<String>,
    /// Only devices whose key is in this state.
    pub state: Option<KeyState>,
    /// Only devices of this model.
    pub model: Option<String>,
    /// Only devices of this family.
    pub family: Option<Family>,
    /// Only devices of this vendor, as `listFamilies` names it.
    pub vendor: Option<String>,
    /// Only devices of the site with this id.
    pub site: Option<String>,
    /// Only devices one of whose lines has exactly this user in the device's own settings, unless it is a secret.
    pub extension: Option<String>,
    /// Only devices that are out of service, or only those that are in service.
    pub disabled: Option<bool>,
    /// Only devices that never asked for anything.
    pub never_seen: bool,
    /// Only devices whose last request is before this time in Unix milliseconds.
    pub last_seen_before: Option<u64>,
    /// Only devices whose last request is at or after this time in Unix milliseconds.
    pub last_seen_after: Option<u64>,
    /// Only devices that took their standard file and lack the last version of it.
    pub stale: bool,
    /// Only devices whose last request was refused, or for a file that is broken.
    pub failing: bool,
    /// Only devices whose bootstrap was taken from none of the tenant's `expected_networks`.
    pub unexpected_network: bool,
    /// The order: by what, the smallest first, or with `-` before it the greatest first. Left out, it is the one
    /// in which the other filters are answered soonest. Not together with `q`.
    pub sort: Option<SortBy>,
    /// How many items; 1 to 200, by default 50. With several filters a page may be shorter and still not the last:
    /// `next` tells.
    pub limit: Option<u32>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

/// What a list of devices is sorted by. Devices that are equal in it are in the order in which they were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[rustfmt::skip]
pub enum SortBy {
    #[serde(rename = "added")] Added,
    #[serde(rename = "-added")] AddedLast,
    #[serde(rename = "mac")] Mac,
    #[serde(rename = "-mac")] MacLast,
    #[serde(rename = "label")] Label,
    #[serde(rename = "-label")] LabelLast,
    #[serde(rename = "model")] Model,
    #[serde(rename = "-model")] ModelLast,
    #[serde(rename = "last_seen")] LastSeen,
    #[serde(rename = "-last_seen")] LastSeenLast,
    #[serde(rename = "changed")] Changed,
    #[serde(rename = "-changed")] ChangedLast,
}

impl From<SortBy> for Order {
    fn from(by: SortBy) -> Self {
        let (sort, descending) = match by {
            SortBy::Added => (Sort::Added, false),
            SortBy::AddedLast => (Sort::Added, true),
            SortBy::Mac => (Sort::Mac, false),
            SortBy::MacLast => (Sort::Mac, true),
            SortBy::Label => (Sort::Label, false),
            SortBy::LabelLast => (Sort::Label, true),
            SortBy::Model => (Sort::Model, false),
            SortBy::ModelLast => (Sort::Model, true),
            SortBy::LastSeen => (Sort::LastSeen, false),
            SortBy::LastSeenLast => (Sort::LastSeen, true),
            SortBy::Changed => (Sort::Changed, false),
            SortBy::ChangedLast => (Sort::Changed, true),
        };
        Self { sort, descending }
    }
}

impl DeviceQuery {
    /// Which devices, of a tenant that is at `version`.
    ///
    /// # Errors
    /// There is no such vendor.
    pub fn filter(&self, version: u64) -> Result<Filter, Problem> {
        Ok(Filter {
            state: self.state,
            model: self.model.clone(),
            families: self.families()?,
            site: self.site.clone(),
            disabled: self.disabled,
            never_seen: self.never_seen,
            seen_before: self.last_seen_before,
            seen_after: self.last_seen_after,
            stale_below: self.stale.then_some(version),
            failing: self.failing,
            unexpected_network: self.unexpected_network,
            extension: self.extension.clone(),
        })
    }

    /// What is searched for.
    ///
    /// # Errors
    /// It is too short, too long, or not on one line.
    pub fn needle(&self) -> Result<Option<Needle>, Problem> {
        self.q.as_deref().map(needle).transpose()
    }

    fn families(&self) -> Result<Option<Vec<&'static str>>, Problem> {
        let of_vendor = |family: &Family| {
            let vendor = vendor::of_family(*family);
            self.vendor
                .as_deref()
                .is_none_or(|wanted| vendor.eq_ignore_ascii_case(wanted))
        };
        if self.vendor.is_some() && !Family::ALL.iter().any(of_vendor) {
            return Err(Problem::invalid_request(
                "`vendor` is none that is known: `GET /api/v1/families` lists them.",
            ));
        }
        if self.vendor.is_none() && self.family.is_none() {
            return Ok(None);
        }
        let wanted = Family::ALL
            .into_iter()
            .filter(of_vendor)
            .filter(|family| self.family.is_none_or(|own| own == *family));
        Ok(Some(wanted.map(|family| family.as_str()).collect()))
    }
}

/// `listDevices`.
pub async fn list(call: Call<DeviceQuery>) -> Result<Shown<Page<DeviceView>>, Problem> {
    let tenant = call.tenant().await?;
    let query = &call.query;
    let filter = query.filter(tenant.version)?;
    if let Some(needle) = query.needle()? {
        return found(&call, &tenant.id, &needle, &filter).await;
    }
    let order = query.sort.map_or_else(|| filter.order(), Into::into);
    let window: PageWindow<3> = PageWindow::new(query.limit, query.cursor.as_deref())?;
    let name = name(order);
    let after = place(&window, &name)?;
    let db = &call.app.db;
    let looked: Looked<Listed> = device_list::list(
        db,
        &tenant.id,
        &filter,
        order,
        after.as_ref(),
        window.rows(),
    )
    .await?;
    let now = call.app.now;
    let key = |place: Place| [name.clone(), place.key, place.id];
    let mut page = window.page(
        looked.rows,
        |row| key(row.place()),
        |row| DeviceView::new(row.device, now),
    );
    if page.next.is_none() {
        page.next = looked.ended_at.map(|place| page::cursor(&key(place)));
    }
    Ok(Shown(page))
}

async fn found(
    call: &Call<DeviceQuery>,
    tenant_id: &str,
    needle: &Needle,
    filter: &Filter,
) -> Result<Shown<Page<DeviceView>>, Problem> {
    let query = &call.query;
    if query.sort.is_some() {
        return Err(Problem::invalid_request(
            "What `q` finds has an order of its own: leave `sort` out.",
        ));
    }
    let window: PageWindow<2> = PageWindow::new(query.limit, query.cursor.as_deref())?;
    let after = number(&window)?;
    let db = &call.app.db;
    let rows = search::find(db, Some(tenant_id), needle, filter, after, window.rows()).await?;
    let now = call.app.now;
    Ok(Shown(window.page(rows, number_key, |found| {
        DeviceView::new(found.device, now)
    })))
}

/// What the cursors of an order begin with.
pub(super) fn name(order: Order) -> String {
    let way = if order.descending { "-" } else { "" };
    format!("{way}{:?}", order.sort)
}

/// Where a page goes on.
///
/// # Errors
/// The cursor is another list's.
pub(super) fn place(window: &PageWindow<3>, order: &str) -> Result<Option<Place>, Problem> {
    match &window.after {
        None => Ok(None),
        Some([name, key, id]) if name == order => Ok(Some(Place {
            key: key.clone(),
            id: id.clone(),
        })),
        Some(_) => Err(page::foreign_cursor()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::devices::list::*;
    use crate::api::request::read;

    fn query(text: &str) -> DeviceQuery {
        read::query(text).unwrap()
    }

    #[test]
    fn a_list_goes_on_in_its_own_order_alone() {
        let by_label: Order = query("sort=-label").sort.unwrap().into();
        assert_eq!((by_label.sort, by_label.descending), (Sort::Label, true));
        let cursor = page::cursor(&[name(by_label), "Desk 4".into(), "01JD".into()]);
        let window: PageWindow<3> = PageWindow::new(None, Some(&cursor)).unwrap();
        let place_of = |order| place(&window, &name(order));
        let expected = Place {
            key: "Desk 4".into(),
            id: "01JD".into(),
        };
        assert_eq!(place_of(by_label).unwrap(), Some(expected));
        assert_eq!(place_of(Order::default()).unwrap_err().status(), 400);
    }

    #[test]
    fn a_vendor_is_all_of_its_families_and_one_that_nobody_knows_is_refused() {
        let all = |text: &str| query(text).families();
        assert_eq!(all("").unwrap(), None);
        let first = Family::ALL[0];
        let vendor = vendor::of_family(first);
        let of_vendor = all(&format!("vendor={}", vendor.to_lowercase()))
            .unwrap()
            .unwrap();
        for family in Family::ALL {
            let is_theirs = vendor::of_family(family) == vendor;
            assert_eq!(of_vendor.contains(&family.as_str()), is_theirs);
        }
        let both = format!("vendor={vendor}&family={}", first.as_str());
        assert_eq!(all(&both).unwrap().unwrap(), [first.as_str()]);
        assert_eq!(all("vendor=nobody").unwrap_err().status(), 400);
    }
}
