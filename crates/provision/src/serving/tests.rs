#![allow(clippy::unwrap_used)]

use crate::vendor::{self, cisco, panasonic};
use proptest::prelude::*;

use super::*;
use crate::mac::Mac;
use crate::url_template::{RouteTable, UrlVars};

const RULES: Rules = Rules {
    shared_in_clear: false,
    shared_family: None,
    unverified_profiles: false,
    sealed_over_http: false,
};

fn route(kind: FileKind, form: Form, template: &str) -> Route {
    Route {
        kind,
        form,
        template: UrlTemplate::parse(template).unwrap(),
        family: None,
    }
}

fn in_clear(family: Family) -> Present {
    Present {
        family,
        in_clear: true,
    }
}

/// Every phone that a tenant with these rules may have.
fn phones(rules: Rules) -> impl Iterator<Item = (Family, Option<Profile>)> {
    Family::ALL.into_iter().flat_map(move |family| {
        let profiles = family.profiles().filter_map(vendor::profile);
        let usable =
            profiles.filter(move |one| one.grade.is_sealing() || rules.unverified_profiles);
        std::iter::once(None)
            .chain(usable.map(Some))
            .map(move |profile| (family, profile))
    })
}

/// What happens to a request for a path by a phone in a tenant that has no others: the way of the
/// Worker's handlers.
fn is_served(
    table: &RouteTable,
    rules: &Rules,
    path: &str,
    family: Family,
    profile: Option<&Profile>,
) -> bool {
    let Some(resolved) = table.resolve(path) else {
        return false;
    };
    if Audience::named(resolved.mac.is_some(), resolved.model.is_some()) == Audience::Everyone {
        let own = Present {
            family,
            in_clear: profile.is_none(),
        };
        if rules.family_for_everyone(resolved.kind, resolved.family, &[own]) != Some(family) {
            return false;
        }
    }
    let phone = Phone { family, profile };
    rules
        .serves(resolved.kind, resolved.form, extension(path), phone)
        .is_ok()
}

fn some_rules() -> impl Strategy<Value = Rules> {
    let family = prop::option::of(prop::sample::select(Family::ALL.to_vec()));
    (any::<bool>(), family, any::<bool>(), any::<bool>()).prop_map(
        |(shared_in_clear, shared_family, unverified_profiles, sealed_over_http)| Rules {
            shared_in_clear,
            shared_family,
            unverified_profiles,
            sealed_over_http,
        },
    )
}

fn some_route() -> impl Strategy<Value = Route> {
    let name = prop::sample::select(vec![
        "",
        "{MAC}",
        "{mac}",
        "{MODEL}",
        "{fwver}",
        "{MODEL}/{mac}",
        "{MAC}-{fwver}",
    ]);
    let end = prop::sample::select(vec![
        ".cfg", ".xml", ".enc", ".e1c", ".e2c", ".e3c", ".sealed", "",
    ]);
    let kind = prop::sample::select(FileKind::ALL.to_vec());
    let form = prop::sample::select(vec![Form::Plain, Form::Sealed]);
    let family = prop::option::of(prop::sample::select(Family::ALL.to_vec()));
    ("[a-z]{1,3}/", name, end, kind, form, family).prop_filter_map(
        "not a template",
        |(folder, name, end, kind, form, family)| {
            let template = UrlTemplate::parse(&format!("{folder}{name}x{end}")).ok()?;
            Some(Route {
                kind,
                form,
                template,
                family,
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_name_is_accepted_exactly_if_some_phone_could_get_its_file(
        rules in some_rules(),
        routes in prop::collection::vec(some_route(), 1..4),
    ) {
        // What the table refuses is never a name.
        let Ok(table) = RouteTable::new(routes.clone()) else { return Ok(()) };
        for route in routes {
            let mac = Mac::parse("0080F0C571EB").unwrap();
            let vars = UrlVars { mac: Some(mac), model: Some("KX-A1"), fwver: Some("01.000") };
            let path = route.template.render(&vars).unwrap();
            let mine = |family: Family| route.family.is_none_or(|own| own == family);
            let served = phones(rules)
                .filter(|(family, _)| mine(*family))
                .any(|(family, profile)| {
                    is_served(&table, &rules, &path, family, profile.as_ref())
                });
            let accepted = rules.check_name(&route);
            prop_assert_eq!(served, accepted.is_ok(), "{}: {:?}", route, accepted);
        }
    }
}

#[test]
fn a_name_for_everyone_is_served_in_every_kind_that_is_not_one_devices() {
    for kind in [FileKind::Initial, FileKind::Master, FileKind::System] {
        let route = route(kind, Form::Plain, "master.cfg");
        assert_eq!(RULES.check_name(&route), Ok(()), "{kind:?}");
    }
}

#[test]
fn a_name_that_nobody_could_get_is_refused_with_what_to_do() {
    let refusal = |kind, template, family| {
        let route = Route {
            family,
            ..route(kind, Form::Sealed, template)
        };
        RULES.check_name(&route).unwrap_err().to_string()
    };
    for (kind, template, family, advice) in [
        (
            FileKind::Initial,
            "{MAC}.enc",
            None,
            "put the name into `plain`",
        ),
        (
            FileKind::System,
            "{MAC}.enc",
            None,
            "no profile that the tenant may use seals a system",
        ),
        (
            FileKind::System,
            "{MAC}.e2c",
            None,
            "set the option `unverified_profiles`",
        ),
        (
            FileKind::Master,
            "{MAC}.e2c",
            None,
            "set the option `unverified_profiles`",
        ),
        (FileKind::Master, "{MAC}.bin", None, "must end in .enc"),
        (
            FileKind::System,
            "{MAC}.e2c",
            Some(panasonic::UTG),
            "the family utg ask for no system file",
        ),
    ] {
        let words = refusal(kind, template, family);
        assert!(words.contains(advice), "{template}: {words}");
    }
}

#[test]
fn a_kind_that_one_family_has_needs_no_choice() {
    let families = [in_clear(panasonic::HDV), in_clear(panasonic::UDS124)];
    let rules = Rules {
        shared_family: Some(panasonic::HDV),
        ..RULES
    };
    for rules in [RULES, rules] {
        let system = rules.family_for_everyone(FileKind::System, None, &families);
        assert_eq!(system, Some(panasonic::UDS124));
    }
    let master = |rules: Rules| rules.family_for_everyone(FileKind::Master, None, &families);
    assert_eq!(master(RULES), None);
    assert_eq!(master(rules), Some(panasonic::HDV));
}

#[test]
fn phones_that_get_shared_files_sealed_leave_nothing_to_choose() {
    let sealed = Present {
        family: panasonic::UTG,
        in_clear: false,
    };
    let families = [sealed, in_clear(panasonic::HDV)];
    let master = |rules: Rules| rules.family_for_everyone(FileKind::Master, None, &families);
    assert_eq!(master(RULES), Some(panasonic::HDV));
    let plain = Rules {
        shared_in_clear: true,
        ..RULES
    };
    assert_eq!(master(plain), None);
    // Every phone gets its initial file in clear.
    assert_eq!(
        RULES.family_for_everyone(FileKind::Initial, None, &families),
        None
    );
}

#[test]
fn a_name_of_one_family_is_for_that_family() {
    let families = [in_clear(panasonic::HDV), in_clear(panasonic::UDS124)];
    let master = |named| RULES.family_for_everyone(FileKind::Master, Some(named), &families);
    assert_eq!(master(panasonic::UDS124), Some(panasonic::UDS124));
    assert_eq!(master(panasonic::HDV), Some(panasonic::HDV));
    assert_eq!(master(panasonic::UT), None);
}

#[test]
fn nobody_is_told_a_file_that_it_cannot_read() {
    let rules = Rules {
        shared_family: Some(panasonic::HDV),
        ..RULES
    };
    assert!(rules.may_be_announced(FileKind::Master, panasonic::UDS124));
    assert!(!rules.may_be_announced(FileKind::Master, panasonic::UTG));
    // The choice is about a kind that the family has.
    assert!(rules.may_be_announced(FileKind::System, panasonic::UDS124));
    assert!(RULES.may_be_announced(FileKind::Master, panasonic::UTG));
}

#[test]
fn sealed_files_are_served_beside_plain_ones() {
    let utg = vendor::profile("utg-128").unwrap();
    let rules = Rules {
        shared_in_clear: true,
        ..RULES
    };
    let phone = Phone {
        family: panasonic::UTG,
        profile: Some(&utg),
    };
    let master = |rules: Rules, form| rules.serves(FileKind::Master, form, "enc", phone);
    assert_eq!(master(rules, Form::Sealed), Ok(()));
    assert_eq!(master(rules, Form::Plain), Ok(()));
    assert_eq!(master(RULES, Form::Plain), Err(NotServed::SealedOnly));
}

#[test]
fn a_sealed_file_names_plain_http_for_phones_that_could_not_follow_to_https_and_for_no_others() {
    let allowed = Rules {
        sealed_over_http: true,
        ..RULES
    };
    for family in Family::ALL {
        let cannot_follow = family == cisco::SPA;
        assert_eq!(allowed.stays_on_http(Form::Sealed, family), cannot_follow);
        assert!(!allowed.stays_on_http(Form::Plain, family));
        assert!(!RULES.stays_on_http(Form::Sealed, family));
    }
}
