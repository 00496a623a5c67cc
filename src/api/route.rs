//! How a path finds its operation, and how the handler of one is run.

use std::future::Future;
use std::pin::Pin;

use ringfence_api::operation::{Needs, Operation, Shape};
use ringfence_api::path::{self, Params};
use ringfence_api::query::Input;

use crate::api::request::allowance::Spent;
use crate::api::request::answer::{IntoOutgoing, Outgoing};
use crate::api::request::call::{Call, Incoming};
use crate::api::request::commit::Failure;
use crate::http::problem::Problem;

/// What a handler gives back, boxed.
pub type Pending = Pin<Box<dyn Future<Output = Result<Outgoing, Failure>>>>;

/// Operations that render or check files, or read every device of a tenant, and do nothing else or concern many
/// devices. A change of one device checks that device's files too, no more than a look of its phone makes; it is
/// counted as the change that it is, so that a tenant's own import is not held to a check's pace.
const CHECKS: &[Operation] = &[
    Operation::Lint,
    Operation::LintDevice,
    Operation::PreviewFile,
    Operation::EffectiveParameters,
    Operation::PutTenant,
    Operation::PutTenantSettings,
    Operation::PutSiteSettings,
    Operation::PutModelSettings,
    Operation::PutModel,
    Operation::PutTemplate,
    Operation::PutModelTemplate,
    Operation::DeleteTemplate,
    Operation::DeleteModelTemplate,
    Operation::RollBackOptions,
    Operation::RollBackSettings,
    Operation::RollBackSiteSettings,
    Operation::RollBackModelSettings,
    Operation::RollBackTemplate,
    Operation::RollBackModelTemplate,
    Operation::DiffFile,
    Operation::RunFileTests,
    Operation::CreateRollout,
    Operation::GetAccessPathTarget,
    Operation::Explain,
    Operation::CountDevices,
    Operation::CreateOperation,
    Operation::PutDevices,
    Operation::ExportDevices,
    Operation::MeasureTable,
];

/// Operations that a pool's object does before their entry is in the audit log.
const DONE_FIRST: &[Operation] = &[
    Operation::NotifyDevice,
    Operation::CancelJob,
    Operation::CreateRollout,
    Operation::PauseRollout,
    Operation::ResumeRollout,
    Operation::CancelRollout,
    Operation::TestTenantWebhook,
    Operation::ResendTenantWebhookMessage,
];

/// Whether an operation is done before its entry is in the audit log, which must have room for it then.
pub fn is_done_first(operation: Operation) -> bool {
    DONE_FIRST.contains(&operation)
}

/// Whether a request can be tried first, with `dry_run`: of what is only done, and keeps nothing, none can.
pub fn is_tried(method: &str, path: &str) -> bool {
    match find(method, path) {
        RouteMatch::Route(operation, _) => operation.is_tried(),
        _ => false,
    }
}

/// What a call of an operation spends of its token's allowance.
pub fn spent(operation: Operation) -> Spent {
    match operation.needs() {
        _ if CHECKS.contains(&operation) => Spent::Check,
        Needs::Write | Needs::WriteAll => Spent::Write,
        Needs::Nothing | Needs::Read | Needs::ReadAll | Needs::Metrics => Spent::Read,
    }
}

/// A handler as it is, if it takes and gives what its operation does.
pub fn held<S, E, F, H>(handler: H) -> H
where
    S: Shape,
    H: Fn(Call<S::Query, S::Body>) -> F,
    F: Future<Output = Result<S::Answer, E>>,
{
    handler
}

/// Reads what a handler takes, runs it, and writes down what it gives.
pub fn run<Q, B, A, E, F>(incoming: Incoming, handler: fn(Call<Q, B>) -> F) -> Pending
where
    Q: Input + 'static,
    B: Input + 'static,
    A: IntoOutgoing,
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
            Ok(answer) => Ok(answer.into_outgoing()?),
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
pub enum RouteMatch {
    Route(Operation, Params),
    /// The path exists, for these methods.
    OtherMethod(Vec<&'static str>),
    Nothing,
}

/// Looks a request up in the table of operations.
pub fn find(method: &str, path: &str) -> RouteMatch {
    let mut others = Vec::new();
    for &operation in Operation::ALL {
        match path::matches(operation.pattern(), path) {
            Some(params) if operation.method() == method => {
                return RouteMatch::Route(operation, params);
            }
            Some(_) => others.push(operation.method()),
            None => {}
        }
    }
    if others.is_empty() {
        RouteMatch::Nothing
    } else {
        RouteMatch::OtherMethod(others)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use crate::api::route::*;

    fn operation(method: &str, path: &str) -> Option<Operation> {
        match find(method, path) {
            RouteMatch::Route(operation, _) => Some(operation),
            _ => None,
        }
    }

    #[test]
    fn a_path_finds_its_operation_and_its_names() {
        let path = "/api/v1/tenants/01JD/devices/00%3A80:F0:C5:71:EB/rekey";
        let RouteMatch::Route(operation, params) = find("POST", path) else {
            panic!("not found");
        };
        assert_eq!(operation, Operation::RekeyDevice);
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
        let RouteMatch::OtherMethod(methods) = find("PATCH", "/api/v1/tenants/01JD") else {
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
    fn what_is_dear_is_counted_apart() {
        let spent = |method, path| match find(method, path) {
            RouteMatch::Route(operation, _) => spent(operation),
            _ => panic!("{path}"),
        };
        assert_eq!(spent("POST", "/api/v1/lint"), Spent::Check);
        assert_eq!(spent("POST", "/api/v1/explain"), Spent::Check);
        assert_eq!(spent("PUT", "/api/v1/tenants/T/settings"), Spent::Check);
        assert_eq!(spent("PUT", "/api/v1/tenants/T/devices/M"), Spent::Write);
        assert_eq!(spent("GET", "/api/v1/tenants/T/devices"), Spent::Read);
    }
}
