//! The handler of every operation, in the order of the API's own table. The compiler holds each to what that table says
//! that its operation takes and gives, and misses none.

use ringfence_api::operation::{Operation, shape};

use crate::api::admin::{
    audit, audit_chain, events, metrics, restored, rotation, sessions, sign_in_codes, tokens,
    webhooks,
};
use crate::api::devices::{
    self, batch, counts, export, fetched, fleet, keys, lint, list, moves, preview, unknown,
};
use crate::api::notify::{self, jobs, pools, proxy_credentials, relays, rollouts};
use crate::api::request::call::Incoming;
use crate::api::route::{Pending, held, run};
use crate::api::tenancy::{
    access_paths, certificates, file_tests, history, limits, models, settings, sites, templates,
    tenants,
};
use crate::api::{about, explain, families, operations};

/// Binds operations to their handlers.
macro_rules! handlers {
    ($($operation:ident => $handler:path,)*) => {
        /// Runs an operation.
        pub fn call(operation: Operation, incoming: Incoming) -> Pending {
            match operation {
                $(Operation::$operation => run(incoming, held::<shape::$operation, _, _, _>($handler)),)*
            }
        }
    };
}

#[rustfmt::skip]
handlers! {
    GetHealth => about::health,
    GetMetrics => metrics::show,
    GetOpenapi => about::openapi,
    ListFamilies => families::list,
    GetVocabulary => families::vocabulary,
    Lint => lint::pasted,

    ListTokens => tokens::list,
    CreateToken => tokens::create,
    GetToken => tokens::show,
    DeleteToken => tokens::delete,
    ListSessions => sessions::list,
    DeleteSession => sessions::delete,
    CreateSignInCode => sign_in_codes::create,
    ListAudit => audit::all,
    ExportAudit => audit_chain::export,
    MeasureAudit => audit_chain::measure,
    VerifyAudit => audit_chain::verify,
    CutAudit => audit_chain::cut,
    GetRotation => rotation::show,
    Rotate => rotation::step,

    GetRestored => restored::show,
    Restored => restored::take,

    Explain => explain::explain,

    ListTenants => tenants::list,
    CreateTenant => tenants::create,
    GetTenant => tenants::show,
    PutTenant => tenants::put,
    DeleteTenant => tenants::delete,
    ListTenantAudit => audit::of_tenant,
    GetTenantLimits => limits::show,
    PutTenantLimits => limits::put,
    ListEvents => events::list,

    ListAccessPaths => access_paths::list,
    CreateAccessPath => access_paths::create,
    GetAccessPath => access_paths::show,
    PutAccessPath => access_paths::put,
    DeleteAccessPath => access_paths::delete,
    GetAccessPathTarget => access_paths::show_target,
    PutAccessPathTarget => access_paths::put_target,
    EndAccessPathTarget => access_paths::end_target,

    ListSites => sites::list,
    CreateSite => sites::create,
    GetSite => sites::show,
    PutSite => sites::put,
    DeleteSite => sites::delete,

    ListModels => models::list,
    GetModel => models::show,
    PutModel => models::put,
    DeleteModel => models::delete,

    GetTenantSettings => settings::of_tenant,
    PutTenantSettings => settings::put_tenant,
    GetSiteSettings => settings::of_site,
    PutSiteSettings => settings::put_site,
    GetModelSettings => settings::of_model,
    PutModelSettings => settings::put_model,
    GetDeviceSettings => settings::of_device,
    PutDeviceSettings => settings::put_device,

    ListTemplates => templates::list,
    GetTemplate => templates::show,
    PutTemplate => templates::put,
    DeleteTemplate => templates::delete,
    GetModelTemplate => templates::show,
    PutModelTemplate => templates::put,
    DeleteModelTemplate => templates::delete,

    ListOptionsHistory => history::of_options,
    ListSettingsHistory => history::of_layer,
    ListSiteSettingsHistory => history::of_layer,
    ListModelSettingsHistory => history::of_layer,
    ListDeviceSettingsHistory => history::of_layer,
    ListTemplateHistory => history::of_template,
    ListModelTemplateHistory => history::of_template,
    DiffOptions => history::diff_options,
    DiffSettings => history::diff_layer,
    DiffSiteSettings => history::diff_layer,
    DiffModelSettings => history::diff_layer,
    DiffDeviceSettings => history::diff_layer,
    DiffTemplate => history::diff_template,
    DiffModelTemplate => history::diff_template,
    RollBackOptions => history::roll_back_options,
    RollBackSettings => history::roll_back_layer,
    RollBackSiteSettings => history::roll_back_layer,
    RollBackModelSettings => history::roll_back_layer,
    RollBackDeviceSettings => history::roll_back_layer,
    RollBackTemplate => history::roll_back_template,
    RollBackModelTemplate => history::roll_back_template,

    ListFileTests => file_tests::list,
    CreateFileTest => file_tests::create,
    GetFileTest => file_tests::show,
    PutFileTest => file_tests::put,
    DeleteFileTest => file_tests::delete,
    RunFileTests => file_tests::run,

    ListCertificates => certificates::list,
    GetCertificate => certificates::show,
    PutCertificate => certificates::put,
    DeleteCertificate => certificates::delete,

    ListAllDevices => fleet::list,
    CountAllDevices => counts::of_all,
    CountAllEvents => events::of_all,
    ListDevices => list::list,
    ExportDevices => export::csv,
    MeasureTable => export::measure,
    CountDevices => counts::show,
    CreateDevice => devices::create,
    GetDevice => devices::show,
    PutDevice => devices::put,
    PutDevices => batch::put,
    DeleteDevice => devices::delete,

    ListOperations => operations::list,
    CreateOperation => operations::create,
    GetOperation => operations::show,
    DeleteOperation => operations::delete,
    ListOperationDevices => operations::devices,
    CancelOperation => operations::cancel,

    ListUnknown => unknown::list,
    AdoptUnknown => unknown::adopt,
    DismissUnknown => unknown::dismiss,

    RekeyDevice => keys::rekey,
    RearmDevice => keys::rearm,
    ImportDeviceKey => keys::import,
    DisableDevice => keys::disable,
    EnableDevice => keys::enable,

    MoveDevice => moves::device,
    EndForward => moves::end,

    PreviewFile => preview::file,
    DiffFile => fetched::diff,
    EffectiveParameters => preview::effective,
    LintDevice => lint::device,

    NotifyDevice => notify::device,
    ListJobs => jobs::list,
    GetJob => jobs::show,
    CancelJob => jobs::cancel,
    ListRollouts => rollouts::list,
    CreateRollout => rollouts::create,
    GetRollout => rollouts::show,
    PauseRollout => rollouts::pause,
    ResumeRollout => rollouts::resume,
    CancelRollout => rollouts::cancel,
    GetTenantPool => pools::of_tenant,
    PutTenantPool => pools::put_of_tenant,
    GetTenantDestinations => pools::destinations,
    PutTenantDestinations => pools::put_destinations,
    GetSitePool => pools::of_site,
    PutSitePool => pools::put_of_site,

    ListPools => pools::list,
    CreatePool => pools::create,
    GetPool => pools::show,
    PutPool => pools::put,
    DeletePool => pools::delete,
    GetProxyCredentials => proxy_credentials::show,
    PutProxyCredentials => proxy_credentials::put,
    DeleteProxyCredentials => proxy_credentials::delete,
    ListRelays => relays::list,
    CreateRelay => relays::create,
    GetRelay => relays::show,
    DeleteRelay => relays::delete,
    DrainRelay => relays::drain,

    ListWebhooks => webhooks::list_all,
    CreateWebhook => webhooks::create,
    GetWebhook => webhooks::show,
    PutWebhook => webhooks::put,
    DeleteWebhook => webhooks::delete,
    RotateWebhookSecret => webhooks::rotate,
    TestWebhook => webhooks::test,
    ListWebhookMessages => webhooks::messages,
    ResendWebhookMessage => webhooks::resend,

    ListTenantWebhooks => webhooks::list,
    CreateTenantWebhook => webhooks::create,
    GetTenantWebhook => webhooks::show,
    PutTenantWebhook => webhooks::put,
    DeleteTenantWebhook => webhooks::delete,
    RotateTenantWebhookSecret => webhooks::rotate,
    TestTenantWebhook => webhooks::test,
    ListTenantWebhookMessages => webhooks::messages,
    ResendTenantWebhookMessage => webhooks::resend,
}
