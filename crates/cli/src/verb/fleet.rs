//! Verbs about phones.

use ringfence_api::operation::Operation;

use super::{
    Arg, CHANGE, Goes, Kind, MAC, PAGED, Shows, Verb, WAIT, Wait, arg, body, call, own, place,
    query, run,
};
use crate::command::{change, explain, export, files, fleet, import};

const STATES: Kind = Kind::Choice(&["armed", "delivered", "confirmed", "expired", "replaced"]);

const SORTS: Kind = Kind::Choice(&[
    "added",
    "-added",
    "mac",
    "-mac",
    "label",
    "-label",
    "model",
    "-model",
    "last_seen",
    "-last_seen",
    "changed",
    "-changed",
]);

const SEARCH: Arg = arg(
    "search",
    "Only phones that these words of three letters or more fit: parts of MAC, label, model, site or a setting",
    Goes::QueryAs("q"),
);

/// The filters of a list of devices.
pub(super) const FILTER: &[Arg] = &[
    SEARCH,
    query("model", "Only phones of this model"),
    query("family", "Only phones of this family (ringfence families)"),
    query("vendor", "Only phones of this vendor"),
    query("site", "Only phones of this site, by its name or id").is(Kind::Site),
    query("state", "Only phones whose key is in this state").is(STATES),
    query(
        "extension",
        "Only phones one of whose lines has exactly this user",
    ),
    query("never_seen", "Only phones that never asked for anything").is(Kind::Flag),
    query(
        "stale",
        "Only phones that lack the last version of their file",
    )
    .is(Kind::Flag),
    query(
        "failing",
        "Only phones whose last request was refused, or whose file is broken",
    )
    .is(Kind::Flag),
    query(
        "unexpected_network",
        "Only phones whose bootstrap was taken from an unexpected network",
    )
    .is(Kind::Flag),
    query(
        "disabled",
        "Only phones that are out of service (on) or in service (off)",
    )
    .is(Kind::Switch),
    query(
        "last_seen_after",
        "Only phones that asked since then, such as 2h or 2026-03-01",
    )
    .is(Kind::Past),
    query(
        "last_seen_before",
        "Only phones that did not ask since then",
    )
    .is(Kind::Past),
    query("sort", "By what, with - before it the greatest first").is(SORTS),
];

const DEVICE_COLUMNS: &[(&str, &str)] = &[
    ("MAC", "mac"),
    ("MODEL", "model"),
    ("LABEL", "label"),
    ("SITE", "site"),
    ("STATE", "state"),
    ("LAST SEEN", "last_seen.at"),
    ("ADDRESS", "last_seen.address"),
];

/// A history's versions.
pub(super) const VERSIONS: Shows = Shows::List(&[
    ("VERSION", "version"),
    ("AT", "at"),
    ("CURRENT", "current"),
    ("BYTES", "bytes"),
    ("TOKEN", "token"),
    ("COMMENT", "comment"),
]);

pub(super) const EVENT_COLUMNS: &[(&str, &str)] = &[
    ("AT", "at"),
    ("MAC", "mac"),
    ("OUTCOME", "outcome"),
    ("REASON", "reason"),
    ("STATUS", "status"),
    ("KIND", "kind"),
    ("NAME", "path"),
    ("ADDRESS", "address"),
    ("REQUEST", "request_id"),
];

const REVEAL: Arg = query("reveal", "Show secrets, if the token may").is(Kind::Flag);

const FILE_KIND: Kind = Kind::Choice(&["initial", "standard", "product", "master", "system"]);

const KIND: &[Arg] = &[Arg {
    is_required: false,
    ..place("kind", "Which of its files [default: standard]").is(FILE_KIND)
}];

const PLACE_OF_DEVICE: &[Arg] = &[
    own("model", "The model, as the phone writes it"),
    own("label", "For people"),
    own("site", "Name or id of its site; empty for none"),
];

const SETTINGS: &[Arg] = &[
    own("set", "A setting: NAME=VALUE; may be repeated").many(),
    own(
        "secret",
        "A secret setting: NAME=env:VARIABLE, file:PATH, command:LINE or -; may be repeated",
    )
    .many(),
];

const NOTIFICATION: &[Arg] = &[
    body(
        "event",
        "Text of the Event header, instead of the family's own",
    ),
    body("restart", "Have the phone restart").is(Kind::Flag),
];

#[rustfmt::skip]
pub(super) const VERBS: &[Verb] = &[
    call("devices list", "List the phones", &[Operation::ListDevices], &[FILTER, PAGED], Shows::List(DEVICE_COLUMNS)),
    call("devices find", "Find phones in all tenants", &[Operation::ListAllDevices],
        &[&[Arg { is_place: true, ..SEARCH },
            query("mac", "Exactly this MAC"),
            query("doubled", "Only phones whose MAC another tenant has too").is(Kind::Flag)], PAGED],
        Shows::List(&[("MAC", "mac"), ("TENANT", "tenant_name"), ("MODEL", "model"), ("LABEL", "label"), ("STATE", "state"), ("LAST SEEN", "last_seen.at")])),
    run("devices count", "Count the phones, by state, vendor, family, model and site", fleet::count, &[Operation::CountDevices],
        &[&[query("again", "Count again, though more than 10,000 were counted a while ago").is(Kind::Flag)]]),
    run("devices count-all", "Count the phones of all tenants", fleet::count_all, &[Operation::CountAllDevices], &[]),
    run("devices show", "Say how a phone is, with its last requests", fleet::show,
        &[Operation::GetDevice], &[MAC]),
    run("devices add", "Add a phone, with its settings; its key is made", change::add,
        &[Operation::CreateDevice], &[MAC, PLACE_OF_DEVICE, SETTINGS, CHANGE]),
    run("devices change", "Change a phone's model, label, site or some of its settings", change::change,
        &[Operation::PutDevice, Operation::PutDevices, Operation::GetDeviceSettings], &[MAC, PLACE_OF_DEVICE, SETTINGS, CHANGE]),
    call("devices remove", "Remove a phone, with its key and its settings", &[Operation::DeleteDevice], &[MAC, CHANGE], Shows::Done("removed"))
        .confirms("Removing a phone with its key cannot be undone."),
    call("devices rekey", "Make a new key for a phone, and arm its bootstrap", &[Operation::RekeyDevice],
        &[MAC, &[query("notify", "Tell the phone at once").is(Kind::Flag)], super::TRIED], Shows::Device)
        .confirms("The phone gets a new key, and nothing else until it took the new bootstrap."),
    call("devices rearm", "Have the bootstrap of the same key served once more", &[Operation::RearmDevice], &[MAC, super::TRIED], Shows::Device),
    call("devices import-key", "Take over the key that a phone has already", &[Operation::ImportDeviceKey],
        &[MAC, &[body("key", "Where the key is: env:VARIABLE, file:PATH, command:LINE or -").is(Kind::Secret).required().named("key_from")], super::TRIED], Shows::Device),
    call("devices enable", "Take a phone back into service", &[Operation::EnableDevice], &[MAC, CHANGE], Shows::Device),
    call("devices disable", "Take a phone out of service: it gets nothing", &[Operation::DisableDevice], &[MAC, super::TRIED], Shows::Device),
    call("devices move", "Move a phone to another tenant", &[Operation::MoveDevice],
        &[MAC, &[body("tenant", "Name or id of the tenant that it goes to").is(Kind::Tenant).required().named("to"),
            body("model", "The phone's model there"), body("label", "The phone's label there"), body("site", "The phone's site there, by name or id").is(Kind::SiteThere),
            body("settings", "What becomes of its settings").is(Kind::Choice(&["keep", "drop"])),
            body("forward.enabled", "Whether its phone is sent on from here").is(Kind::Switch).named("forward"),
            body("forward.days", "Number of days for which the phone is sent on").is(Kind::Number).named("forward_days"),
            body("forward.url", "Where to, if the other tenant has several access paths: env:VARIABLE, file:PATH, command:LINE or -").is(Kind::Secret).named("forward_to")], CHANGE], Shows::Device),
    call("devices end-forward", "No longer send a phone that moved away on", &[Operation::EndForward], &[MAC, super::TRIED], Shows::Done("ended")),
    call("devices notify", "Tell a phone to fetch its files", &[Operation::NotifyDevice], &[MAC, NOTIFICATION, WAIT, super::TRIED], Shows::One).waits(Wait::Job),
    call("devices preview", "Show a file as the phone would get it", &[Operation::PreviewFile], &[MAC, KIND, &[REVEAL]], Shows::Text("text")),
    run("devices diff", "Show what differs between the file that a phone has and the one that it would get", fleet::diff,
        &[Operation::DiffFile], &[MAC, KIND]),
    call("devices effective", "List what the phone's files say, and which layer says so", &[Operation::EffectiveParameters], &[MAC, &[REVEAL]],
        Shows::List(&[("PARAMETER", "path"), ("VALUE", "value"), ("LAYER", "layer"), ("FILE", "from")])),
    run("devices lint", "Check the files that a phone would get", fleet::lint, &[Operation::LintDevice], &[MAC]),
    call("devices history", "List the versions of a phone's settings", &[Operation::ListDeviceSettingsHistory], &[MAC, PAGED], VERSIONS),
    run("explain", "Explain what a phone hears to a request and why, step by step; nothing is written", explain::explain, &[Operation::Explain],
        &[&[own("what", "A URL, a MAC (then --name) or the id of a request").at_place().required(),
            own("name", "With a MAC: the file's name that it asks for"),
            own("model", "With a MAC: what the phone is"),
            own("user_agent", "What the phone says it is"),
            own("address", "Where it asks from"),
            own("method", "How it asks").is(Kind::Choice(&["GET", "HEAD"])),
            own("access_path", "With a MAC: under which access path, by its id; without it, the newest that has not expired")]]),
    call("unknown list", "List phones that asked under an access path and are no device", &[Operation::ListUnknown], &[PAGED],
        Shows::List(&[("MAC", "mac"), ("VENDOR", "guess.vendor"), ("MODEL", "guess.model"), ("FIRMWARE", "guess.firmware"), ("TIMES", "times"), ("LAST SEEN", "last_seen.at"), ("ADDRESS", "last_seen.address")])),
    call("unknown adopt", "Make a device of an unknown phone", &[Operation::AdoptUnknown],
        &[MAC, &[body("model", "The phone's model, where the guess does not do"), body("label", "For people"), body("site", "The phone's site, by name or id").is(Kind::Site)], SETTINGS, CHANGE], Shows::Device),
    call("unknown dismiss", "Forget an unknown phone until it asks again", &[Operation::DismissUnknown], &[MAC, super::TRIED], Shows::Done("dismissed")),
    run("event-counts", "Count what phones of all tenants asked for in the last day, by the hour", fleet::count_all, &[Operation::CountAllEvents], &[]),
    call("events", "List what phones asked for and got, the newest first", &[Operation::ListEvents],
        &[&[query("device", "Only of this MAC"), query("outcome", "Only with this outcome, such as refused"), query("reason", "Only with this reason"),
            query("kind", "Only of this kind of file").is(FILE_KIND), query("address", "Only from this address"), query("request_id", "Only this request"),
            query("after", "Since then, such as 2h").is(Kind::Past), query("before", "Before then").is(Kind::Past),
            own("follow", "Go on with what happens from now on, until Ctrl-C").is(Kind::Flag)], PAGED],
        Shows::List(EVENT_COLUMNS)),
    run("operations create", "Do the same to many phones: those of the filter, or those named", change::operate,
        &[Operation::CreateOperation],
        &[&[own("action", "What is done to each").is(Kind::Choice(&["notify", "rekey", "rearm", "enable", "disable", "delete", "set", "unset", "change", "move"])).at_place().required(),
            own("mac", "This phone; may be repeated. Without it, those of the filter").many(),
            own("all", "Without --mac and without a filter: all phones").is(Kind::Flag),
            own("set", "With set: NAME=VALUE; may be repeated").many(),
            own("secret", "With set: NAME=env:VARIABLE and so on; may be repeated").many(),
            own("unset", "With unset: a name; may be repeated").many(),
            own("to_model", "With change: the model"), own("to_site", "With change: the site"), own("to_tenant", "With move: the tenant"),
            own("event", "With notify: the Event header"), own("restart", "With notify: restart").is(Kind::Flag),
            own("if_unchanged", "Leave out phones that are changed meanwhile").is(Kind::Flag),
            own("dry_run", "Only say which phones it would be about").is(Kind::Flag), super::YES],
            super::fleet::FILTER, WAIT]),
    call("operations list", "List the operations, the newest first", &[Operation::ListOperations], &[PAGED],
        Shows::List(&[("ID", "id"), ("STATE", "state"), ("ACTION", "action"), ("DEVICES", "devices.all"), ("DONE", "devices.done"), ("REFUSED", "devices.refused"), ("PENDING", "devices.pending"), ("CREATED", "created_at")])),
    call("operations show", "Show how far an operation is", &[Operation::GetOperation], &[OPERATION, WAIT], Shows::One).waits(Wait::Operation),
    call("operations devices", "List what became of each phone of an operation", &[Operation::ListOperationDevices],
        &[OPERATION, &[query("outcome", "Only with this outcome").is(Kind::Choice(&["waiting", "applied", "done", "unchanged", "refused", "cancelled"]))], PAGED],
        Shows::List(&[("MAC", "mac"), ("OUTCOME", "outcome"), ("CAUSE", "cause"), ("DETAIL", "detail")])),
    call("operations cancel", "Stop an operation; what is done stays done", &[Operation::CancelOperation], &[OPERATION], Shows::One),
    call("operations remove", "Remove what is kept of an operation that ended", &[Operation::DeleteOperation], &[OPERATION, super::TRIED], Shows::Done("removed"))
        .confirms("What became of each phone cannot be listed any more."),
    run("import", "Import a table of phones: CSV of a PBX, of a spreadsheet or of `ringfence export`", import::import,
        &[Operation::PutDevices],
        &[&[own("file", "The table; - for standard input").at_place().required(),
            own("write", "Write what the check lets through. Without it nothing is written").is(Kind::Flag),
            own("continue_on_error", "Write the other rows although some are refused").is(Kind::Flag),
            own("map", "What a column is: THEIRS=OURS; may be repeated").many(),
            own("system", "The system that the table must be of").is(Kind::Choice(&["fusionpbx", "fspbx", "3cx", "vodia", "freepbx"])),
            own("delimiter", "Between cells, where it is not found").is(Kind::Choice(&[",", ";", "tab", "|"])),
            own("model", "Model of rows that name none"),
            own("site", "Site of rows that name none"),
            own("comment", "What the audit log says about it"),
            own("restart", "Begin anew, whatever an import that was cut off has done").is(Kind::Flag),
            own("unwrap_secrets_with", "Where the passphrase is under which the table's secrets are wrapped: env:VARIABLE, file:PATH or command:LINE"),
            own("verdicts", "Where each row's verdict is written, as CSV; without it, on standard output")]]),
    run("pull", "Write a tenant as files: options, settings, sites, models, phones, templates", files::pull, &[],
        &[&[own("folder", "Where to").at_place().required(), own("overwrite", "Write over files that are there").is(Kind::Flag)]]),
    run("plan", "Say what differs between the files of a folder and the tenant", files::plan, &[],
        &[&[own("folder", "Folder with the files").at_place().required(), own("delete", "Also what the files do not have").is(Kind::Flag)]]),
    run("apply", "Make the tenant as the files of a folder say", files::apply, &[],
        &[&[own("folder", "Folder with the files").at_place().required(), own("delete", "Delete what the files do not have").is(Kind::Flag),
            own("dry_run", "Change nothing, and say what differs, as `ringfence plan` does").is(Kind::Flag),
            own("comment", "What the history and the audit log say about it"), super::YES]]),
    run("export", "Export phones as a table that `ringfence import` reads", export::export,
        &[Operation::ExportDevices, Operation::MeasureTable, Operation::GetDeviceSettings],
        &[FILTER, &[own("count", "Only say how many phones the table would have").is(Kind::Flag), own("out", "Write to this file instead of standard output"),
            own("wrap_secrets_with", "Also the secrets, wrapped under the passphrase that is there: env:VARIABLE, file:PATH, command:LINE or -")]]),
];

const OPERATION: &[Arg] = &[place("operation", "Id of the operation")];
