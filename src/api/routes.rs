//! Every operation of the API, in one table: the dispatcher matches on it, and the OpenAPI document
//! is made from it.

use crate::api::admin::{audit, audit_chain, events, restored, rotation, tokens};
use crate::api::devices::{self, fleet, keys, lint, moves, preview};
use crate::api::notify::{self, jobs, pools, relays, rollouts};
use crate::api::route::{Route, route};
use crate::api::tenancy::{
    access_paths, certificates, limits, models, settings, sites, templates, tenants,
};

/// The table.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    route!(GET    "/healthz" Nothing "getHealth" super::health, "Says whether the Worker and its database answer; takes plain HTTP too"),
    route!(GET    "/api/v1/openapi.json" Nothing "getOpenapi" super::openapi, "Shows this document"),
    route!(POST   "/api/v1/lint" Read "lint" lint::pasted, "Checks a file that an operator pastes; nothing is stored"),

    route!(GET    "/api/v1/tokens" ReadAll "listTokens" tokens::list, "Lists the API tokens, without their secrets"),
    route!(POST   "/api/v1/tokens" WriteAll "createToken" tokens::create, "Makes a token; its text is in this answer alone"),
    route!(GET    "/api/v1/tokens/{token}" ReadAll "getToken" tokens::show, "Shows a token, without its secret"),
    route!(DELETE "/api/v1/tokens/{token}" WriteAll "deleteToken" tokens::delete, "Removes a token; it is worth nothing from now on"),
    route!(GET    "/api/v1/audit" ReadAll "listAudit" audit::all, "Lists every change, the newest first"),
    route!(GET    "/api/v1/audit/export" ReadAll "exportAudit" audit_chain::export, "Exports the audit log, one entry a line, with the hashes of its chain"),
    route!(GET    "/api/v1/audit/verify" ReadAll "verifyAudit" audit_chain::verify, "Follows the chain over the audit log and says whether anything was changed or taken out"),
    route!(POST   "/api/v1/audit/cut" WriteAll "cutAudit" audit_chain::cut, "Removes an old period of the audit log that was exported to its end"),
    route!(GET    "/api/v1/rotation" ReadAll "getRotation" rotation::show, "Shows what is left to wrap under the current master key"),
    route!(POST   "/api/v1/rotation" WriteAll "rotate" rotation::step, "Wraps some values under the current master key; repeat until nothing remains"),

    route!(GET    "/api/v1/restored" ReadAll "getRestored" restored::show, "Shows whether the database was put back to an earlier point, and what that undid; takes ADMIN_TOKEN then"),
    route!(POST   "/api/v1/restored" WriteAll "restored" restored::take, "Takes a database into use that was put back to an earlier point; takes ADMIN_TOKEN"),

    route!(GET    "/api/v1/tenants" Read "listTenants" tenants::list, "Lists the tenants that the token sees"),
    route!(POST   "/api/v1/tenants" WriteAll "createTenant" tenants::create, "Adds a tenant"),
    route!(GET    "/api/v1/tenants/{tenant}" Read "getTenant" tenants::show, "Shows a tenant"),
    route!(PUT    "/api/v1/tenants/{tenant}" Write "putTenant" tenants::put, "Replaces a tenant's name, hostname and options"),
    route!(DELETE "/api/v1/tenants/{tenant}" WriteAll "deleteTenant" tenants::delete, "Removes a tenant that has no devices, with all that belongs to it"),
    route!(GET    "/api/v1/tenants/{tenant}/audit" Read "listTenantAudit" audit::of_tenant, "Lists the changes of a tenant, the newest first"),
    route!(GET    "/api/v1/tenants/{tenant}/limits" Read "getTenantLimits" limits::show, "Shows what the tenant uses and may use"),
    route!(PUT    "/api/v1/tenants/{tenant}/limits" WriteAll "putTenantLimits" limits::put, "Sets what the tenant may use where it is not the default"),
    route!(GET    "/api/v1/tenants/{tenant}/events" Read "listEvents" events::list, "Lists what phones asked for and got, the newest first"),

    route!(GET    "/api/v1/tenants/{tenant}/access-paths" Read "listAccessPaths" access_paths::list, "Lists the access paths, without their segments"),
    route!(POST   "/api/v1/tenants/{tenant}/access-paths" Write "createAccessPath" access_paths::create, "Makes an access path; its segment is in this answer alone"),
    route!(PUT    "/api/v1/tenants/{tenant}/access-paths/{path}" Write "putAccessPath" access_paths::put, "Changes the label and the expiry of an access path"),
    route!(DELETE "/api/v1/tenants/{tenant}/access-paths/{path}" Write "deleteAccessPath" access_paths::delete, "Removes an access path"),

    route!(GET    "/api/v1/tenants/{tenant}/sites" Read "listSites" sites::list, "Lists the sites"),
    route!(POST   "/api/v1/tenants/{tenant}/sites" Write "createSite" sites::create, "Adds a site"),
    route!(GET    "/api/v1/tenants/{tenant}/sites/{site}" Read "getSite" sites::show, "Shows a site"),
    route!(PUT    "/api/v1/tenants/{tenant}/sites/{site}" Write "putSite" sites::put, "Renames a site"),
    route!(DELETE "/api/v1/tenants/{tenant}/sites/{site}" Write "deleteSite" sites::delete, "Removes a site that has no devices, with its settings"),

    route!(GET    "/api/v1/tenants/{tenant}/models" Read "listModels" models::list, "Lists the models"),
    route!(GET    "/api/v1/tenants/{tenant}/models/{model}" Read "getModel" models::show, "Shows a model"),
    route!(PUT    "/api/v1/tenants/{tenant}/models/{model}" Write "putModel" models::put, "Adds a model, or changes its family and sealing profile"),
    route!(DELETE "/api/v1/tenants/{tenant}/models/{model}" Write "deleteModel" models::delete, "Removes a model that has no devices, with its settings and templates"),

    route!(GET    "/api/v1/tenants/{tenant}/settings" Read "getTenantSettings" settings::of_tenant, "Shows the settings of the tenant's layer"),
    route!(PUT    "/api/v1/tenants/{tenant}/settings" Write "putTenantSettings" settings::put_tenant, "Replaces the settings of the tenant's layer"),
    route!(GET    "/api/v1/tenants/{tenant}/sites/{site}/settings" Read "getSiteSettings" settings::of_site, "Shows the settings of a site's layer"),
    route!(PUT    "/api/v1/tenants/{tenant}/sites/{site}/settings" Write "putSiteSettings" settings::put_site, "Replaces the settings of a site's layer"),
    route!(GET    "/api/v1/tenants/{tenant}/models/{model}/settings" Read "getModelSettings" settings::of_model, "Shows the settings of a model's layer"),
    route!(PUT    "/api/v1/tenants/{tenant}/models/{model}/settings" Write "putModelSettings" settings::put_model, "Replaces the settings of a model's layer"),
    route!(GET    "/api/v1/tenants/{tenant}/devices/{mac}/settings" Read "getDeviceSettings" settings::of_device, "Shows the settings of a device's layer"),
    route!(PUT    "/api/v1/tenants/{tenant}/devices/{mac}/settings" Write "putDeviceSettings" settings::put_device, "Replaces the settings of a device's layer"),

    route!(GET    "/api/v1/tenants/{tenant}/templates" Read "listTemplates" templates::list, "Lists the file templates that were written for the tenant"),
    route!(GET    "/api/v1/tenants/{tenant}/templates/{kind}/{family}" Read "getTemplate" templates::show, "Shows the template of a kind of file for a family, or the built-in one"),
    route!(PUT    "/api/v1/tenants/{tenant}/templates/{kind}/{family}" Write "putTemplate" templates::put, "Writes the template of a kind of file for a family"),
    route!(DELETE "/api/v1/tenants/{tenant}/templates/{kind}/{family}" Write "deleteTemplate" templates::delete, "Goes back to the built-in template"),
    route!(GET    "/api/v1/tenants/{tenant}/templates/{kind}/{family}/{model}" Read "getModelTemplate" templates::show, "Shows the template of a kind of file for one model"),
    route!(PUT    "/api/v1/tenants/{tenant}/templates/{kind}/{family}/{model}" Write "putModelTemplate" templates::put, "Writes the template of a kind of file for one model"),
    route!(DELETE "/api/v1/tenants/{tenant}/templates/{kind}/{family}/{model}" Write "deleteModelTemplate" templates::delete, "Goes back to the family's template"),

    route!(GET    "/api/v1/tenants/{tenant}/certificates" Read "listCertificates" certificates::list, "Lists the root certificates that phones may fetch"),
    route!(GET    "/api/v1/tenants/{tenant}/certificates/{name}" Read "getCertificate" certificates::show, "Shows a root certificate"),
    route!(PUT    "/api/v1/tenants/{tenant}/certificates/{name}" Write "putCertificate" certificates::put, "Uploads a root certificate, PEM or DER"),
    route!(DELETE "/api/v1/tenants/{tenant}/certificates/{name}" Write "deleteCertificate" certificates::delete, "Removes a root certificate"),

    route!(GET    "/api/v1/devices" ReadAll "listAllDevices" fleet::list, "Lists the devices of all tenants; finds them by a part of MAC, label, model or site, and those whose MAC is there more than once"),
    route!(GET    "/api/v1/tenants/{tenant}/devices" Read "listDevices" devices::list, "Lists the devices"),
    route!(POST   "/api/v1/tenants/{tenant}/devices" Write "createDevice" devices::create, "Adds a device, with its settings; its key is made and armed"),
    route!(GET    "/api/v1/tenants/{tenant}/devices/{mac}" Read "getDevice" devices::show, "Shows a device"),
    route!(PUT    "/api/v1/tenants/{tenant}/devices/{mac}" Write "putDevice" devices::put, "Replaces a device's model, site and label, or adds it"),
    route!(DELETE "/api/v1/tenants/{tenant}/devices/{mac}" Write "deleteDevice" devices::delete, "Removes a device"),

    route!(POST   "/api/v1/tenants/{tenant}/devices/{mac}/rekey" Write "rekeyDevice" keys::rekey, "Gives a device a new key: what was sealed under the old one is gone, and a new bootstrap waits"),
    route!(POST   "/api/v1/tenants/{tenant}/devices/{mac}/rearm" Write "rearmDevice" keys::rearm, "Has the bootstrap of the same key served once more, after a transfer that was cut; says who took the last one"),
    route!(POST   "/api/v1/tenants/{tenant}/devices/{mac}/import-key" Write "importDeviceKey" keys::import, "States the key that a device already has; sealed files are served at once"),
    route!(POST   "/api/v1/tenants/{tenant}/devices/{mac}/disable" Write "disableDevice" keys::disable, "Takes a device out of service: it gets nothing"),
    route!(POST   "/api/v1/tenants/{tenant}/devices/{mac}/enable" Write "enableDevice" keys::enable, "Puts a device back into service"),

    route!(POST   "/api/v1/tenants/{tenant}/devices/{mac}/move" WriteAll "moveDevice" moves::device, "Moves a device to another tenant with its key, state and history; until its phone was there, the old URL answers an initial file that names the new ones"),
    route!(DELETE "/api/v1/tenants/{tenant}/devices/{mac}/forward" Write "endForward" moves::end, "Ends that the tenant which a device left sends its phone on"),

    route!(GET    "/api/v1/tenants/{tenant}/devices/{mac}/files/{kind}/preview" Read "previewFile" preview::file, "Shows a file as the device would get it, without its key"),
    route!(GET    "/api/v1/tenants/{tenant}/devices/{mac}/effective" Read "effectiveParameters" preview::effective, "Shows each parameter that the device ends up with, and what it shadows"),
    route!(GET    "/api/v1/tenants/{tenant}/devices/{mac}/lint" Read "lintDevice" lint::device, "Checks every file of a device"),

    route!(POST   "/api/v1/tenants/{tenant}/devices/{mac}/notify" Write "notifyDevice" notify::device, "Tells a phone to fetch its files; the job's end says whether it did"),
    route!(GET    "/api/v1/tenants/{tenant}/jobs" Read "listJobs" jobs::list, "Lists the NOTIFY jobs, the newest first"),
    route!(GET    "/api/v1/tenants/{tenant}/jobs/{job}" Read "getJob" jobs::show, "Shows a job with its history"),
    route!(POST   "/api/v1/tenants/{tenant}/jobs/{job}/cancel" Write "cancelJob" jobs::cancel, "Takes a job back, if it has not ended"),
    route!(GET    "/api/v1/tenants/{tenant}/rollouts" Read "listRollouts" rollouts::list, "Lists the rollouts, the newest first"),
    route!(POST   "/api/v1/tenants/{tenant}/rollouts" Write "createRollout" rollouts::create, "Tells many phones, paced and in stages"),
    route!(GET    "/api/v1/tenants/{tenant}/rollouts/{rollout}" Read "getRollout" rollouts::show, "Shows a rollout and how far it is"),
    route!(POST   "/api/v1/tenants/{tenant}/rollouts/{rollout}/pause" Write "pauseRollout" rollouts::pause, "Stops a rollout for now"),
    route!(POST   "/api/v1/tenants/{tenant}/rollouts/{rollout}/resume" Write "resumeRollout" rollouts::resume, "Lets a paused rollout go on, overlooking what its threshold stopped it for"),
    route!(POST   "/api/v1/tenants/{tenant}/rollouts/{rollout}/cancel" Write "cancelRollout" rollouts::cancel, "Ends a rollout and takes its waiting jobs back"),
    route!(GET    "/api/v1/tenants/{tenant}/pool" Read "getTenantPool" pools::of_tenant, "Shows which pool reaches the tenant's phones"),
    route!(PUT    "/api/v1/tenants/{tenant}/pool" WriteAll "putTenantPool" pools::put_of_tenant, "Decides which pool reaches the tenant's phones"),
    route!(GET    "/api/v1/tenants/{tenant}/destinations" Read "getTenantDestinations" pools::destinations, "Shows whom the tenant may address by NOTIFY"),
    route!(PUT    "/api/v1/tenants/{tenant}/destinations" WriteAll "putTenantDestinations" pools::put_destinations, "Decides whom the tenant may address by NOTIFY"),
    route!(GET    "/api/v1/tenants/{tenant}/sites/{site}/pool" Read "getSitePool" pools::of_site, "Shows which pool reaches the site's phones, if the site names one"),
    route!(PUT    "/api/v1/tenants/{tenant}/sites/{site}/pool" WriteAll "putSitePool" pools::put_of_site, "Decides which pool reaches the site's phones"),

    route!(GET    "/api/v1/pools" ReadAll "listPools" pools::list, "Lists the pools"),
    route!(POST   "/api/v1/pools" WriteAll "createPool" pools::create, "Adds a pool"),
    route!(GET    "/api/v1/pools/{pool}" ReadAll "getPool" pools::show, "Shows a pool and what its queue holds"),
    route!(PUT    "/api/v1/pools/{pool}" WriteAll "putPool" pools::put, "Replaces a pool's name and options"),
    route!(DELETE "/api/v1/pools/{pool}" WriteAll "deletePool" pools::delete, "Removes a pool without relays, tenants and sites"),
    route!(GET    "/api/v1/pools/{pool}/relays" ReadAll "listRelays" relays::list, "Lists a pool's relays and how they are"),
    route!(POST   "/api/v1/pools/{pool}/relays" WriteAll "createRelay" relays::create, "Adds a relay; its credential is in this answer alone"),
    route!(GET    "/api/v1/pools/{pool}/relays/{relay}" ReadAll "getRelay" relays::show, "Shows a relay and how it is"),
    route!(DELETE "/api/v1/pools/{pool}/relays/{relay}" WriteAll "deleteRelay" relays::delete, "Removes a relay: its credential is worth nothing and its connection is closed"),
    route!(POST   "/api/v1/pools/{pool}/relays/{relay}/drain" WriteAll "drainRelay" relays::drain, "Gives a relay no more jobs until it connects again"),
];
