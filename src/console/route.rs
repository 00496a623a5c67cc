//! Every page, in one table.

use crate::api::{self, Params};
use crate::console::page::Open;
use crate::console::pages::{
    deeds, device, devices, explain, fleet, forms, history, import, lint, notify, operations,
    people, session, settings, start, tables, tenancy, webhooks,
};

struct Row {
    method: &'static str,
    pattern: &'static str,
    open: Open,
}

macro_rules! page {
    ($method:ident $pattern:literal $open:ident $handler:path) => {
        Row {
            method: stringify!($method),
            pattern: $pattern,
            open: Open::$open(|visit| Box::pin($handler(visit))),
        }
    };
}

#[rustfmt::skip]
const PAGES: &[Row] = &[
    page!(GET  "/console/sign-in" ToAll session::form),
    page!(POST "/console/sign-in" ToAll session::sign_in),
    page!(POST "/console/sign-in/access" ToAll session::sign_in_by_access),
    page!(POST "/console/sign-in/code" ToAll session::sign_in_by_code),
    page!(POST "/console/sign-out" SignedIn session::sign_out),

    page!(GET  "/console" SignedIn fleet::page),
    page!(GET  "/console/about" SignedIn fleet::about),
    page!(GET  "/console/fleet/{state}" SignedIn fleet::by_tenant),
    page!(GET  "/console/start" SignedIn start::begin),
    page!(POST "/console/start" SignedIn start::add_tenant),
    page!(GET  "/console/tenants/{tenant}/start" SignedIn start::next),
    page!(POST "/console/tenants/{tenant}/start" SignedIn start::go),
    page!(GET  "/console/tenants/{tenant}/start/{mac}" SignedIn start::watch),
    page!(GET  "/console/explain" SignedIn explain::form),
    page!(POST "/console/explain" SignedIn explain::ask),
    page!(GET  "/console/lint" SignedIn lint::form),
    page!(POST "/console/lint" SignedIn lint::check),
    page!(GET  "/console/devices" SignedIn devices::of_all),
    page!(GET  "/console/tenants" SignedIn tenancy::tenants),
    page!(GET  "/console/tenants/new" SignedIn tenancy::new_tenant),
    page!(POST "/console/tenants/new" SignedIn tenancy::add_tenant),
    page!(GET  "/console/tokens" SignedIn people::tokens),
    page!(GET  "/console/tokens/new" SignedIn people::new_token),
    page!(POST "/console/tokens" SignedIn people::add_token),
    page!(GET  "/console/sessions" SignedIn people::sessions),
    page!(GET  "/console/sessions/{session}/end" SignedIn session::ask_end),
    page!(POST "/console/sessions/{session}/end" SignedIn session::end),
    page!(GET  "/console/audit" SignedIn people::audit),
    page!(GET  "/console/audit/verify" SignedIn people::verify_audit),
    page!(GET  "/console/audit.ndjson" SignedIn people::export_audit),
    page!(GET  "/console/rotation" SignedIn tables::rotation),
    page!(POST "/console/rotation" SignedIn tables::rotate),
    page!(GET  "/console/restored" SignedIn tables::restored),
    page!(POST "/console/restored" SignedIn tables::take),
    page!(GET  "/console/pools" SignedIn notify::pools),
    page!(GET  "/console/pools/new" SignedIn notify::new_pool),
    page!(POST "/console/pools/new" SignedIn notify::add_pool),
    page!(GET  "/console/pools/{pool}" SignedIn notify::pool),
    page!(GET  "/console/pools/{pool}/relays/new" SignedIn notify::new_relay),
    page!(POST "/console/pools/{pool}/relays/new" SignedIn notify::add_relay),
    page!(GET  "/console/webhooks" SignedIn webhooks::page),
    page!(GET  "/console/webhooks/{webhook}" SignedIn webhooks::one),
    page!(GET  "/console/webhooks/{webhook}/rotate-secret" SignedIn webhooks::rotate_form),
    page!(POST "/console/webhooks/{webhook}/rotate-secret" SignedIn webhooks::rotate),

    page!(GET  "/console/tenants/{tenant}" SignedIn fleet::overview),
    page!(GET  "/console/tenants/{tenant}/edit" SignedIn tenancy::edit_tenant),
    page!(POST "/console/tenants/{tenant}/edit" SignedIn tenancy::save_tenant),
    page!(GET  "/console/tenants/{tenant}/audit" SignedIn people::tenant_audit),
    page!(GET  "/console/tenants/{tenant}/requests" SignedIn devices::requests),

    page!(GET  "/console/tenants/{tenant}/devices" SignedIn devices::of_tenant),
    page!(POST "/console/tenants/{tenant}/devices" SignedIn devices::keep_picked),
    page!(GET  "/console/tenants/{tenant}/devices/new" SignedIn devices::new),
    page!(POST "/console/tenants/{tenant}/devices/new" SignedIn devices::add),
    page!(GET  "/console/tenants/{tenant}/devices/import" SignedIn import::form),
    page!(POST "/console/tenants/{tenant}/devices/import" SignedIn import::step),
    page!(GET  "/console/tenants/{tenant}/devices.csv" SignedIn import::export),
    page!(GET  "/console/tenants/{tenant}/devices/{mac}" SignedIn device::page),
    page!(GET  "/console/tenants/{tenant}/devices/{mac}/edit" SignedIn device::edit),
    page!(POST "/console/tenants/{tenant}/devices/{mac}/edit" SignedIn device::save),
    page!(GET  "/console/tenants/{tenant}/devices/{mac}/effective" SignedIn device::effective),
    page!(POST "/console/tenants/{tenant}/devices/{mac}/effective" SignedIn device::effective_revealed),
    page!(GET  "/console/tenants/{tenant}/devices/{mac}/files/{kind}" SignedIn device::file),
    page!(POST "/console/tenants/{tenant}/devices/{mac}/files/{kind}" SignedIn device::file_revealed),
    page!(GET  "/console/tenants/{tenant}/devices/{mac}/settings" SignedIn settings::of_device),
    page!(POST "/console/tenants/{tenant}/devices/{mac}/settings" SignedIn settings::save_device),
    page!(POST "/console/tenants/{tenant}/devices/{mac}/settings/reveal" SignedIn settings::reveal_device),
    page!(GET  "/console/tenants/{tenant}/devices/{mac}/url" SignedIn device::url),
    page!(POST "/console/tenants/{tenant}/devices/{mac}/url" SignedIn device::url_known),
    page!(GET  "/console/tenants/{tenant}/devices/{mac}/move" SignedIn device::move_form),
    page!(POST "/console/tenants/{tenant}/devices/{mac}/move" SignedIn device::move_away),
    page!(GET  "/console/tenants/{tenant}/devices/{mac}/{action}" SignedIn device::confirm),
    page!(POST "/console/tenants/{tenant}/devices/{mac}/{action}" SignedIn device::act),

    page!(GET  "/console/tenants/{tenant}/operations" SignedIn operations::list),
    page!(POST "/console/tenants/{tenant}/operations" SignedIn operations::start),
    page!(GET  "/console/tenants/{tenant}/operations/new" SignedIn operations::new),
    page!(POST "/console/tenants/{tenant}/operations/new" SignedIn operations::ask),
    page!(GET  "/console/tenants/{tenant}/operations/{operation}" SignedIn operations::one),

    page!(GET  "/console/tenants/{tenant}/unknown" SignedIn devices::unknown),
    page!(GET  "/console/tenants/{tenant}/unknown/{mac}/adopt" SignedIn devices::adopt_form),
    page!(POST "/console/tenants/{tenant}/unknown/{mac}/adopt" SignedIn devices::adopt),

    page!(GET  "/console/tenants/{tenant}/access-paths" SignedIn tenancy::access_paths),
    page!(GET  "/console/tenants/{tenant}/access-paths/new" SignedIn tenancy::new_access_path),
    page!(POST "/console/tenants/{tenant}/access-paths/new" SignedIn tenancy::add_access_path),
    page!(GET  "/console/tenants/{tenant}/access-paths/{path}/target" SignedIn tables::target),
    page!(GET  "/console/tenants/{tenant}/file-tests" SignedIn tables::file_tests),
    page!(GET  "/console/tenants/{tenant}/certificates" SignedIn tables::certificates),
    page!(GET  "/console/tenants/{tenant}/sites" SignedIn tenancy::sites),
    page!(GET  "/console/tenants/{tenant}/sites/new" SignedIn tenancy::new_site),
    page!(POST "/console/tenants/{tenant}/sites/new" SignedIn tenancy::add_site),
    page!(GET  "/console/tenants/{tenant}/sites/{site}/edit" SignedIn tenancy::edit_site),
    page!(POST "/console/tenants/{tenant}/sites/{site}/edit" SignedIn tenancy::save_site),
    page!(GET  "/console/tenants/{tenant}/sites/{site}/settings" SignedIn settings::of_site),
    page!(POST "/console/tenants/{tenant}/sites/{site}/settings" SignedIn settings::save_site),
    page!(POST "/console/tenants/{tenant}/sites/{site}/settings/reveal" SignedIn settings::reveal_site),
    page!(GET  "/console/tenants/{tenant}/models" SignedIn tenancy::models),
    page!(GET  "/console/tenants/{tenant}/models/new" SignedIn tenancy::new_model),
    page!(POST "/console/tenants/{tenant}/models/new" SignedIn tenancy::save_model),
    page!(GET  "/console/tenants/{tenant}/models/{model}/edit" SignedIn tenancy::edit_model),
    page!(POST "/console/tenants/{tenant}/models/{model}/edit" SignedIn tenancy::save_model),
    page!(GET  "/console/tenants/{tenant}/models/{model}/settings" SignedIn settings::of_model),
    page!(POST "/console/tenants/{tenant}/models/{model}/settings" SignedIn settings::save_model),
    page!(POST "/console/tenants/{tenant}/models/{model}/settings/reveal" SignedIn settings::reveal_model),
    page!(GET  "/console/tenants/{tenant}/settings" SignedIn settings::of_tenant),
    page!(POST "/console/tenants/{tenant}/settings" SignedIn settings::save_tenant),
    page!(POST "/console/tenants/{tenant}/settings/reveal" SignedIn settings::reveal_tenant),
    page!(GET  "/console/tenants/{tenant}/templates" SignedIn settings::templates),
    page!(GET  "/console/tenants/{tenant}/templates/{kind}/{family}" SignedIn settings::template),
    page!(POST "/console/tenants/{tenant}/templates/{kind}/{family}" SignedIn settings::save_template),
    page!(GET  "/console/tenants/{tenant}/templates/{kind}/{family}/{model}" SignedIn settings::template),
    page!(POST "/console/tenants/{tenant}/templates/{kind}/{family}/{model}" SignedIn settings::save_template),

    page!(GET  "/console/tenants/{tenant}/webhooks" SignedIn webhooks::page),
    page!(GET  "/console/tenants/{tenant}/webhooks/{webhook}" SignedIn webhooks::one),
    page!(GET  "/console/tenants/{tenant}/webhooks/{webhook}/rotate-secret" SignedIn webhooks::rotate_form),
    page!(POST "/console/tenants/{tenant}/webhooks/{webhook}/rotate-secret" SignedIn webhooks::rotate),

    page!(GET  "/console/tenants/{tenant}/notify" SignedIn notify::page),
    page!(GET  "/console/tenants/{tenant}/notify/all" SignedIn notify::notify_all_form),
    page!(POST "/console/tenants/{tenant}/notify/all" SignedIn notify::notify_all),
    page!(GET  "/console/tenants/{tenant}/jobs/{job}" SignedIn notify::job),
    page!(GET  "/console/tenants/{tenant}/rollouts/{rollout}" SignedIn notify::rollout),
];

/// The tenant of a path that is no page, as the pattern of a page would name it.
pub fn tenant_of(path: &str) -> Params {
    let below = path.strip_prefix("/console/tenants/").unwrap_or_default();
    let (id, _) = below.split_once('/').unwrap_or_default();
    api::matches(
        "/console/tenants/{tenant}",
        &format!("/console/tenants/{id}"),
    )
    .unwrap_or_default()
}

/// The page that a method and a path lead to. `HEAD` is answered like `GET`.
pub fn find(method: &str, path: &str) -> Option<(Open, Params)> {
    let method = if method == "HEAD" { "GET" } else { method };
    let path = path.strip_suffix('/').unwrap_or(path);
    // What takes something away has longer paths than the pages that would fit them, too.
    deeds::find(method, path)
        .or_else(|| history::find(method, path))
        .or_else(|| forms::find(method, path))
        .or_else(|| {
            let mut rows = PAGES.iter().filter(|row| row.method == method);
            rows.find_map(|row| Some((row.open, api::matches(row.pattern, path)?)))
        })
}
