//! The names that a tenant gives its files.

use ringfence_api::tenancy::names::StandsBack;
use ringfence_provision::family::Family;
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::serving::is_shared;
use ringfence_provision::url_template::{Macro, RouteError, UrlTemplate, check_url_len};

use crate::files::names::{CERTIFICATES, plain_name};
use crate::http::problem::Problem;
use crate::model::tenant::TenantOptions;

/// Names of one kind and form.
const MAX_NAMES: usize = 8;

/// Checks the names of a tenant, which is bound to a hostname or to none. Which names of families stand back
/// behind them.
///
/// # Errors
/// A name would never be served, is one that phones take for something else or could not be told, or two could read one
/// path in two ways.
pub fn check(options: &TenantOptions, hostname: Option<&str>) -> Result<Vec<StandsBack>, Problem> {
    check_servable(options, hostname)?;
    check_forbidden(options)?;
    check_told(options)?;
    let (_, back) = options.route_table().map_err(unroutable)?;
    Ok(back.into_iter().filter_map(StandsBack::new).collect())
}

fn unroutable(error: RouteError) -> Problem {
    let problem = Problem::invalid_value(format!("`options.urls`: {error}"));
    match error {
        RouteError::Conflict(conflict) => problem
            .with(
                "templates",
                [
                    conflict.first.template.as_str(),
                    conflict.second.template.as_str(),
                ],
            )
            .with("example_path", &conflict.example_path),
        _ => problem,
    }
}

/// Checks that no name is one that phones take for something else: a family's own, and one of all families where
/// nothing but the name tells whose file it is. At any other name of all families a device's family is asked, and its
/// phones hear nothing there.
fn check_forbidden(options: &TenantOptions) -> Result<(), Problem> {
    let rules = options.rules();
    for route in options.routes() {
        let example = route.template.shortest();
        let may_ask = |family: &Family| {
            family.kinds().contains(&route.kind)
                && match route.family {
                    Some(own) => own == *family,
                    None => {
                        is_shared(route.kind)
                            && rules.shared_family.is_none_or(|only| only == *family)
                    }
                }
        };
        let mut families = Family::ALL.into_iter().filter(may_ask);
        let Some(family) = families.find(|family| family.spec().forbids(&example)) else {
            continue;
        };
        let member = match route.family {
            Some(family) => format!("family_urls.{}", family.as_str()),
            None => "urls".to_owned(),
        };
        let name = route.template.as_str();
        let words = format!(
            "`options.{member}.{}.{}`: phones of the family {} take what is at {name} for something else than their \
             file; choose another name.",
            route.kind.as_str(),
            route.form.as_str(),
            family.as_str(),
        );
        return Err(Problem::invalid_value(words).with("templates", [name]));
    }
    Ok(())
}

/// Checks that phones which learn the name of their own file from one that several of them get can be told the names that
/// the tenant gives them: any other would lead them to where nothing is.
fn check_told(options: &TenantOptions) -> Result<(), Problem> {
    for (family, urls) in &options.family_urls {
        let Some(told) = family.spec().told else {
            continue;
        };
        let given = urls.get(&FileKind::Standard);
        // Phones of the family are to have no name at all.
        let has_none = given.is_some_and(|it| it.plain.is_empty() && it.sealed.is_empty());
        let Some(name) = plain_name(options, *family).filter(|_| !has_none) else {
            continue;
        };
        let id = family.as_str();
        let refuse = |member: &str, name: &UrlTemplate, why: String| {
            let name = name.as_str();
            let words = format!(
                "`options.{member}`: phones of the family {id} cannot be told the name {name}: {why}."
            );
            Err(Problem::invalid_value(words).with("templates", [name]))
        };
        let own = format!("family_urls.{id}");
        let own_plain = given.map(|names| &names.plain[..]).unwrap_or_default();
        let member = match own_plain {
            [] => "urls.standard.plain".to_owned(),
            _ => format!("{own}.standard.plain"),
        };
        if given.is_some()
            && let Err(why) = told.surely(&name, own_plain)
        {
            return refuse(&member, &name, why.to_string());
        }
        let sealed = given.map(|names| &names.sealed[..]).unwrap_or_default();
        if let Some(name) = sealed
            .iter()
            .find(|it| it.macros().any(|one| one == Macro::Fwver))
        {
            let why =
                "the phone's version is not known when its rule is written; leave {fwver} out";
            return refuse(&format!("{own}.standard.sealed"), name, why.to_owned());
        }
        let initial = urls.get(&FileKind::Initial);
        let indexes = match initial {
            Some(names) => names.plain.clone(),
            None => builtin_plain(*family, FileKind::Initial),
        };
        let elsewhere = indexes.iter().find(|it| it.folder() != name.folder());
        if let Some(index) = elsewhere.filter(|_| told.in_its_folder) {
            let why = format!(
                "they look for it in the folder of {}; put `initial` and `standard` into one folder, in {own}",
                index.as_str()
            );
            return refuse(&member, &name, why);
        }
    }
    Ok(())
}

/// The plain names of a kind by which phones of a family ask by themselves.
fn builtin_plain(family: Family, kind: FileKind) -> Vec<UrlTemplate> {
    let names = family.spec().names.iter();
    names
        .filter(|(of, form, _)| (*of, *form) == (kind, Form::Plain))
        .filter_map(|(_, _, name)| UrlTemplate::parse(name).ok())
        .collect()
}

/// Checks that every name can be served to some phone.
fn check_servable(options: &TenantOptions, hostname: Option<&str>) -> Result<(), Problem> {
    let of_families = options.family_urls.iter().flat_map(|(family, urls)| {
        let member = format!("options.family_urls.{}", family.as_str());
        urls.iter()
            .map(move |(kind, names)| (format!("{member}.{}", kind.as_str()), names))
    });
    let of_all = options.urls.iter();
    let of_all = of_all.map(|(kind, names)| (format!("options.urls.{}", kind.as_str()), names));
    for (member, names) in of_all.chain(of_families) {
        if names.plain.len() > MAX_NAMES || names.sealed.len() > MAX_NAMES {
            return Err(Problem::invalid_value(format!(
                "`{member}` has at most {MAX_NAMES} names of a form."
            )));
        }
    }
    let rules = options.rules();
    // As long as an access path is.
    let base = hostname.map(|host| format!("https://{host}/{}", "0".repeat(22)));
    for route in options.routes() {
        let name = route.template.as_str();
        let refuse = |why: String| {
            let member = match route.family {
                Some(family) => format!("family_urls.{}", family.as_str()),
                None => "urls".to_owned(),
            };
            let (kind, form) = (route.kind.as_str(), route.form.as_str());
            let words =
                format!("`options.{member}.{kind}.{form}`: {name} would never be served: {why}.");
            Err(Problem::invalid_value(words).with("templates", [name]))
        };
        if name.starts_with(CERTIFICATES) {
            return refuse(format!(
                "below `{CERTIFICATES}` are the tenant's certificates; choose another folder"
            ));
        }
        if let Err(error) = rules.check_name(&route) {
            return refuse(error.to_string());
        }
        if let Some(base) = &base
            && let Err(error) = check_url_len(base, &route.template.shortest())
        {
            return refuse(format!("{error}; choose a shorter name"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn options(text: &str) -> TenantOptions {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn phones_are_given_no_name_that_they_cannot_be_told() {
        let given = |family_urls: &str| {
            let options = options(&format!(r#"{{"family_urls":{{{family_urls}}}}}"#));
            check(&options, None).map_err(|problem| problem.detail)
        };
        for accepted in [
            r#""spa":{"standard":{"plain":["c/{mac}.cfg"],"sealed":["c/{mac}.enc"]}}"#,
            r#""spa":{"standard":{"plain":["{MODEL}/{MAC:COLONS}x.cfg"]}}"#,
            r#""spa":{"standard":{}}"#,
            r#""mpp":{"standard":{"plain":["m/Phone{MAC}.xml"]}}"#,
            r#""obi":{"standard":{"plain":["o/{MAC}.xml","o/{mac}.xml"],"sealed":["o/{MAC}.aes"]}}"#,
            r#""poly":{"standard":{"plain":["{mac}-acme.cfg"]}}"#,
            r#""poly":{"initial":{"plain":["p/{mac}.cfg"]},"standard":{"plain":["p/{mac}-acme.cfg"]}}"#,
            r#""poly":{"standard":{}}"#,
        ] {
            assert_eq!(given(accepted), Ok(Vec::new()), "{accepted}");
        }
        let refused = [
            r#""spa":{"standard":{"plain":["{mac}-{fwver}.cfg"]}}"#,
            r#""spa":{"standard":{"plain":["c/{mac}.cfg"],"sealed":["{fwver}/{mac}.enc"]}}"#,
            r#""obi":{"standard":{"plain":["o/{MAC}.xml"]}}"#,
            r#""obi":{"standard":{"plain":["{MAC}x.xml","{mac}x.xml"]}}"#,
            r#""poly":{"standard":{"plain":["{MAC}-acme.cfg"]}}"#,
            r#""poly":{"standard":{"plain":["p/{mac}-acme.cfg"]}}"#,
            r#""poly":{"initial":{"plain":["p/{mac}.cfg"]}}"#,
        ]
        .map(|text| format!("{text}\n{}", given(text).unwrap_err()));
        insta::assert_snapshot!(refused.join("\n\n"));
    }

    #[test]
    fn a_tenants_own_name_counts_before_a_familys_and_the_answer_says_so() {
        assert_eq!(check(&TenantOptions::default(), None).unwrap(), []);
        // The models' own initial file of two families is at this name.
        let own = options(r#"{"urls":{"product":{"plain":["{MODEL}.cfg"]}}}"#);
        let back = check(&own, None).unwrap();
        let told: Vec<_> = back
            .iter()
            .map(|it| (it.family.as_str(), &*it.name))
            .collect();
        assert_eq!(told, [("spa", "{MODEL}.cfg"), ("mpp", "{MODEL}.cfg")]);
        let table = own.route_table().unwrap().0;
        assert_eq!(
            table.resolve("spa504G.cfg").unwrap().kind,
            FileKind::Product
        );
        // What is narrower is in nobody's way.
        assert_eq!(
            table.resolve("CP-8841.cfg").unwrap().kind,
            FileKind::Initial
        );
        insta::assert_snapshot!(back.first().unwrap().message);
    }
}
