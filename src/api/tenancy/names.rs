//! The names that a tenant gives its files.

use ringfence_api::tenancy::names::StandsBack;
use ringfence_provision::family::Family;
use ringfence_provision::serving::is_shared;
use ringfence_provision::url_template::{RouteError, check_url_len};

use crate::files::names::CERTIFICATES;
use crate::http::problem::Problem;
use crate::model::tenant::TenantOptions;

/// Names of one kind and form.
const MAX_NAMES: usize = 8;

/// Checks the names of a tenant, which is bound to a hostname or to none. Which names of families stand back
/// behind them.
///
/// # Errors
/// A name would never be served, is one that phones take for something else, or two could read one path in two
/// ways.
pub fn check(options: &TenantOptions, hostname: Option<&str>) -> Result<Vec<StandsBack>, Problem> {
    check_servable(options, hostname)?;
    check_forbidden(options)?;
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
    use ringfence_provision::kind::FileKind;

    #[test]
    fn a_tenants_own_name_counts_before_a_familys_and_the_answer_says_so() {
        let options = |text: &str| serde_json::from_str::<TenantOptions>(text).unwrap();
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
