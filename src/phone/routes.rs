//! A tenant's names as a table, kept from request to request.
//!
//! Building the table proves that no path reads in two ways, which costs more than looking a path
//! up. The table is a function of the names alone, so keeping it can never be stale.

use std::cell::RefCell;
use std::rc::Rc;

use ringfence_provision::url_template::{Route, RouteTable};

use crate::model::tenant::TenantOptions;

/// As many tenants as an isolate usually serves at a time; the oldest goes first.
const KEPT: usize = 32;

type Kept = Vec<(Vec<Route>, Rc<RouteTable>)>;

thread_local! {
    static TABLES: RefCell<Kept> = const { RefCell::new(Vec::new()) };
}

/// The table of a tenant's names; `None` if they contradict each other, which is refused when they
/// are saved.
pub(super) fn table(options: &TenantOptions) -> Option<Rc<RouteTable>> {
    let routes = options.routes();
    let known = TABLES.with_borrow(|tables| {
        tables
            .iter()
            .find(|(names, _)| *names == routes)
            .map(|(_, table)| Rc::clone(table))
    });
    if known.is_some() {
        return known;
    }
    let table = Rc::new(RouteTable::new(routes.clone()).ok()?);
    TABLES.with_borrow_mut(|tables| {
        if tables.len() >= KEPT {
            tables.remove(0);
        }
        tables.push((routes, Rc::clone(&table)));
    });
    Some(table)
}
