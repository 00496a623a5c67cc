//! Every operation of the API, in one table: the Worker binds a handler to each, the command line calls them, and the
//! OpenAPI document is made from it.

use std::any::TypeId;

use crate::admin::audit::{AuditQuery, AuditView};
use crate::admin::audit_chain::{
    AuditExport, CutInput, CutRow, ExportQuery, PartQuery, PartView, VerifyQuery, VerifyView,
};
use crate::admin::events::{EventCounts, EventQuery, EventView};
use crate::admin::restored::{RestoredInput, RestoredView};
use crate::admin::rotation::{RotationView, StepInput};
use crate::admin::sessions::SessionView;
use crate::admin::sign_in_codes::SignInCodeView;
use crate::admin::tokens::{TokenInput, TokenQuery, TokenView};
use crate::admin::webhooks::{
    MessageQuery, MessageView, SecretInput, SecretView, WebhookInput, WebhookQuery, WebhookView,
};
use crate::answer::{
    Accepted, Answer, Created, CreatedRevised, Csv, Done, Lines, Metrics, Revised, Shown, Verbatim,
};
use crate::changing::{ChangeQuery, TrialQuery};
use crate::check::TestRun;
use crate::devices::batch::{BatchAnswer, BatchInput, BatchQuery};
use crate::devices::counts::{AllCounts, CountQuery, DeviceCounts};
use crate::devices::export::TableView;
use crate::devices::fetched::FetchedView;
use crate::devices::fleet::{FleetQuery, FoundDevice, WithDoubles};
use crate::devices::keys::{KeyInput, Rearmed, RekeyQuery};
use crate::devices::lint::{LintInput, LintPage, LintView};
use crate::devices::list::DeviceQuery;
use crate::devices::moves::{MoveInput, MovedView};
use crate::devices::preview::{EffectivePage, PreviewView};
use crate::devices::unknown::{AdoptInput, UnknownView};
use crate::devices::{DeviceInput, DeviceView, NewDeviceInput};
use crate::explain::{ExplainInput, ExplainView};
use crate::families::{FamilyPage, VocabularyPage};
use crate::health::Health;
use crate::notify::jobs::{JobQuery, JobView};
use crate::notify::pools::{Assignment, PoolInput, PoolView, Reachable};
use crate::notify::proxy_credentials::{ProxyCredentialsInput, ProxyCredentialsView};
use crate::notify::relays::{DrainInput, RelayInput, RelayView};
use crate::notify::rollouts::{RolloutInput, RolloutView};
use crate::notify::{Notified, NotifyInput, WithNotices};
use crate::operations::{
    OperationDevice, OperationInput, OperationView, OutcomeQuery, StartQuery, Started,
};
use crate::page::{Page, PageQuery};
use crate::query::{Input, Nothing, RevealQuery};
use crate::tenancy::access_paths::{
    AccessPathInput, AccessPathView, NewAccessPathInput, TargetInput, TargetPage,
};
use crate::tenancy::certificates::{CertificateInput, CertificateView};
use crate::tenancy::file_tests::{FileTestInput, FileTestView};
use crate::tenancy::history::{DiffQuery, RollbackInput, SettingsDiff, TextDiff, VersionView};
use crate::tenancy::limits::{Limits, LimitsView};
use crate::tenancy::models::{ModelInput, ModelView};
use crate::tenancy::settings::{SettingsInput, SettingsQuery, SettingsView};
use crate::tenancy::sites::{SiteInput, SiteView};
use crate::tenancy::templates::{TemplateInput, TemplateView};
use crate::tenancy::tenants::{TenantInput, TenantView};

/// What a token must be good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// No token.
    Nothing,
    /// Any token; of a path with `{tenant}`, one that sees that tenant.
    Read,
    /// One that may write.
    Write,
    /// One that sees every tenant.
    ReadAll,
    /// One that may write in every tenant.
    WriteAll,
    /// One for metrics, which is good for nothing else.
    Metrics,
}

impl Needs {
    /// Whether it is about a change.
    pub fn writes(self) -> bool {
        matches!(self, Self::Write | Self::WriteAll)
    }
}

/// What an operation takes and gives.
pub trait Shape {
    /// What its query is read as.
    type Query: Input;
    /// What its body is read as.
    type Body: Input;
    /// What it is answered with, and how.
    type Answer: Answer;
}

/// What the table says of an operation.
struct Row {
    method: &'static str,
    pattern: &'static str,
    id: &'static str,
    needs: Needs,
    #[cfg(feature = "schema")]
    summary: &'static str,
    #[cfg(feature = "schema")]
    shapes: fn(&mut schemars::SchemaGenerator) -> crate::openapi::Shapes,
}

impl Operation {
    /// The method of its requests.
    pub const fn method(self) -> &'static str {
        self.row().method
    }

    /// The path of its requests; `{name}` stands for one segment.
    pub const fn pattern(self) -> &'static str {
        self.row().pattern
    }

    /// The `operationId`.
    pub const fn id(self) -> &'static str {
        self.row().id
    }

    /// What a token must be good for.
    pub const fn needs(self) -> Needs {
        self.row().needs
    }

    /// The operation that reads what this one writes: the `GET` of the same path.
    pub fn reading(self) -> Option<Self> {
        let is_it = |it: &Self| it.method() == "GET" && it.pattern() == self.pattern();
        Self::ALL.iter().copied().find(is_it)
    }

    /// Whether it can be tried first, with `dry_run`.
    pub fn is_tried(self) -> bool {
        self.needs().writes() && !NOT_TRIED.contains(&self)
    }

    /// Whether a trial of it takes a device, whose files it compares.
    pub fn compares_files(self) -> bool {
        [TypeId::of::<ChangeQuery>(), TypeId::of::<SettingsQuery>()].contains(&self.query())
    }

    /// What it does, as a sentence without its full stop.
    #[cfg(feature = "schema")]
    pub const fn summary(self) -> &'static str {
        self.row().summary
    }

    /// What it takes and gives, for the OpenAPI document.
    #[cfg(feature = "schema")]
    pub(crate) fn shapes(
        self,
        generator: &mut schemars::SchemaGenerator,
    ) -> crate::openapi::Shapes {
        (self.row().shapes)(generator)
    }
}

/// What is done at once and keeps nothing that was decided: it either has a call that says the same beforehand, or
/// there is nothing to say but its own sentence.
const NOT_TRIED: &[Operation] = &[
    // `GET …/rotation`, `GET …/restored` and `GET …/audit/verify` say beforehand what these do.
    Operation::Rotate,
    Operation::Restored,
    Operation::CutAudit,
    // People who sign in.
    Operation::DeleteSession,
    Operation::CreateSignInCode,
    // What goes on, of which the call before said how far it is.
    Operation::CancelOperation,
    Operation::CancelJob,
    Operation::PauseRollout,
    Operation::ResumeRollout,
    Operation::CancelRollout,
    Operation::DrainRelay,
    // One message.
    Operation::TestWebhook,
    Operation::TestTenantWebhook,
    Operation::ResendWebhookMessage,
    Operation::ResendTenantWebhookMessage,
];

/// The bytes of an operation's id: its name with a small first letter.
const fn id<const LENGTH: usize>(name: &str) -> [u8; LENGTH] {
    let mut id = match name.as_bytes().first_chunk() {
        Some(id) => *id,
        None => [0; LENGTH],
    };
    if let Some(first) = id.first_mut() {
        first.make_ascii_lowercase();
    }
    id
}

/// Rows: method, path, what a token must be good for, the operation with its query and its body, its answer, and what it
/// does.
macro_rules! operations {
    ($($method:ident $pattern:literal $needs:ident $operation:ident($query:ty, $body:ty) -> $answer:ty, $summary:literal;)*) => {
        /// An operation of the API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Operation {
            $(#[doc = concat!($summary, ".")] $operation,)*
        }

        impl Operation {
            /// The type that its query is read as.
            fn query(self) -> TypeId {
                match self {
                    $(Self::$operation => TypeId::of::<$query>(),)*
                }
            }

            /// Every operation, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$operation),*];

            const fn row(self) -> &'static Row {
                match self {
                    $(Self::$operation => {
                        const ID: [u8; stringify!($operation).len()] = id(stringify!($operation));
                        const ROW: Row = Row {
                            method: stringify!($method),
                            pattern: $pattern,
                            id: match std::str::from_utf8(&ID) {
                                Ok(id) => id,
                                Err(_) => "",
                            },
                            needs: Needs::$needs,
                            #[cfg(feature = "schema")]
                            summary: $summary,
                            #[cfg(feature = "schema")]
                            shapes: crate::openapi::shapes::<shape::$operation>,
                        };
                        &ROW
                    })*
                }
            }
        }

        /// A type for each operation, which says by its [`Shape`] what the operation takes and gives.
        pub mod shape {
            $(
                #[doc = concat!($summary, ".")]
                #[derive(Clone, Copy, Debug)]
                pub struct $operation;
            )*
        }

        $(impl Shape for shape::$operation {
            type Query = $query;
            type Body = $body;
            type Answer = $answer;
        })*
    };
}

operations! {
    GET    "/healthz" Nothing GetHealth(Nothing, Nothing) -> Shown<Health>, "Says whether the Worker and its database answer; takes plain HTTP too";
    GET    "/metrics" Metrics GetMetrics(Nothing, Nothing) -> Metrics, "Shows counters and gauges of the whole installation, in Prometheus' text format";
    GET    "/api/v1/openapi.json" Nothing GetOpenapi(Nothing, Nothing) -> Verbatim, "Shows this document";
    GET    "/api/v1/families" Read ListFamilies(Nothing, Nothing) -> Shown<FamilyPage>, "Lists the families of phones, with their names and sealing profiles";
    GET    "/api/v1/vocabulary" Read GetVocabulary(Nothing, Nothing) -> Shown<VocabularyPage>, "Lists the settings that mean the same for all phones, with the parameters that they become in each family";
    POST   "/api/v1/lint" Read Lint(Nothing, LintInput) -> Shown<LintView>, "Checks a file that an operator pastes; nothing is stored";

    GET    "/api/v1/tokens" ReadAll ListTokens(TokenQuery, Nothing) -> Shown<Page<TokenView>>, "Lists the API tokens, without their secrets";
    POST   "/api/v1/tokens" WriteAll CreateToken(TrialQuery, TokenInput) -> Created<TokenView>, "Makes a token; its text is in this answer alone";
    GET    "/api/v1/tokens/{token}" ReadAll GetToken(Nothing, Nothing) -> Shown<TokenView>, "Shows a token, without its secret";
    DELETE "/api/v1/tokens/{token}" WriteAll DeleteToken(TrialQuery, Nothing) -> Done, "Removes a token; it is worth nothing from now on";
    GET    "/api/v1/sessions" Read ListSessions(PageQuery, Nothing) -> Shown<Page<SessionView>>, "Lists the sessions of the console that the token opened; of every token, for one that may write for all tenants";
    DELETE "/api/v1/sessions/{session}" WriteAll DeleteSession(Nothing, Nothing) -> Done, "Ends a session of the console";
    POST   "/api/v1/sign-in-codes" WriteAll CreateSignInCode(Nothing, Nothing) -> Created<SignInCodeView>, "Makes a code that opens one session of the console, once and within ten minutes, as the token that makes it; its text is in this answer alone";
    GET    "/api/v1/audit" ReadAll ListAudit(AuditQuery, Nothing) -> Shown<Page<AuditView>>, "Lists every change, the newest first";
    GET    "/api/v1/audit/export" ReadAll ExportAudit(ExportQuery, Nothing) -> Lines<AuditExport>, "Exports the audit log, one entry a line, with the hashes of its chain";
    GET    "/api/v1/audit/export/part" ReadAll MeasureAudit(PartQuery, Nothing) -> Shown<PartView>, "Shows how many entries a part of the audit log has that is kept as one file, and where the next part begins, without making it";
    GET    "/api/v1/audit/verify" ReadAll VerifyAudit(VerifyQuery, Nothing) -> Shown<VerifyView>, "Follows the chain over the audit log and says whether anything was changed or taken out";
    POST   "/api/v1/audit/cut" WriteAll CutAudit(Nothing, CutInput) -> Shown<CutRow>, "Removes an old period of the audit log that was exported to its end";
    GET    "/api/v1/rotation" ReadAll GetRotation(Nothing, Nothing) -> Shown<RotationView>, "Shows what is left to wrap under the current master key";
    POST   "/api/v1/rotation" WriteAll Rotate(Nothing, StepInput) -> Shown<RotationView>, "Wraps some values under the current master key; repeat until nothing remains";

    GET    "/api/v1/restored" ReadAll GetRestored(Nothing, Nothing) -> Shown<RestoredView>, "Shows whether the database was put back to an earlier point, and what that undid; takes ADMIN_TOKEN then";
    POST   "/api/v1/restored" WriteAll Restored(Nothing, RestoredInput) -> Shown<RestoredView>, "Takes a database into use that was put back to an earlier point; takes ADMIN_TOKEN";

    POST   "/api/v1/explain" Read Explain(Nothing, ExplainInput) -> Shown<ExplainView>, "Explains what a phone hears to a request and why, step by step; consumes and writes nothing";

    GET    "/api/v1/tenants" Read ListTenants(PageQuery, Nothing) -> Shown<Page<TenantView>>, "Lists the tenants that the token sees";
    POST   "/api/v1/tenants" WriteAll CreateTenant(TrialQuery, TenantInput) -> CreatedRevised<TenantView>, "Adds a tenant";
    GET    "/api/v1/tenants/{tenant}" Read GetTenant(Nothing, Nothing) -> Revised<TenantView>, "Shows a tenant";
    PUT    "/api/v1/tenants/{tenant}" Write PutTenant(ChangeQuery, TenantInput) -> Revised<TenantView>, "Replaces a tenant's name, hostname and options";
    DELETE "/api/v1/tenants/{tenant}" WriteAll DeleteTenant(TrialQuery, Nothing) -> Done, "Removes a tenant that has no devices, with all that belongs to it";
    GET    "/api/v1/tenants/{tenant}/audit" Read ListTenantAudit(AuditQuery, Nothing) -> Shown<Page<AuditView>>, "Lists the changes of a tenant, the newest first";
    GET    "/api/v1/tenants/{tenant}/limits" Read GetTenantLimits(Nothing, Nothing) -> Shown<LimitsView>, "Shows what the tenant uses and may use";
    PUT    "/api/v1/tenants/{tenant}/limits" WriteAll PutTenantLimits(TrialQuery, Limits) -> Shown<LimitsView>, "Sets what the tenant may use where it is not the default";
    GET    "/api/v1/tenants/{tenant}/events" Read ListEvents(EventQuery, Nothing) -> Shown<Page<EventView>>, "Lists what phones asked for and got, the newest first";

    GET    "/api/v1/tenants/{tenant}/access-paths" Read ListAccessPaths(PageQuery, Nothing) -> Shown<Page<AccessPathView>>, "Lists the access paths, without their segments";
    POST   "/api/v1/tenants/{tenant}/access-paths" Write CreateAccessPath(TrialQuery, NewAccessPathInput) -> Created<AccessPathView>, "Makes an access path; its segment is in this answer alone";
    GET    "/api/v1/tenants/{tenant}/access-paths/{path}" Read GetAccessPath(Nothing, Nothing) -> Shown<AccessPathView>, "Shows an access path, without its segment";
    PUT    "/api/v1/tenants/{tenant}/access-paths/{path}" Write PutAccessPath(TrialQuery, AccessPathInput) -> Shown<AccessPathView>, "Changes the label and the expiry of an access path";
    DELETE "/api/v1/tenants/{tenant}/access-paths/{path}" Write DeleteAccessPath(TrialQuery, Nothing) -> Done, "Removes an access path";
    GET    "/api/v1/tenants/{tenant}/access-paths/{path}/target" Read GetAccessPathTarget(PageQuery, Nothing) -> Shown<TargetPage>, "Shows how far the tenant's phones have moved to an access path, and the devices that have not";
    PUT    "/api/v1/tenants/{tenant}/access-paths/{path}/target" Write PutAccessPathTarget(ChangeQuery, TargetInput) -> Shown<AccessPathView>, "Names the access path that the tenant's phones are to move to";
    DELETE "/api/v1/tenants/{tenant}/access-paths/{path}/target" Write EndAccessPathTarget(ChangeQuery, Nothing) -> Done, "Ends that the tenant's phones are to move to an access path";

    GET    "/api/v1/tenants/{tenant}/sites" Read ListSites(PageQuery, Nothing) -> Shown<Page<SiteView>>, "Lists the sites";
    POST   "/api/v1/tenants/{tenant}/sites" Write CreateSite(ChangeQuery, SiteInput) -> CreatedRevised<SiteView>, "Adds a site";
    GET    "/api/v1/tenants/{tenant}/sites/{site}" Read GetSite(Nothing, Nothing) -> Revised<SiteView>, "Shows a site";
    PUT    "/api/v1/tenants/{tenant}/sites/{site}" Write PutSite(ChangeQuery, SiteInput) -> Revised<SiteView>, "Renames a site";
    DELETE "/api/v1/tenants/{tenant}/sites/{site}" Write DeleteSite(ChangeQuery, Nothing) -> Done, "Removes a site that has no devices, with its settings";

    GET    "/api/v1/tenants/{tenant}/models" Read ListModels(PageQuery, Nothing) -> Shown<Page<ModelView>>, "Lists the models";
    GET    "/api/v1/tenants/{tenant}/models/{model}" Read GetModel(Nothing, Nothing) -> Revised<ModelView>, "Shows a model";
    PUT    "/api/v1/tenants/{tenant}/models/{model}" Write PutModel(ChangeQuery, ModelInput) -> Revised<ModelView>, "Adds a model, or changes its family and sealing profile";
    DELETE "/api/v1/tenants/{tenant}/models/{model}" Write DeleteModel(ChangeQuery, Nothing) -> Done, "Removes a model that has no devices, with its settings and templates";

    GET    "/api/v1/tenants/{tenant}/settings" Read GetTenantSettings(RevealQuery, Nothing) -> Revised<SettingsView>, "Shows the settings of the tenant's layer";
    PUT    "/api/v1/tenants/{tenant}/settings" Write PutTenantSettings(SettingsQuery, SettingsInput) -> Revised<SettingsView>, "Replaces the settings of the tenant's layer";
    GET    "/api/v1/tenants/{tenant}/sites/{site}/settings" Read GetSiteSettings(RevealQuery, Nothing) -> Revised<SettingsView>, "Shows the settings of a site's layer";
    PUT    "/api/v1/tenants/{tenant}/sites/{site}/settings" Write PutSiteSettings(SettingsQuery, SettingsInput) -> Revised<SettingsView>, "Replaces the settings of a site's layer";
    GET    "/api/v1/tenants/{tenant}/models/{model}/settings" Read GetModelSettings(RevealQuery, Nothing) -> Revised<SettingsView>, "Shows the settings of a model's layer";
    PUT    "/api/v1/tenants/{tenant}/models/{model}/settings" Write PutModelSettings(SettingsQuery, SettingsInput) -> Revised<SettingsView>, "Replaces the settings of a model's layer";
    GET    "/api/v1/tenants/{tenant}/devices/{mac}/settings" Read GetDeviceSettings(RevealQuery, Nothing) -> Revised<SettingsView>, "Shows the settings of a device's layer";
    PUT    "/api/v1/tenants/{tenant}/devices/{mac}/settings" Write PutDeviceSettings(SettingsQuery, SettingsInput) -> Revised<SettingsView>, "Replaces the settings of a device's layer";

    GET    "/api/v1/tenants/{tenant}/templates" Read ListTemplates(Nothing, Nothing) -> Shown<Page<TemplateView>>, "Lists the file templates that were written for the tenant";
    GET    "/api/v1/tenants/{tenant}/templates/{kind}/{family}" Read GetTemplate(Nothing, Nothing) -> Revised<TemplateView>, "Shows the template of a kind of file for a family, or the built-in one";
    PUT    "/api/v1/tenants/{tenant}/templates/{kind}/{family}" Write PutTemplate(ChangeQuery, TemplateInput) -> Revised<TemplateView>, "Writes the template of a kind of file for a family";
    DELETE "/api/v1/tenants/{tenant}/templates/{kind}/{family}" Write DeleteTemplate(ChangeQuery, Nothing) -> Done, "Goes back to the built-in template";
    GET    "/api/v1/tenants/{tenant}/templates/{kind}/{family}/{model}" Read GetModelTemplate(Nothing, Nothing) -> Revised<TemplateView>, "Shows the template of a kind of file for one model";
    PUT    "/api/v1/tenants/{tenant}/templates/{kind}/{family}/{model}" Write PutModelTemplate(ChangeQuery, TemplateInput) -> Revised<TemplateView>, "Writes the template of a kind of file for one model";
    DELETE "/api/v1/tenants/{tenant}/templates/{kind}/{family}/{model}" Write DeleteModelTemplate(ChangeQuery, Nothing) -> Done, "Goes back to the family's template";

    GET    "/api/v1/tenants/{tenant}/history/options" Read ListOptionsHistory(PageQuery, Nothing) -> Shown<Page<VersionView>>, "Lists the versions of the tenant's options, the newest first";
    GET    "/api/v1/tenants/{tenant}/history/settings" Read ListSettingsHistory(PageQuery, Nothing) -> Shown<Page<VersionView>>, "Lists the versions of the settings of the tenant's layer, the newest first";
    GET    "/api/v1/tenants/{tenant}/history/sites/{site}/settings" Read ListSiteSettingsHistory(PageQuery, Nothing) -> Shown<Page<VersionView>>, "Lists the versions of the settings of a site's layer, the newest first";
    GET    "/api/v1/tenants/{tenant}/history/models/{model}/settings" Read ListModelSettingsHistory(PageQuery, Nothing) -> Shown<Page<VersionView>>, "Lists the versions of the settings of a model's layer, the newest first";
    GET    "/api/v1/tenants/{tenant}/history/devices/{mac}/settings" Read ListDeviceSettingsHistory(PageQuery, Nothing) -> Shown<Page<VersionView>>, "Lists the versions of the settings of a device's layer, the newest first";
    GET    "/api/v1/tenants/{tenant}/history/templates/{kind}/{family}" Read ListTemplateHistory(PageQuery, Nothing) -> Shown<Page<VersionView>>, "Lists the versions of the template of a kind of file for a family, the newest first";
    GET    "/api/v1/tenants/{tenant}/history/templates/{kind}/{family}/{model}" Read ListModelTemplateHistory(PageQuery, Nothing) -> Shown<Page<VersionView>>, "Lists the versions of the template of a kind of file for one model, the newest first";
    GET    "/api/v1/tenants/{tenant}/diff/options" Read DiffOptions(DiffQuery, Nothing) -> Shown<TextDiff>, "Shows what differs between two versions of the tenant's options";
    GET    "/api/v1/tenants/{tenant}/diff/settings" Read DiffSettings(DiffQuery, Nothing) -> Shown<SettingsDiff>, "Shows what differs between two versions of the settings of the tenant's layer";
    GET    "/api/v1/tenants/{tenant}/diff/sites/{site}/settings" Read DiffSiteSettings(DiffQuery, Nothing) -> Shown<SettingsDiff>, "Shows what differs between two versions of the settings of a site's layer";
    GET    "/api/v1/tenants/{tenant}/diff/models/{model}/settings" Read DiffModelSettings(DiffQuery, Nothing) -> Shown<SettingsDiff>, "Shows what differs between two versions of the settings of a model's layer";
    GET    "/api/v1/tenants/{tenant}/diff/devices/{mac}/settings" Read DiffDeviceSettings(DiffQuery, Nothing) -> Shown<SettingsDiff>, "Shows what differs between two versions of the settings of a device's layer";
    GET    "/api/v1/tenants/{tenant}/diff/templates/{kind}/{family}" Read DiffTemplate(DiffQuery, Nothing) -> Shown<TextDiff>, "Shows what differs between two versions of the template of a kind of file for a family";
    GET    "/api/v1/tenants/{tenant}/diff/templates/{kind}/{family}/{model}" Read DiffModelTemplate(DiffQuery, Nothing) -> Shown<TextDiff>, "Shows what differs between two versions of the template of a kind of file for one model";
    POST   "/api/v1/tenants/{tenant}/rollback/options" Write RollBackOptions(ChangeQuery, RollbackInput) -> Revised<TenantView>, "Writes the tenant's options as an earlier version has them";
    POST   "/api/v1/tenants/{tenant}/rollback/settings" Write RollBackSettings(ChangeQuery, RollbackInput) -> Revised<SettingsView>, "Writes the settings of the tenant's layer as an earlier version has them";
    POST   "/api/v1/tenants/{tenant}/rollback/sites/{site}/settings" Write RollBackSiteSettings(ChangeQuery, RollbackInput) -> Revised<SettingsView>, "Writes the settings of a site's layer as an earlier version has them";
    POST   "/api/v1/tenants/{tenant}/rollback/models/{model}/settings" Write RollBackModelSettings(ChangeQuery, RollbackInput) -> Revised<SettingsView>, "Writes the settings of a model's layer as an earlier version has them";
    POST   "/api/v1/tenants/{tenant}/rollback/devices/{mac}/settings" Write RollBackDeviceSettings(ChangeQuery, RollbackInput) -> Revised<SettingsView>, "Writes the settings of a device's layer as an earlier version has them";
    POST   "/api/v1/tenants/{tenant}/rollback/templates/{kind}/{family}" Write RollBackTemplate(ChangeQuery, RollbackInput) -> Revised<TemplateView>, "Writes the template of a kind of file for a family as an earlier version has it";
    POST   "/api/v1/tenants/{tenant}/rollback/templates/{kind}/{family}/{model}" Write RollBackModelTemplate(ChangeQuery, RollbackInput) -> Revised<TemplateView>, "Writes the template of a kind of file for one model as an earlier version has it";

    GET    "/api/v1/tenants/{tenant}/file-tests" Read ListFileTests(Nothing, Nothing) -> Shown<Page<FileTestView>>, "Lists the tests of files";
    POST   "/api/v1/tenants/{tenant}/file-tests" Write CreateFileTest(TrialQuery, FileTestInput) -> CreatedRevised<FileTestView>, "Adds a test of files: a change that breaks it is refused";
    GET    "/api/v1/tenants/{tenant}/file-tests/{test}" Read GetFileTest(Nothing, Nothing) -> Revised<FileTestView>, "Shows a test of files";
    PUT    "/api/v1/tenants/{tenant}/file-tests/{test}" Write PutFileTest(TrialQuery, FileTestInput) -> Revised<FileTestView>, "Replaces a test of files";
    DELETE "/api/v1/tenants/{tenant}/file-tests/{test}" Write DeleteFileTest(TrialQuery, Nothing) -> Done, "Removes a test of files";
    GET    "/api/v1/tenants/{tenant}/file-test-run" Read RunFileTests(Nothing, Nothing) -> Shown<TestRun>, "Runs every test on the files as they are";

    GET    "/api/v1/tenants/{tenant}/certificates" Read ListCertificates(Nothing, Nothing) -> Shown<Page<CertificateView>>, "Lists the root certificates that phones may fetch";
    GET    "/api/v1/tenants/{tenant}/certificates/{name}" Read GetCertificate(Nothing, Nothing) -> Shown<CertificateView>, "Shows a root certificate";
    PUT    "/api/v1/tenants/{tenant}/certificates/{name}" Write PutCertificate(ChangeQuery, CertificateInput) -> Shown<CertificateView>, "Uploads a root certificate, PEM or DER";
    DELETE "/api/v1/tenants/{tenant}/certificates/{name}" Write DeleteCertificate(ChangeQuery, Nothing) -> Done, "Removes a root certificate";

    GET    "/api/v1/devices" ReadAll ListAllDevices(FleetQuery, Nothing) -> Shown<Page<FoundDevice>>, "Lists the devices of all tenants; finds them by a part of MAC, label, model or site, and those whose MAC is there more than once";
    GET    "/api/v1/event-counts" ReadAll CountAllEvents(Nothing, Nothing) -> Shown<EventCounts>, "Shows how many requests phones of all tenants made in each hour of the last day, as the cron event last counted them";
    GET    "/api/v1/device-counts" ReadAll CountAllDevices(Nothing, Nothing) -> Shown<AllCounts>, "Shows how many devices all tenants have together, by state and by what needs a look, as the cron event last counted them";
    GET    "/api/v1/tenants/{tenant}/devices" Read ListDevices(DeviceQuery, Nothing) -> Shown<Page<DeviceView>>, "Lists the devices, filtered and sorted";
    GET    "/api/v1/tenants/{tenant}/devices.csv" Read ExportDevices(DeviceQuery, Nothing) -> Csv, "Shows the devices of a list as a table for spreadsheets (CSV) without secrets, 10,000 at most; the header `ringfence-next` is the `cursor` of the next table";
    GET    "/api/v1/tenants/{tenant}/device-table" Read MeasureTable(DeviceQuery, Nothing) -> Shown<TableView>, "Shows how many devices a table of `exportDevices` has and where the next one begins, without making it";
    GET    "/api/v1/tenants/{tenant}/device-counts" Read CountDevices(CountQuery, Nothing) -> Shown<DeviceCounts>, "Counts the devices, by state, vendor, family, model and site; of more than 10,000 it says what was counted a while ago, unless `again=true`";
    POST   "/api/v1/tenants/{tenant}/devices" Write CreateDevice(ChangeQuery, NewDeviceInput) -> CreatedRevised<WithDoubles>, "Adds a device, with its settings; its key is made and armed";
    GET    "/api/v1/tenants/{tenant}/devices/{mac}" Read GetDevice(Nothing, Nothing) -> Revised<DeviceView>, "Shows a device";
    PUT    "/api/v1/tenants/{tenant}/devices/{mac}" Write PutDevice(ChangeQuery, DeviceInput) -> Revised<WithDoubles>, "Replaces a device's model, site and label, or adds it";
    POST   "/api/v1/tenants/{tenant}/device-batch" Write PutDevices(BatchQuery, BatchInput) -> Shown<BatchAnswer>, "Adds or changes up to 500 devices, each by itself, and says what became of each, or with `dry_run=true` what would";
    DELETE "/api/v1/tenants/{tenant}/devices/{mac}" Write DeleteDevice(ChangeQuery, Nothing) -> Done, "Removes a device";

    GET    "/api/v1/tenants/{tenant}/operations" Read ListOperations(PageQuery, Nothing) -> Shown<Page<OperationView>>, "Lists the operations, the newest first";
    POST   "/api/v1/tenants/{tenant}/operations" Write CreateOperation(StartQuery, OperationInput) -> Accepted<Started>, "Starts one change of many devices, or says with `dry_run=true` what it would do";
    GET    "/api/v1/tenants/{tenant}/operations/{operation}" Read GetOperation(Nothing, Nothing) -> Shown<OperationView>, "Shows an operation and how far it is";
    DELETE "/api/v1/tenants/{tenant}/operations/{operation}" Write DeleteOperation(TrialQuery, Nothing) -> Done, "Removes an operation that is over, with what became of each device";
    GET    "/api/v1/tenants/{tenant}/operations/{operation}/devices" Read ListOperationDevices(OutcomeQuery, Nothing) -> Shown<Page<OperationDevice>>, "Lists the devices of an operation, with what became of each and why";
    POST   "/api/v1/tenants/{tenant}/operations/{operation}/cancel" Write CancelOperation(Nothing, Nothing) -> Shown<OperationView>, "Ends an operation: devices whose turn has not come are left alone";

    GET    "/api/v1/tenants/{tenant}/unknown" Read ListUnknown(PageQuery, Nothing) -> Shown<Page<UnknownView>>, "Lists the phones that asked and are no devices of the tenant, the last one seen first";
    POST   "/api/v1/tenants/{tenant}/unknown/{mac}/adopt" Write AdoptUnknown(ChangeQuery, AdoptInput) -> CreatedRevised<WithDoubles>, "Adds a device for such a phone, with what it says of itself where nothing else is said; its key is made and armed";
    DELETE "/api/v1/tenants/{tenant}/unknown/{mac}" Write DismissUnknown(TrialQuery, Nothing) -> Done, "Takes such a phone off the list; one that asks again is there again";

    POST   "/api/v1/tenants/{tenant}/devices/{mac}/rekey" Write RekeyDevice(RekeyQuery, Nothing) -> Revised<WithNotices<DeviceView>>, "Gives a device a new key: what was sealed under the old one is gone, and a new bootstrap waits";
    POST   "/api/v1/tenants/{tenant}/devices/{mac}/rearm" Write RearmDevice(TrialQuery, Nothing) -> Revised<Rearmed>, "Has the bootstrap of the same key served once more, after a transfer that was cut; says who took the last one";
    POST   "/api/v1/tenants/{tenant}/devices/{mac}/import-key" Write ImportDeviceKey(TrialQuery, KeyInput) -> Revised<DeviceView>, "States the key that a device already has; sealed files are served at once";
    POST   "/api/v1/tenants/{tenant}/devices/{mac}/disable" Write DisableDevice(TrialQuery, Nothing) -> Revised<DeviceView>, "Takes a device out of service: it gets nothing";
    POST   "/api/v1/tenants/{tenant}/devices/{mac}/enable" Write EnableDevice(ChangeQuery, Nothing) -> Revised<DeviceView>, "Puts a device back into service";

    POST   "/api/v1/tenants/{tenant}/devices/{mac}/move" WriteAll MoveDevice(ChangeQuery, MoveInput) -> Shown<MovedView>, "Moves a device to another tenant with its key, state and history; until its phone was there, the old URL answers an initial file that names the new ones";
    DELETE "/api/v1/tenants/{tenant}/devices/{mac}/forward" Write EndForward(TrialQuery, Nothing) -> Done, "Ends that the tenant which a device left sends its phone on";

    GET    "/api/v1/tenants/{tenant}/devices/{mac}/files/{kind}/preview" Read PreviewFile(RevealQuery, Nothing) -> Shown<PreviewView>, "Shows a file as the device would get it, without its key";
    GET    "/api/v1/tenants/{tenant}/devices/{mac}/files/{kind}/diff" Read DiffFile(Nothing, Nothing) -> Shown<FetchedView>, "Shows what the phone last fetched of a file against what it would fetch now";
    GET    "/api/v1/tenants/{tenant}/devices/{mac}/effective" Read EffectiveParameters(RevealQuery, Nothing) -> Shown<EffectivePage>, "Shows each parameter that the device ends up with, and what it shadows";
    GET    "/api/v1/tenants/{tenant}/devices/{mac}/lint" Read LintDevice(Nothing, Nothing) -> Shown<LintPage>, "Checks every file of a device";

    POST   "/api/v1/tenants/{tenant}/devices/{mac}/notify" Write NotifyDevice(TrialQuery, NotifyInput) -> Accepted<Notified>, "Tells a phone to fetch its files; the job's end says whether it did";
    GET    "/api/v1/tenants/{tenant}/jobs" Read ListJobs(JobQuery, Nothing) -> Shown<Page<JobView>>, "Lists the NOTIFY jobs, the newest first";
    GET    "/api/v1/tenants/{tenant}/jobs/{job}" Read GetJob(Nothing, Nothing) -> Shown<JobView>, "Shows a job with its history";
    POST   "/api/v1/tenants/{tenant}/jobs/{job}/cancel" Write CancelJob(Nothing, Nothing) -> Shown<JobView>, "Takes a job back, if it has not ended";
    GET    "/api/v1/tenants/{tenant}/rollouts" Read ListRollouts(PageQuery, Nothing) -> Shown<Page<RolloutView>>, "Lists the rollouts, the newest first";
    POST   "/api/v1/tenants/{tenant}/rollouts" Write CreateRollout(TrialQuery, RolloutInput) -> Accepted<RolloutView>, "Notifies many phones, paced and in stages";
    GET    "/api/v1/tenants/{tenant}/rollouts/{rollout}" Read GetRollout(Nothing, Nothing) -> Shown<RolloutView>, "Shows a rollout and how far it is";
    POST   "/api/v1/tenants/{tenant}/rollouts/{rollout}/pause" Write PauseRollout(Nothing, Nothing) -> Shown<RolloutView>, "Stops a rollout for now";
    POST   "/api/v1/tenants/{tenant}/rollouts/{rollout}/resume" Write ResumeRollout(Nothing, Nothing) -> Shown<RolloutView>, "Lets a paused rollout go on, overlooking what its threshold stopped it for";
    POST   "/api/v1/tenants/{tenant}/rollouts/{rollout}/cancel" Write CancelRollout(Nothing, Nothing) -> Shown<RolloutView>, "Ends a rollout and takes its waiting jobs back";
    GET    "/api/v1/tenants/{tenant}/pool" Read GetTenantPool(Nothing, Nothing) -> Shown<Assignment>, "Shows which pool reaches the tenant's phones";
    PUT    "/api/v1/tenants/{tenant}/pool" WriteAll PutTenantPool(TrialQuery, Assignment) -> Shown<Assignment>, "Decides which pool reaches the tenant's phones";
    GET    "/api/v1/tenants/{tenant}/destinations" Read GetTenantDestinations(Nothing, Nothing) -> Shown<Reachable>, "Shows whom the tenant may address by NOTIFY";
    PUT    "/api/v1/tenants/{tenant}/destinations" WriteAll PutTenantDestinations(TrialQuery, Reachable) -> Shown<Reachable>, "Decides whom the tenant may address by NOTIFY";
    GET    "/api/v1/tenants/{tenant}/sites/{site}/pool" Read GetSitePool(Nothing, Nothing) -> Shown<Assignment>, "Shows which pool reaches the site's phones, if the site names one";
    PUT    "/api/v1/tenants/{tenant}/sites/{site}/pool" WriteAll PutSitePool(TrialQuery, Assignment) -> Shown<Assignment>, "Decides which pool reaches the site's phones";

    GET    "/api/v1/pools" ReadAll ListPools(PageQuery, Nothing) -> Shown<Page<PoolView>>, "Lists the pools";
    POST   "/api/v1/pools" WriteAll CreatePool(TrialQuery, PoolInput) -> CreatedRevised<PoolView>, "Adds a pool";
    GET    "/api/v1/pools/{pool}" ReadAll GetPool(Nothing, Nothing) -> Revised<PoolView>, "Shows a pool and what its queue holds";
    PUT    "/api/v1/pools/{pool}" WriteAll PutPool(TrialQuery, PoolInput) -> Revised<PoolView>, "Replaces a pool's name and options";
    DELETE "/api/v1/pools/{pool}" WriteAll DeletePool(TrialQuery, Nothing) -> Done, "Removes a pool without relays, tenants and sites";
    GET    "/api/v1/pools/{pool}/proxy-credentials" ReadAll GetProxyCredentials(Nothing, Nothing) -> Shown<ProxyCredentialsView>, "Shows what the pool answers its proxy's challenge with, without the password";
    PUT    "/api/v1/pools/{pool}/proxy-credentials" WriteAll PutProxyCredentials(TrialQuery, ProxyCredentialsInput) -> Shown<ProxyCredentialsView>, "Sets what the pool answers its proxy's challenge with";
    DELETE "/api/v1/pools/{pool}/proxy-credentials" WriteAll DeleteProxyCredentials(TrialQuery, Nothing) -> Done, "Removes what the pool answers its proxy's challenge with";
    GET    "/api/v1/pools/{pool}/relays" ReadAll ListRelays(PageQuery, Nothing) -> Shown<Page<RelayView>>, "Lists a pool's relays and how they are";
    POST   "/api/v1/pools/{pool}/relays" WriteAll CreateRelay(TrialQuery, RelayInput) -> Created<RelayView>, "Adds a relay; its credential is in this answer alone";
    GET    "/api/v1/pools/{pool}/relays/{relay}" ReadAll GetRelay(Nothing, Nothing) -> Shown<RelayView>, "Shows a relay and how it is";
    DELETE "/api/v1/pools/{pool}/relays/{relay}" WriteAll DeleteRelay(TrialQuery, Nothing) -> Done, "Removes a relay: its credential is worth nothing and its connection is closed";
    POST   "/api/v1/pools/{pool}/relays/{relay}/drain" WriteAll DrainRelay(Nothing, DrainInput) -> Shown<RelayView>, "Gives a relay no more jobs until it connects again";

    GET    "/api/v1/webhooks" ReadAll ListWebhooks(WebhookQuery, Nothing) -> Shown<Page<WebhookView>>, "Lists the webhooks of the whole installation, or with `dead=true` those of all that have messages which were given up";
    POST   "/api/v1/webhooks" WriteAll CreateWebhook(TrialQuery, WebhookInput) -> CreatedRevised<WebhookView>, "Adds a webhook of the whole installation; its secret is in this answer alone";
    GET    "/api/v1/webhooks/{webhook}" ReadAll GetWebhook(Nothing, Nothing) -> Revised<WebhookView>, "Shows a webhook of the whole installation, without its secret";
    PUT    "/api/v1/webhooks/{webhook}" WriteAll PutWebhook(TrialQuery, WebhookInput) -> Revised<WebhookView>, "Replaces what is decided about a webhook of the whole installation";
    DELETE "/api/v1/webhooks/{webhook}" WriteAll DeleteWebhook(TrialQuery, Nothing) -> Done, "Removes a webhook of the whole installation with its messages";
    POST   "/api/v1/webhooks/{webhook}/rotate-secret" WriteAll RotateWebhookSecret(TrialQuery, SecretInput) -> Created<SecretView>, "Replaces the secret of a webhook of the whole installation; messages are signed with both for a while";
    POST   "/api/v1/webhooks/{webhook}/test" WriteAll TestWebhook(Nothing, Nothing) -> Accepted<MessageView>, "Sends a message that is about nothing to a webhook of the whole installation";
    GET    "/api/v1/webhooks/{webhook}/messages" ReadAll ListWebhookMessages(MessageQuery, Nothing) -> Shown<Page<MessageView>>, "Lists the messages of a webhook of the whole installation, the newest first";
    POST   "/api/v1/webhooks/{webhook}/messages/{message}/resend" WriteAll ResendWebhookMessage(Nothing, Nothing) -> Accepted<MessageView>, "Sends a dead message of a webhook of the whole installation again, under the same id";

    GET    "/api/v1/tenants/{tenant}/webhooks" Read ListTenantWebhooks(PageQuery, Nothing) -> Shown<Page<WebhookView>>, "Lists the webhooks of the tenant";
    POST   "/api/v1/tenants/{tenant}/webhooks" Write CreateTenantWebhook(TrialQuery, WebhookInput) -> CreatedRevised<WebhookView>, "Adds a webhook of the tenant; its secret is in this answer alone";
    GET    "/api/v1/tenants/{tenant}/webhooks/{webhook}" Read GetTenantWebhook(Nothing, Nothing) -> Revised<WebhookView>, "Shows a webhook of the tenant, without its secret";
    PUT    "/api/v1/tenants/{tenant}/webhooks/{webhook}" Write PutTenantWebhook(TrialQuery, WebhookInput) -> Revised<WebhookView>, "Replaces what is decided about a webhook of the tenant";
    DELETE "/api/v1/tenants/{tenant}/webhooks/{webhook}" Write DeleteTenantWebhook(TrialQuery, Nothing) -> Done, "Removes a webhook of the tenant with its messages";
    POST   "/api/v1/tenants/{tenant}/webhooks/{webhook}/rotate-secret" Write RotateTenantWebhookSecret(TrialQuery, SecretInput) -> Created<SecretView>, "Replaces the secret of a webhook of the tenant; messages are signed with both for a while";
    POST   "/api/v1/tenants/{tenant}/webhooks/{webhook}/test" Write TestTenantWebhook(Nothing, Nothing) -> Accepted<MessageView>, "Sends a message that is about nothing to a webhook of the tenant";
    GET    "/api/v1/tenants/{tenant}/webhooks/{webhook}/messages" Read ListTenantWebhookMessages(MessageQuery, Nothing) -> Shown<Page<MessageView>>, "Lists the messages of a webhook of the tenant, the newest first";
    POST   "/api/v1/tenants/{tenant}/webhooks/{webhook}/messages/{message}/resend" Write ResendTenantWebhookMessage(Nothing, Nothing) -> Accepted<MessageView>, "Sends a dead message of a webhook of the tenant again, under the same id";
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use super::*;
    use crate::path::matches;

    #[test]
    fn an_operation_is_called_as_its_id_is_but_for_the_first_letter() {
        assert_eq!(Operation::PutTenantSettings.id(), "putTenantSettings");
        assert_eq!(Operation::Lint.id(), "lint");
    }

    #[test]
    fn no_two_operations_read_the_same_path() {
        for (at, operation) in Operation::ALL.iter().enumerate() {
            for other in &Operation::ALL[at + 1..] {
                let same = operation.method() == other.method()
                    && (matches(operation.pattern(), other.pattern()).is_some()
                        || matches(other.pattern(), operation.pattern()).is_some());
                assert!(!same, "{} {}", operation.pattern(), other.pattern());
            }
        }
    }

    #[cfg(feature = "schema")]
    #[test]
    fn every_change_can_be_tried_first() {
        let document = crate::openapi::document();
        for operation in Operation::ALL {
            let method = operation.method().to_lowercase();
            let said = &document["paths"][operation.pattern()][method]["parameters"];
            let is_tried = said
                .as_array()
                .into_iter()
                .flatten()
                .any(|it| it["name"] == "dry_run");
            assert_eq!(is_tried, operation.is_tried(), "{operation:?}");
            let mut all = said.as_array().into_iter().flatten();
            let shows = is_tried && all.any(|it| it["name"] == "device" && it["in"] == "query");
            assert_eq!(shows, operation.compares_files(), "{operation:?}");
        }
    }

    #[test]
    fn whatever_changes_something_needs_a_token_that_may_write() {
        // What they read does not fit into a URL, or must not stand in one.
        const READ_BY_POST: &[Operation] = &[Operation::Lint, Operation::Explain];
        for operation in Operation::ALL {
            let reads = operation.method() == "GET" || READ_BY_POST.contains(operation);
            let may_write = operation.needs().writes();
            assert_eq!(may_write, !reads, "{operation:?}");
            let global = !operation.pattern().contains("{tenant}");
            if may_write && global {
                assert_eq!(operation.needs(), Needs::WriteAll, "{operation:?}");
            }
        }
    }
}
