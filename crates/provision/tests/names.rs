//! The names by which phones of all families ask, in one tenant.

#![allow(clippy::unwrap_used)]

use ringfence_provision::family::Family;
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::url_template::{Route, RouteTable, UrlTemplate};
use ringfence_provision::vendor::NAMES;

/// The names of a tenant that gives none.
fn routes() -> Vec<Route> {
    let route = |(kind, form, name): &(FileKind, Form, &str), family| Route {
        kind: *kind,
        form: *form,
        template: UrlTemplate::parse(name).unwrap(),
        family,
    };
    let common = NAMES.iter().map(|name| route(name, None));
    let own = Family::ALL.into_iter().flat_map(|family| {
        let names = family.spec().names.iter();
        names.map(move |name| route(name, Some(family)))
    });
    common.chain(own).collect()
}

#[test]
fn no_family_asks_by_a_name_that_means_another_kind_of_file_elsewhere() {
    // Otherwise none of the families' own names would be answered.
    let (common, own): (Vec<Route>, Vec<Route>) =
        routes().into_iter().partition(|it| it.family.is_none());
    RouteTable::beside(common, &own).unwrap();
}

#[test]
fn a_name_that_must_never_be_there_is_no_device_s_file_of_its_family() {
    for family in Family::ALL {
        let own = routes().into_iter().filter(|it| it.family == Some(family));
        let table = RouteTable::new(own.collect()).unwrap();
        for name in family.spec().never {
            for text in ["", "64167f123456", "64167F123456", "0000"] {
                let name = name.replace('*', text);
                assert_eq!(table.resolve(&name), None, "{family:?} {name}");
            }
        }
    }
}
