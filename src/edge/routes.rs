//! A tenant's names as a table, kept from request to request.
//!
//! Building the table proves that no path reads in two ways, which costs more than looking a path
//! up. The table is a function of the names alone, so keeping it can never be stale.

use std::cell::RefCell;
use std::rc::Rc;

use ringfence_provision::family::Family;
use ringfence_provision::kind::FileKind;
use ringfence_provision::url_template::{Route, RouteError, RouteTable};

use crate::model::tenant::TenantOptions;

/// As many tenants as an isolate usually serves at a time; the oldest goes first.
const MAX_TABLES: usize = 32;

/// By the names that a tenant gives, and for which files of families it gives some, if only none: they alone
/// decide.
type Tables = Vec<(TableKey, Rc<RouteTable>)>;
type TableKey = (Vec<Route>, Vec<(Family, FileKind)>);

thread_local! {
    static TABLES: RefCell<Tables> = const { RefCell::new(Vec::new()) };
}

/// The table of a tenant's names, and of those under which phones of some families ask by themselves;
/// `None` if the tenant's contradict each other. Both are refused when they are saved; where a family's own
/// names came later and are in the way of stored ones, the tenant's count, and the others of families stay.
pub fn table(options: &TenantOptions) -> Option<Rc<RouteTable>> {
    let of_families = options.family_urls.iter();
    let given =
        of_families.flat_map(|(family, urls)| urls.keys().map(move |kind| (*family, *kind)));
    let names: TableKey = (options.routes(), given.collect());
    let known = TABLES.with_borrow(|tables| {
        tables
            .iter()
            .find(|(kept, _)| *kept == names)
            .map(|(_, table)| Rc::clone(table))
    });
    if known.is_some() {
        return known;
    }
    let table = with_families_names(options, &names.0)?;
    let table = Rc::new(table);
    TABLES.with_borrow_mut(|tables| {
        if tables.len() >= MAX_TABLES {
            tables.remove(0);
        }
        tables.push((names, Rc::clone(&table)));
    });
    Some(table)
}

/// The tenant's names, and of those of families the ones that are not in their way.
fn with_families_names(options: &TenantOptions, routes: &[Route]) -> Option<RouteTable> {
    let mut of_families = options.builtin_routes();
    loop {
        let conflict = match RouteTable::beside(routes.to_vec(), &of_families) {
            Ok((table, _)) => return Some(table),
            Err(RouteError::Conflict(conflict)) => conflict,
            Err(_) => return RouteTable::new(routes.to_vec()).ok(),
        };
        let before = of_families.len();
        of_families.retain(|route| *route != conflict.first && *route != conflict.second);
        if of_families.len() == before {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

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
        // What is in nobody's way stays.
        assert_eq!(of(&options, "805ec0123456.cfg"), Some(FileKind::Standard));
    }

    #[test]
    fn a_tenant_that_wants_no_name_of_a_family_shares_no_table_with_one_that_does() {
        let options = TenantOptions::default();
        let path = "cfgc074ad2bd859.xml";
        let kind = |options| {
            table(options)
                .unwrap()
                .resolve(path)
                .map(|named| named.kind)
        };
        assert_eq!(kind(&options), Some(FileKind::Standard));
        let none = r#"{"family_urls":{"gxp":{"standard":{}},"gxp-v2":{"standard":{}},"ht":{"standard":{}},"htek":{"standard":{}},"htek-u":{"standard":{}}}}"#;
        let without = TenantOptions {
            family_urls: serde_json::from_str::<TenantOptions>(none)
                .unwrap()
                .family_urls,
            ..options.clone()
        };
        assert_ne!(kind(&without), Some(FileKind::Standard));
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
