//! Devices across tenants, for tokens that see them all: to find one, and to see which MACs are there
//! more than once.

use ringfence_api::answer::Shown;
use ringfence_api::devices::DeviceView;
use ringfence_api::devices::fleet::{AlsoIn, FleetQuery, FoundDevice, WithDoubles};
use ringfence_api::page::Page;
use ringfence_provision::mac::Mac;

use crate::api::devices::view::device_view;
use crate::api::request::call::{Call, Context};
use crate::api::request::page::{self, PageWindow};
use crate::http::problem::Problem;
use crate::store::device_list::Filter;
use crate::store::search::{self, Double, Needle, SearchHit};

/// `listAllDevices`.
pub async fn list(call: Call<FleetQuery>) -> Result<Shown<Page<FoundDevice>>, Problem> {
    let query = &call.query;
    let db = &call.app.db;
    let now = call.app.now;
    let view = |found: SearchHit| FoundDevice {
        tenant: found.device.tenant_id.clone(),
        tenant_name: found.tenant_name,
        device: device_view(found.device, now),
    };
    let cursor = query.cursor.as_deref();
    match (&query.q, &query.mac, query.doubled) {
        (Some(text), None, false) => {
            let window: PageWindow<2> = PageWindow::new(query.limit, cursor)?;
            let (needle, after) = (needle(text)?, number(&window)?);
            let filter = Filter::default();
            let rows = search::find(db, None, &needle, &filter, after, window.rows()).await?;
            Ok(Shown(window.page(rows, number_key, view)))
        }
        (None, None, true) => {
            let window: PageWindow<2> = PageWindow::new(query.limit, cursor)?;
            let after = window.after.as_ref().map(|[mac, id]| [&**mac, &**id]);
            let rows = search::doubled(db, after.unwrap_or_default(), window.rows()).await?;
            let key = |row: &SearchHit| [row.device.mac.clone(), row.device.id.clone()];
            Ok(Shown(window.page(rows, key, view)))
        }
        (None, mac, false) => {
            let window: PageWindow = PageWindow::new(query.limit, cursor)?;
            let after = window.after_text();
            let rows = match mac {
                Some(text) => {
                    let mac = Mac::parse(text).map_err(|error| {
                        Problem::invalid_request(format!(
                            "`mac`: {error}. For a part of one use `q`."
                        ))
                    })?;
                    search::with_mac(db, &mac.upper(), after, window.rows()).await?
                }
                None => search::all(db, after, window.rows()).await?,
            };
            Ok(Shown(window.page(
                rows,
                |row| [row.device.id.clone()],
                view,
            )))
        }
        _ => Err(Problem::invalid_request(
            "Use one of `q`, `mac` and `doubled` at a time.",
        )),
    }
}

/// A device that was added, with those who have its MAC too, where the token may know of them. For a
/// token of one tenant nothing is looked up, so it takes the same whether there are any or not.
///
/// # Errors
/// D1 does not answer.
pub async fn with_doubles(
    call: &Context,
    tenant_id: &str,
    device: DeviceView,
) -> Result<WithDoubles, Problem> {
    let doubles = match call.token.tenant {
        Some(_) => Vec::new(),
        None => search::doubles(&call.app.db, tenant_id, &device.mac).await?,
    };
    let also_in = |double: Double| AlsoIn {
        tenant: double.tenant_id,
        tenant_name: double.tenant_name,
        device: double.id,
    };
    Ok(WithDoubles {
        device,
        also_in: doubles.into_iter().map(also_in).collect(),
    })
}

/// What `?q=` says.
///
/// # Errors
/// The text is too short, too long, or not on one line.
pub fn needle(text: &str) -> Result<Needle, Problem> {
    Needle::parse(text).ok_or_else(|| {
        Problem::invalid_request(format!(
            "`q` has {} to {} characters on one line.",
            search::MIN_CHARS,
            search::MAX_CHARS
        ))
    })
}

/// A page of a search goes on behind this number.
///
/// # Errors
/// The cursor is another list's.
pub fn number(window: &PageWindow<2>) -> Result<u64, Problem> {
    match &window.after {
        None => Ok(0),
        Some([word, number]) => Some(number)
            .filter(|_| word == SEARCH)
            .and_then(|number| number.parse().ok())
            .ok_or_else(page::foreign_cursor),
    }
}

/// What a page of a search goes on behind.
pub fn number_key(found: &SearchHit) -> [String; 2] {
    numbered(found.number)
}

/// The same behind a number.
pub fn numbered(number: u64) -> [String; 2] {
    [SEARCH.to_owned(), number.to_string()]
}

/// What the cursors of searches begin with.
const SEARCH: &str = "search";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::devices::fleet::*;

    #[test]
    fn a_search_goes_on_with_its_own_cursor_alone() {
        let window = |parts: [&str; 2]| {
            let cursor = page::cursor(&parts.map(str::to_owned));
            PageWindow::<2>::new(None, Some(&cursor)).unwrap()
        };
        assert_eq!(number(&window([SEARCH, "7"])).unwrap(), 7);
        for parts in [["1700000000000", "01JD"], [SEARCH, "x"], [SEARCH, "-1"]] {
            assert_eq!(number(&window(parts)).unwrap_err().status(), 400);
        }
        assert_eq!(number(&PageWindow::new(None, None).unwrap()).unwrap(), 0);
    }

    #[test]
    fn what_is_too_short_says_so() {
        let problem = needle("ab").unwrap_err();
        assert_eq!(problem.status(), 400);
        assert!(problem.detail.contains("3 to 100"));
    }

    #[test]
    fn a_device_without_doubles_is_shown_as_ever() {
        let device = device_view(crate::api::devices::tests::row(), 1600);
        let alone = WithDoubles {
            device: device.clone(),
            also_in: Vec::new(),
        };
        assert_eq!(
            serde_json::to_value(&alone).unwrap(),
            serde_json::to_value(&device).unwrap()
        );
    }
}
