//! What a row of the table of routes is, and how a path finds one.

use std::future::Future;
use std::pin::Pin;

use crate::api::request::allowance::Spent;
use crate::api::request::answer::{Answer, Outgoing};
use crate::api::request::auth::Needs;
use crate::api::request::call::{Call, Incoming, Input, Params};
use crate::api::request::commit::Failure;
use crate::http::problem::Problem;

/// What a handler gives back, boxed.
pub type Pending = Pin<Box<dyn Future<Output = Result<Outgoing, Failure>>>>;

/// Operations that render or check files, or read every device of a tenant, and do nothing else or concern many
/// devices. A change of one device checks that device's files too, no more than a look of its phone makes; it is
/// counted as the change that it is, so that a tenant's own import is not held to a check's pace.
const CHECKS: &[&str] = &[
    "lint",
    "lintDevice",
    "previewFile",
    "effectiveParameters",
    "putTenant",
    "putTenantSettings",
    "putSiteSettings",
    "putModelSettings",
    "putModel",
    "putTemplate",
    "putModelTemplate",
    "deleteTemplate",
    "deleteModelTemplate",
    "rollBackOptions",
    "rollBackSettings",
    "rollBackSiteSettings",
    "rollBackModelSettings",
    "rollBackTemplate",
    "rollBackModelTemplate",
    "diffFile",
    "runFileTests",
    "createRollout",
    "getAccessPathTarget",
    "explain",
    "countDevices",
    "createOperation",
    "putDevices",
    "exportDevices",
    "measureTable",
];

/// One operation: what the dispatcher matches on, and what the OpenAPI document is made from.
pub struct Route {
    pub method: &'static str,
    /// A path; `{name}` stands for one segment.
    pub pattern: &'static str,
    /// The `operationId`.
    pub operation: &'static str,
    pub needs: Needs,
    pub run: fn(Incoming) -> Pending,
    #[cfg(test)]
    pub summary: &'static str,
    #[cfg(test)]
    pub shapes: fn(&mut schemars::SchemaGenerator) -> super::openapi::Shapes,
}

/// Operations that a pool's object does before their entry is in the audit log.
const DONE_FIRST: &[&str] = &[
    "notifyDevice",
    "cancelJob",
    "createRollout",
    "pauseRollout",
    "resumeRollout",
    "cancelRollout",
    "testTenantWebhook",
    "resendTenantWebhookMessage",
];

impl Route {
    /// Whether it is done before its entry is in the audit log, which must have room for it then.
    pub fn is_done_first(&self) -> bool {
        DONE_FIRST.contains(&self.operation)
    }

    /// What a call of it spends of its token's allowance.
    pub fn spent(&self) -> Spent {
        match self.needs {
            _ if CHECKS.contains(&self.operation) => Spent::Check,
            Needs::Write | Needs::WriteAll => Spent::Write,
            Needs::Nothing | Needs::Read | Needs::ReadAll | Needs::Metrics => Spent::Read,
        }
    }
}

/// A row of the table. The types of a handler say what it takes and gives; nothing is said twice.
macro_rules! route {
    ($method:ident $pattern:literal $needs:ident $operation:literal $handler:path, $summary:literal) => {
        $crate::api::route::Route {
            method: stringify!($method),
            pattern: $pattern,
            operation: $operation,
            needs: $crate::api::request::auth::Needs::$needs,
            run: |incoming| $crate::api::route::run(incoming, $handler),
            #[cfg(test)]
            summary: $summary,
            #[cfg(test)]
            shapes: |generator| $crate::api::openapi::shapes(generator, $handler),
        }
    };
}
pub(super) use route;

/// Reads what a handler takes, runs it, and writes down what it gives.
pub fn run<Q, B, A, E, F>(incoming: Incoming, handler: fn(Call<Q, B>) -> F) -> Pending
where
    Q: Input + 'static,
    B: Input + 'static,
    A: Answer,
    // A handler whose change may be overtaken says so; for the others an error is an error.
    E: Into<Failure>,
    F: Future<Output = Result<A, E>> + 'static,
{
    // There are as many copies of this as operations: what can be done without their types is done outside.
    let call = match Call::new(incoming) {
        Ok(call) => call,
        Err(problem) => return refused(problem),
    };
    Box::pin(async move {
        match handler(call).await {
            Ok(answer) => Ok(answer.outgoing()?),
            Err(error) => tried(error.into()),
        }
    })
}

fn refused(problem: Problem) -> Pending {
    Box::pin(std::future::ready(Err(problem.into())))
}

fn tried(failure: Failure) -> Result<Outgoing, Failure> {
    match failure {
        Failure::Tried(answer) => Ok(*answer),
        failure => Err(failure),
    }
}

/// What a method and a path lead to.
pub enum RouteMatch<'a> {
    Route(&'a Route, Params),
    /// The path exists, for these methods.
    OtherMethod(Vec<&'static str>),
    Nothing,
}

/// Looks a request up in the table.
pub fn find<'a>(routes: &'a [Route], method: &str, path: &str) -> RouteMatch<'a> {
    let mut others = Vec::new();
    for route in routes {
        match matches(route.pattern, path) {
            Some(params) if route.method == method => return RouteMatch::Route(route, params),
            Some(_) => others.push(route.method),
            None => {}
        }
    }
    if others.is_empty() {
        RouteMatch::Nothing
    } else {
        RouteMatch::OtherMethod(others)
    }
}

/// What stands for the pattern's names in a path that fits it.
pub fn matches(pattern: &'static str, path: &str) -> Option<Params> {
    let mut params = Params::new();
    let mut segments = path.split('/');
    for wanted in pattern.split('/') {
        let segment = segments.next()?;
        match wanted
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'))
        {
            Some(name) => params.push((name, decode(segment)?)),
            None if wanted == segment => {}
            None => return None,
        }
    }
    segments.next().is_none().then_some(params)
}

/// A segment without its percent-encoding; nothing if it is empty or no UTF-8.
fn decode(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use crate::api::route::*;
    use crate::api::routes::ROUTES;

    fn operation(method: &str, path: &str) -> Option<&'static str> {
        match find(ROUTES, method, path) {
            RouteMatch::Route(route, _) => Some(route.operation),
            _ => None,
        }
    }

    #[test]
    fn a_path_finds_its_operation_and_its_names() {
        let path = "/api/v1/tenants/01JD/devices/00%3A80:F0:C5:71:EB/rekey";
        let RouteMatch::Route(route, params) = find(ROUTES, "POST", path) else {
            panic!("not found");
        };
        assert_eq!(route.operation, "rekeyDevice");
        assert_eq!(
            params,
            [
                ("tenant", "01JD".to_owned()),
                ("mac", "00:80:F0:C5:71:EB".to_owned())
            ]
        );
    }

    #[test]
    fn a_known_path_names_its_methods_for_an_unknown_one() {
        let RouteMatch::OtherMethod(methods) = find(ROUTES, "PATCH", "/api/v1/tenants/01JD") else {
            panic!("not found");
        };
        assert_eq!(methods, ["GET", "PUT", "DELETE"]);
    }

    #[test]
    fn nothing_else_is_found() {
        for path in [
            "/api/v1",
            "/api/v1/",
            "/api/v1/tenants/",
            "/api/v1/tenants//devices",
            "/",
            "",
        ] {
            assert_eq!(operation("GET", path), None, "{path}");
        }
        for segment in ["%", "%4", "%zz", "%ff"] {
            assert_eq!(
                operation("GET", &format!("/api/v1/tenants/{segment}")),
                None
            );
        }
    }

    #[test]
    fn no_two_routes_read_the_same_path_and_no_operation_is_there_twice() {
        for (at, route) in ROUTES.iter().enumerate() {
            for other in &ROUTES[at + 1..] {
                assert_ne!(route.operation, other.operation);
                let same = route.method == other.method
                    && (matches(route.pattern, other.pattern).is_some()
                        || matches(other.pattern, route.pattern).is_some());
                assert!(!same, "{} {}", route.pattern, other.pattern);
            }
        }
    }

    #[test]
    fn what_is_dear_is_counted_apart() {
        for operation in CHECKS.iter().chain(DONE_FIRST) {
            assert!(
                ROUTES.iter().any(|route| route.operation == *operation),
                "{operation}"
            );
        }
        let spent = |method, path| match find(ROUTES, method, path) {
            RouteMatch::Route(route, _) => route.spent(),
            _ => panic!("{path}"),
        };
        assert_eq!(spent("POST", "/api/v1/lint"), Spent::Check);
        assert_eq!(spent("POST", "/api/v1/explain"), Spent::Check);
        assert_eq!(spent("PUT", "/api/v1/tenants/T/settings"), Spent::Check);
        assert_eq!(spent("PUT", "/api/v1/tenants/T/devices/M"), Spent::Write);
        assert_eq!(spent("GET", "/api/v1/tenants/T/devices"), Spent::Read);
    }

    #[test]
    fn whatever_changes_something_needs_a_token_that_may_write() {
        // What they read does not fit into a URL, or must not stand in one.
        const READ_BY_POST: &[&str] = &["lint", "explain"];
        for route in ROUTES {
            let reads = route.method == "GET" || READ_BY_POST.contains(&route.operation);
            let may_write = route.needs.writes();
            assert_eq!(may_write, !reads, "{}", route.operation);
            let global = !route.pattern.contains("{tenant}");
            if may_write && global {
                assert_eq!(route.needs, Needs::WriteAll, "{}", route.operation);
            }
        }
    }
}
