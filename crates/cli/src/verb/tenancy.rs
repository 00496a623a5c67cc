//! Verbs about tenants and what describes their phones.

use super::fleet::VERSIONS;
use ringfence_api::operation::Operation;

use super::{
    Arg, CHANGE_OF_MANY, Goes, Kind, PAGED, Shows, TENANT, Verb, arg, body, call, own, place,
    query, run,
};
use crate::command::{notify, settings, templates, tenancy};

const SITE: &[Arg] = &[arg("site", "Name or id of the site", Goes::Path)
    .is(Kind::Site)
    .at_place()
    .required()];

const MODEL: &[Arg] = &[place("model", "The model, as the phone writes it")];

/// Whose layer.
const LAYER: &[Arg] = &[
    own("site", "Of this site, by name or id"),
    own("model", "Of this model"),
    own("device", "Of the phone with this MAC"),
];

const TEMPLATE: &[Arg] = &[
    place("kind", "Kind of file").is(Kind::Choice(&[
        "initial", "standard", "product", "master", "system",
    ])),
    place("family", "The family (ringfence families)"),
    arg("model", "That of this model alone", Goes::Path),
];

const FROM_TO: &[Arg] = &[
    query("from", "Number of the older version")
        .is(Kind::Number)
        .required(),
    query("to", "Number of the newer one; without it, the present").is(Kind::Number),
];

const BACK_TO: &[Arg] = &[body("version", "Number of the version")
    .is(Kind::Number)
    .at_place()
    .required()];

const PATH: &[Arg] = &[place("path", "Id of the access path")];

const TEST_NAME: Arg = body("name", "What it is called");

const TEST_FILE: Arg = body("file", "Kind of file").is(Kind::Choice(&[
    "initial", "standard", "product", "master", "system",
]));

const TEST_PARAMETER: Arg = body("parameter", "The parameter, as the file calls it");

const TEST_EXPECT: Arg = body("expect", "What is to be so")
    .is(Kind::Choice(&["equals", "contains", "present", "absent"]));

const TEST_OF: &[Arg] = &[
    body("value", "With equals and contains"),
    body("model", "Only files of this model"),
    body("site", "Only files of this site").is(Kind::Site),
    body("device", "Only files of the phone with this MAC"),
];

/// What a test must have.
const NEW_TEST: &[Arg] = &[
    TEST_NAME.required(),
    TEST_FILE.required(),
    TEST_PARAMETER.required(),
    TEST_EXPECT.required(),
];

const TEST_FIELDS: &[Arg] = &[TEST_NAME, TEST_FILE, TEST_PARAMETER, TEST_EXPECT];

const TEST: &[Arg] = &[place("test", "Id of the test")];

#[rustfmt::skip]
pub(super) const VERBS: &[Verb] = &[
    call("tenants list", "List the tenants", &[Operation::ListTenants], &[PAGED],
        Shows::List(&[("ID", "id"), ("NAME", "name"), ("HOSTNAME", "hostname"), ("CREATED", "created_at")])),
    call("tenants show", "Show a tenant", &[Operation::GetTenant], &[TENANT], Shows::One),
    call("tenants create", "Add a tenant", &[Operation::CreateTenant],
        &[&[body("name", "What it is called").at_place().required(), body("hostname", "The hostname that only its phones use"), OPTIONS, super::SET_OPTION], super::TRIED], Shows::One),
    call("tenants change", "Change a tenant's name, hostname or options", &[Operation::PutTenant],
        &[TENANT, &[body("name", "What it is called"), body("hostname", "The hostname that only its phones use; empty for none").is(Kind::Optional), OPTIONS], super::OPTIONS, CHANGE_OF_MANY], Shows::One)
        .keeps(&[("name", "name"), ("hostname", "hostname"), ("options", "options")]),
    call("tenants remove", "Remove a tenant that has no phones, with all that belongs to it", &[Operation::DeleteTenant],
        &[&[arg("TENANT", "Name or id of the tenant", Goes::Tenant).at_place().required()], super::TRIED], Shows::Done("removed"))
        .confirms("Removing a tenant with its settings, templates and access paths cannot be undone."),
    call("sites list", "List the sites", &[Operation::ListSites], &[PAGED], Shows::List(&[("NAME", "name"), ("ID", "id"), ("CREATED", "created_at")])),
    call("sites show", "Show a site", &[Operation::GetSite], &[SITE], Shows::One),
    call("sites create", "Add a site", &[Operation::CreateSite], &[&[body("name", "What it is called").at_place().required()], CHANGE_OF_MANY], Shows::One),
    call("sites rename", "Rename a site", &[Operation::PutSite], &[SITE, &[body("name", "What it is called from now on").at_place().required()], CHANGE_OF_MANY], Shows::One),
    call("sites remove", "Remove a site that has no phones, with its settings", &[Operation::DeleteSite], &[SITE, CHANGE_OF_MANY], Shows::Done("removed"))
        .confirms("Removing a site with its settings cannot be undone."),
    run("sites pool", "Show which pool a site's phones are notified by", notify::pool_of, &[Operation::GetSitePool], &[SITE]),
    call("sites set-pool", "Have a pool notify a site's phones", &[Operation::PutSitePool], &[SITE, POOL, super::TRIED], Shows::One),
    call("models list", "List the models", &[Operation::ListModels], &[PAGED],
        Shows::List(&[("NAME", "name"), ("FAMILY", "family"), ("PROFILE", "profile"), ("GRADE", "profile_grade")])),
    call("models show", "Show a model", &[Operation::GetModel], &[MODEL], Shows::One),
    run("models put", "Add a model, or change its family or its sealing profile", tenancy::put_model, &[Operation::PutModel, Operation::GetModel],
        &[MODEL, &[own("family", "The model's family, where the name does not tell"), own("sealing", "How the model's files are sealed: a profile, or empty for none")], CHANGE_OF_MANY]),
    call("models remove", "Remove a model that has no phones, with its settings and templates", &[Operation::DeleteModel], &[MODEL, CHANGE_OF_MANY], Shows::Done("removed"))
        .confirms("Removing a model with its settings and templates cannot be undone."),

    run("settings show", "Show the settings of a layer: the tenant's, or a site's, a model's or a phone's", settings::show,
        &[Operation::GetTenantSettings, Operation::GetSiteSettings, Operation::GetModelSettings, Operation::GetDeviceSettings],
        &[LAYER, &[own("reveal", "Show secrets, if the token may").is(Kind::Flag)]]),
    run("settings set", "Set some settings of a layer; its others stay", settings::set,
        &[Operation::PutTenantSettings, Operation::PutSiteSettings, Operation::PutModelSettings, Operation::PutDeviceSettings],
        &[&[own("set", "NAME=VALUE; a value of a secret is given by --secret").at_place().many(),
            own("secret", "A secret setting: NAME=env:VARIABLE, file:PATH, command:LINE or -; may be repeated").many(),
            own("notify", "Tell the phones at once").is(Kind::Flag)], LAYER, CHANGE_OF_MANY]),
    run("settings unset", "Take some settings out of a layer", settings::unset,
        &[Operation::PutTenantSettings, Operation::PutSiteSettings, Operation::PutModelSettings, Operation::PutDeviceSettings],
        &[&[own("name", "A name").at_place().many().required(), own("notify", "Tell the phones at once").is(Kind::Flag)], LAYER, CHANGE_OF_MANY]),
    run("settings history", "List the versions of a layer's settings", settings::history,
        &[Operation::ListSettingsHistory, Operation::ListSiteSettingsHistory, Operation::ListModelSettingsHistory, Operation::ListDeviceSettingsHistory],
        &[LAYER, PAGED]),
    run("settings diff", "Show what differs between two versions of a layer's settings", settings::diff,
        &[Operation::DiffSettings, Operation::DiffSiteSettings, Operation::DiffModelSettings, Operation::DiffDeviceSettings],
        &[&[own("from", "Number of the older version").is(Kind::Number).required(), own("to", "Number of the newer one; without it, the present").is(Kind::Number)], LAYER]),
    run("settings rollback", "Go back to an earlier version of a layer's settings", settings::roll_back,
        &[Operation::RollBackSettings, Operation::RollBackSiteSettings, Operation::RollBackModelSettings, Operation::RollBackDeviceSettings],
        &[&[own("version", "Number of the version").is(Kind::Number).at_place().required()], LAYER, CHANGE_OF_MANY]),
    call("options history", "List the versions of the tenant's options", &[Operation::ListOptionsHistory], &[PAGED], VERSIONS),
    run("options diff", "Show what differs between two versions of the tenant's options", templates::diff, &[Operation::DiffOptions], &[FROM_TO]),
    call("options rollback", "Go back to an earlier version of the tenant's options", &[Operation::RollBackOptions], &[BACK_TO, CHANGE_OF_MANY], Shows::One),

    call("templates list", "List the templates that were written for the tenant", &[Operation::ListTemplates], &[],
        Shows::List(&[("KIND", "kind"), ("FAMILY", "family"), ("MODEL", "model"), ("REVISION", "revision"), ("UPDATED", "updated_at")])),
    call("templates show", "Show a template, or the built-in one", &[Operation::GetTemplate, Operation::GetModelTemplate], &[TEMPLATE], Shows::Text("source")),
    call("templates put", "Write a template from a file", &[Operation::PutTemplate, Operation::PutModelTemplate],
        &[TEMPLATE, &[body("source", "The file with the template; - for standard input").is(Kind::File).required().named("file").at_place()], CHANGE_OF_MANY], Shows::Done("written")),
    call("templates remove", "Go back to the built-in template, or from a model's to the family's", &[Operation::DeleteTemplate, Operation::DeleteModelTemplate], &[TEMPLATE, CHANGE_OF_MANY], Shows::Done("removed")),
    call("templates history", "List the versions of a template", &[Operation::ListTemplateHistory, Operation::ListModelTemplateHistory], &[TEMPLATE, PAGED], VERSIONS),
    run("templates diff", "Show what differs between two versions of a template", templates::diff,
        &[Operation::DiffTemplate, Operation::DiffModelTemplate],
        &[TEMPLATE, FROM_TO]),
    call("templates rollback", "Go back to an earlier version of a template", &[Operation::RollBackTemplate, Operation::RollBackModelTemplate],
        &[TEMPLATE, &[body("version", "Number of the version").is(Kind::Number).required()], CHANGE_OF_MANY], Shows::Done("what it was")),
    call("tests list", "List the tests of files", &[Operation::ListFileTests], &[],
        Shows::List(&[("ID", "id"), ("NAME", "name"), ("FILE", "file"), ("PARAMETER", "parameter"), ("EXPECT", "expect"), ("VALUE", "value"), ("MODEL", "model"), ("DEVICE", "device")])),
    call("tests show", "Show a test of files", &[Operation::GetFileTest], &[TEST], Shows::One),
    call("tests add", "Add a test of files", &[Operation::CreateFileTest], &[NEW_TEST, TEST_OF, super::TRIED], Shows::One),
    call("tests change", "Change a test of files", &[Operation::PutFileTest], &[TEST, TEST_FIELDS, TEST_OF, super::TRIED], Shows::One)
        .keeps(&[("name", "name"), ("file", "file"), ("parameter", "parameter"), ("expect", "expect"), ("value", "value"), ("model", "model"), ("site", "site"), ("device", "device")]),
    call("tests remove", "Remove a test of files", &[Operation::DeleteFileTest], &[TEST, super::TRIED], Shows::Done("removed"))
        .confirms("Removing a test of files cannot be undone."),
    run("tests run", "Run all tests of files", templates::run_tests, &[Operation::RunFileTests], &[]),
    call("certificates list", "List the certificates that phones fetch", &[Operation::ListCertificates], &[],
        Shows::List(&[("NAME", "name"), ("DIGEST", "digest"), ("CREATED", "created_at")])),
    call("certificates show", "Show a certificate", &[Operation::GetCertificate], &[CERTIFICATE], Shows::One),
    call("certificates put", "Write a certificate", &[Operation::PutCertificate],
        &[CERTIFICATE, &[body("pem", "The file with the certificate, in PEM; - for standard input").is(Kind::File).required().named("file").at_place()], CHANGE_OF_MANY], Shows::One),
    call("certificates remove", "Remove a certificate", &[Operation::DeleteCertificate], &[CERTIFICATE, CHANGE_OF_MANY], Shows::Done("removed"))
        .confirms("Removing a certificate cannot be undone."),

    call("access-paths list", "List the access paths, without their segments", &[Operation::ListAccessPaths], &[PAGED],
        Shows::List(&[("ID", "id"), ("LABEL", "label"), ("DEVICES IN 7 DAYS", "devices_7d"), ("LAST USED", "last_used_at"), ("EXPIRES", "expires_at"), ("TARGET SINCE", "target_since")])),
    call("access-paths show", "Show an access path, without its segment", &[Operation::GetAccessPath], &[PATH], Shows::One),
    call("access-paths create", "Make an access path; its URL is shown this once", &[Operation::CreateAccessPath],
        &[&[body("label", "For people"), body("expires_at", "When it ends, such as 30d").is(Kind::Future), body("target", "Have the tenant's phones move to it").is(Kind::Flag)], super::TRIED], Shows::One),
    call("access-paths change", "Change the label and the end of an access path", &[Operation::PutAccessPath],
        &[PATH, &[body("label", "For people"), body("expires_at", "When it ends, such as 30d").is(Kind::Future)], super::TRIED], Shows::One)
        .keeps(&[("label", "label"), ("expires_at", "expires_at")]),
    call("access-paths remove", "Remove an access path: phones that know no other get nothing", &[Operation::DeleteAccessPath], &[PATH, super::TRIED], Shows::Done("removed"))
        .confirms("Removing an access path cannot be undone: its URL cannot be made again."),
    call("access-paths move", "Have the tenant's phones move to an access path", &[Operation::PutAccessPathTarget],
        &[PATH, &[body("url", "The URL with the segment, where the database does not have it any more").is(Kind::Secret).named("with_url")], CHANGE_OF_MANY], Shows::One),
    call("access-paths moved", "List the phones that have not moved to an access path", &[Operation::GetAccessPathTarget], &[PATH, PAGED],
        Shows::List(&[("MAC", "mac"), ("MODEL", "model"), ("LABEL", "label"), ("LAST USED", "last_used_at")])),
    call("access-paths end-move", "No longer have phones move to an access path", &[Operation::EndAccessPathTarget], &[PATH, CHANGE_OF_MANY], Shows::Done("ended")),
    call("limits show", "Show what the tenant uses and may use", &[Operation::GetTenantLimits], &[TENANT], Shows::One),
    call("limits set", "Change some of a tenant's limits; the others stay", &[Operation::PutTenantLimits],
        &[&[body("devices", "Phones; as each of these, a number or `default`").is(Kind::Limit), body("models", "Models").is(Kind::Limit), body("sites", "Sites").is(Kind::Limit), body("tokens", "Tokens").is(Kind::Limit),
            body("settings_bytes", "Bytes of settings").is(Kind::Limit), body("template_bytes", "Bytes of templates").is(Kind::Limit), body("audit_bytes", "Bytes of entries in the audit log").is(Kind::Limit)], super::TRIED], Shows::One)
        .keeps(&[("limits.devices", "devices"), ("limits.models", "models"), ("limits.sites", "sites"), ("limits.tokens", "tokens"),
            ("limits.settings_bytes", "settings_bytes"), ("limits.template_bytes", "template_bytes"), ("limits.audit_bytes", "audit_bytes")]),
    run("destinations show", "Show where the tenant's NOTIFYs may go", notify::destinations, &[Operation::GetTenantDestinations], &[TENANT]),
    call("destinations set", "Say where the tenant's NOTIFYs may go: all domains, all networks, or both", &[Operation::PutTenantDestinations],
        &[&[body("destinations.domains", "A domain; may be repeated; empty for none").many().named("domain"),
            body("destinations.networks", "A network such as 192.0.2.0/24; may be repeated; empty for none").many().named("network")], super::TRIED], Shows::One)
        .keeps(&[("destinations.domains", "destinations.domains"), ("destinations.networks", "destinations.networks")]),
];

const OPTIONS: Arg = body(
    "options",
    "File with options as JSON; - for standard input. What it leaves out stays",
)
.is(Kind::Json);

const POOL: &[Arg] = &[
    body("pool", "Name or id of the pool; empty for the tenant's")
        .is(Kind::Pool)
        .at_place()
        .required(),
];

const CERTIFICATE: &[Arg] = &[place("name", "Name of the certificate")];
