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

/// By the names that a tenant gives: they alone decide.
type Kept = Vec<(Vec<Route>, Rc<RouteTable>)>;

thread_local! {
    static TABLES: RefCell<Kept> = const { RefCell::new(Vec::new()) };
}

/// The table of a tenant's names, and of those under which phones of some families ask by themselves;
/// `None` if the tenant's contradict each other. Both are refused when they are saved; where a family's own
/// names came later and are in the way of stored ones, the tenant's count.
pub fn table(options: &TenantOptions) -> Option<Rc<RouteTable>> {
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
    let all = options.route_table();
    let table = all.or_else(|_| RouteTable::new(routes.clone())).ok()?;
    let table = Rc::new(table);
    TABLES.with_borrow_mut(|tables| {
        if tables.len() >= KEPT {
            tables.remove(0);
        }
        tables.push((routes, Rc::clone(&table)));
    });
    Some(table)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ringfence_provision::kind::FileKind;
    use ringfence_provision::url_template::UrlTemplate;

    use super::*;

    #[test]
    fn a_familys_own_names_stand_back_behind_the_tenants() {
        let of = |options: &TenantOptions, path| {
            let resolved = table(options).unwrap().resolve(path);
            resolved.map(|named| named.kind)
        };
        let path = "cfgc074ad2bd859.xml";
        let mut options = TenantOptions::default();
        assert_eq!(of(&options, path), Some(FileKind::Standard));
        // The same paths, in another way, and neither name is the narrower one.
        let name = UrlTemplate::parse("{MODEL}ad2bd859.xml").unwrap();
        let product = options.urls.entry(FileKind::Product).or_default();
        product.plain = vec![name];
        assert_eq!(of(&options, path), Some(FileKind::Product));
    }

    #[test]
    fn the_same_names_are_compared_with_each_other_once() {
        let options = TenantOptions::default();
        let first = table(&options).unwrap();
        let same = TenantOptions {
            retry_window_s: 60,
            ..options.clone()
        };
        assert!(Rc::ptr_eq(&first, &table(&same).unwrap()));
        let mut other = options;
        other.urls.clear();
        assert!(!Rc::ptr_eq(&first, &table(&other).unwrap()));
    }
}
