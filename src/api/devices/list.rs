//! Lists of a tenant's devices: which ones, in which order, page by page.

use ringfence_api::answer::Shown;
use ringfence_api::devices::DeviceView;
use ringfence_api::devices::list::{DeviceQuery, SortBy};
use ringfence_api::page::Page;
use ringfence_provision::family::Family;
use ringfence_provision::vendor;

use crate::api::devices::fleet::{needle, number, number_key};
use crate::api::devices::view::device_view;
use crate::api::request::call::Call;
use crate::api::request::page::{self, PageWindow};
use crate::http::problem::Problem;
use crate::store::by_id::PageRows;
use crate::store::device_list::{self, Filter, ListPlace, Listed, Order, Placed, Sort};
use crate::store::search::{self, Needle};

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

/// Which devices, of a tenant that is at `version`.
///
/// # Errors
/// There is no such vendor.
pub fn filter(query: &DeviceQuery, version: u64) -> Result<Filter, Problem> {
    Ok(Filter {
        state: query.state,
        model: query.model.clone(),
        families: families(query)?,
        site: query.site.clone(),
        disabled: query.disabled,
        never_seen: query.never_seen,
        seen_before: query.last_seen_before,
        seen_after: query.last_seen_after,
        stale_below: query.stale.then_some(version),
        failing: query.failing,
        unexpected_network: query.unexpected_network,
        extension: query.extension.clone(),
    })
}

/// What is searched for.
///
/// # Errors
/// The text of `q` is too short, too long, or not on one line.
pub fn sought(query: &DeviceQuery) -> Result<Option<Needle>, Problem> {
    query.q.as_deref().map(needle).transpose()
}

fn families(query: &DeviceQuery) -> Result<Option<Vec<&'static str>>, Problem> {
    let of_vendor = |family: &Family| {
        let vendor = vendor::of_family(*family);
        query
            .vendor
            .as_deref()
            .is_none_or(|wanted| vendor.eq_ignore_ascii_case(wanted))
    };
    if query.vendor.is_some() && !Family::ALL.iter().any(of_vendor) {
        return Err(Problem::invalid_request(
            "`vendor` is none that is known: the list of families has them.",
        ));
    }
    if query.vendor.is_none() && query.family.is_none() {
        return Ok(None);
    }
    let wanted = Family::ALL
        .into_iter()
        .filter(of_vendor)
        .filter(|family| query.family.is_none_or(|own| own == *family));
    Ok(Some(wanted.map(|family| family.as_str()).collect()))
}

/// `listDevices`.
pub async fn list(call: Call<DeviceQuery>) -> Result<Shown<Page<DeviceView>>, Problem> {
    let tenant = call.tenant().await?;
    let query = &call.query;
    let filter = filter(query, tenant.version)?;
    if let Some(needle) = sought(query)? {
        return found(&call, &tenant.id, &needle, &filter).await;
    }
    let order = query.sort.map_or_else(|| filter.order(), Into::into);
    let window: PageWindow<3> = PageWindow::new(query.limit, query.cursor.as_deref())?;
    let name = name(order);
    let after = place(&window, &name)?;
    let db = &call.app.db;
    let looked: PageRows<Listed, ListPlace> = device_list::list(
        db,
        &tenant.id,
        &filter,
        order,
        after.as_ref(),
        window.rows(),
    )
    .await?;
    let now = call.app.now;
    let key = |place: ListPlace| [name.clone(), place.key, place.id];
    let mut page = window.page(
        looked.rows,
        |row| key(row.place()),
        |row| device_view(row.device, now),
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
        device_view(found.device, now)
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
pub(super) fn place(window: &PageWindow<3>, order: &str) -> Result<Option<ListPlace>, Problem> {
    match &window.after {
        None => Ok(None),
        Some([name, key, id]) if name == order => Ok(Some(ListPlace {
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
        let expected = ListPlace {
            key: "Desk 4".into(),
            id: "01JD".into(),
        };
        assert_eq!(place_of(by_label).unwrap(), Some(expected));
        assert_eq!(place_of(Order::default()).unwrap_err().status(), 400);
    }

    #[test]
    fn a_vendor_is_all_of_its_families_and_one_that_nobody_knows_is_refused() {
        let all = |text: &str| families(&query(text));
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
