//! Verbs about the installation.

use ringfence_api::operation::Operation;

use super::{Arg, Kind, PAGED, Shows, Verb, body, call, own, place, query, run};
use crate::command::{admin, webhooks};

const TOKEN: &[Arg] = &[place("token", "Id of the token")];

const AUDIT: &[Arg] = &[
    query("action", "Only this action, such as device.create"),
    query("object", "Only about this object"),
    query("token", "Only by the token with this id"),
    query("request_id", "Only this request"),
    query("after", "Since then, such as 2h").is(Kind::Past),
    query("before", "Before then").is(Kind::Past),
];

const WEBHOOK: &[Arg] = &[place("webhook", "Id of the webhook"), webhooks::EVERYWHERE];

const WEBHOOK_NAME: Arg = own("name", "What it is called");

const WEBHOOK_TO: Arg = own("to", "The URL that messages go to");

const WEBHOOK_KIND: Arg = own("kind", "What is told; may be repeated")
    .is(Kind::Choice(&[
        "bootstrap.unexpected_network",
        "device.never_came_back",
        "site.silent",
        "rollout.paused",
        "relay.lost",
        "scan.suspected",
        "file.broken",
    ]))
    .many();

/// What a webhook must have.
const NEW_WEBHOOK: &[Arg] = &[
    WEBHOOK_NAME.required(),
    WEBHOOK_TO.required(),
    WEBHOOK_KIND.required(),
];

const WEBHOOK_FIELDS: &[Arg] = &[WEBHOOK_NAME, WEBHOOK_TO, WEBHOOK_KIND];

const WEBHOOK_MORE: &[Arg] = &[
    own("disabled", "Tell nothing for now (on, off)").is(Kind::Switch),
    own(
        "options",
        "File with options as JSON; what it leaves out stays",
    ),
];

#[rustfmt::skip]
pub(super) const VERBS: &[Verb] = &[
    run("tokens list", "List the tokens, without their secrets; with --tenant, those of that tenant alone", admin::tokens, &[Operation::ListTokens], &[PAGED]),
    call("tokens show", "Show a token, without its secret", &[Operation::GetToken], &[TOKEN], Shows::One),
    call("tokens create", "Make a token; its text is shown this once", &[Operation::CreateToken],
        &[&[body("name", "For people").at_place().required(),
            body("access", "What it may do").is(Kind::Choice(&["read", "write", "metrics"])).required(),
            body("tenant", "Only for this tenant, by its name or id").is(Kind::Tenant).named("only_tenant"), body("email", "Whose sign-in it stands for"),
            body("expires_at", "When it ends, such as 90d").is(Kind::Future), body("reveal", "The token may see secrets").is(Kind::Flag)], super::TRIED], Shows::One),
    call("tokens remove", "Remove a token: it is worth nothing from now on", &[Operation::DeleteToken], &[TOKEN, super::TRIED], Shows::Done("removed")).confirms("Removing a token cannot be undone."),
    call("sessions list", "List who is signed in to the console", &[Operation::ListSessions], &[PAGED],
        Shows::List(&[("ID", "id"), ("TOKEN", "token_name"), ("NETWORK", "network"), ("USER AGENT", "user_agent"), ("LAST USED", "last_used_at"), ("EXPIRES", "expires_at")])),
    call("sessions remove", "Sign somebody out of the console", &[Operation::DeleteSession], &[&[place("session", "Id of the session")]], Shows::Done("removed")),
    call("sign-in", "Make a code that opens one session of the console, within ten minutes", &[Operation::CreateSignInCode], &[], Shows::One),
    run("audit list", "List changes, the newest first: the tenant's, or everybody's with --everywhere", admin::audit,
        &[Operation::ListAudit, Operation::ListTenantAudit], &[AUDIT, &[own("everywhere", "Those of all tenants, and of none").is(Kind::Flag)], PAGED]),
    run("audit export", "Write the audit log as it is, one entry a line, with its chain", admin::export_audit, &[Operation::ExportAudit],
        &[&[own("after", "Behind the entry with this number").is(Kind::Number), own("until", "Only entries before then").is(Kind::Past)]]),
    call("audit part", "Say how many entries a part of the audit log has that is kept as one file, and where the next one begins", &[Operation::MeasureAudit],
        &[&[query("after", "Behind the entry with this number").is(Kind::Number)]], Shows::One),
    run("audit verify", "Follow the chain over the audit log to its end", admin::verify_audit, &[Operation::VerifyAudit], &[]),
    call("audit cut", "Remove an old period of the audit log that was exported", &[Operation::CutAudit],
        &[&[body("number", "Number of the last entry that goes").is(Kind::Number).required(), body("hash", "Hash of that entry, as the export has it").required()]], Shows::One).confirms("Removing entries of the audit log cannot be undone."),
    run("rotate", "Wrap everything under the current master key, to the end", admin::rotate, &[Operation::GetRotation, Operation::Rotate],
        &[&[own("status", "Only say what is left").is(Kind::Flag)]]),
    run("webhooks list", "List the webhooks of the tenant, or of all with --everywhere", webhooks::list, &[Operation::ListWebhooks, Operation::ListTenantWebhooks], &[&[webhooks::EVERYWHERE], PAGED]),
    run("webhooks show", "Show a webhook", webhooks::show, &[Operation::GetWebhook, Operation::GetTenantWebhook], &[WEBHOOK]),
    run("webhooks create", "Add a webhook; its secret is shown this once", webhooks::create, &[Operation::CreateWebhook, Operation::CreateTenantWebhook], &[NEW_WEBHOOK, WEBHOOK_MORE, &[webhooks::EVERYWHERE], super::TRIED]),
    run("webhooks change", "Change a webhook", webhooks::change, &[Operation::PutWebhook, Operation::PutTenantWebhook], &[WEBHOOK, WEBHOOK_FIELDS, WEBHOOK_MORE, super::TRIED]),
    run("webhooks remove", "Remove a webhook", webhooks::remove, &[Operation::DeleteWebhook, Operation::DeleteTenantWebhook], &[WEBHOOK, super::TRIED])
        .confirms("Removing a webhook with its secret cannot be undone."),
    run("webhooks test", "Send a webhook a message for a test", webhooks::test, &[Operation::TestWebhook, Operation::TestTenantWebhook], &[WEBHOOK]),
    run("webhooks rotate-secret", "Make a new secret for a webhook; it is shown this once", webhooks::rotate_secret,
        &[Operation::RotateWebhookSecret, Operation::RotateTenantWebhookSecret], &[WEBHOOK, &[own("overlap_hours", "Number of hours for which the secret before counts too").is(Kind::Number)], super::TRIED]),
    run("webhooks messages", "List what a webhook was told", webhooks::messages, &[Operation::ListWebhookMessages, Operation::ListTenantWebhookMessages],
        &[WEBHOOK, &[own("state", "Only in this state").is(Kind::Choice(&["waiting", "delivered", "dead"]))], PAGED]),
    run("webhooks resend", "Send a message once more", webhooks::resend,
        &[Operation::ResendWebhookMessage, Operation::ResendTenantWebhookMessage], &[WEBHOOK, &[own("message", "Id of the message").at_place().required()]]),
    call("restored show", "Say whether the database was put back, and what that undid", &[Operation::GetRestored], &[], Shows::One),
    call("restored take", "Take a database into use that was put back; run it until it is complete", &[Operation::Restored],
        &[&[body("keep_tokens", "Keep the token with this id; may be repeated").many(), body("keep_access_paths", "Keep the access path with this id; may be repeated").many(), body("remove_all", "Keep no other").is(Kind::Flag)]], Shows::One)
        .confirms("Taking a database into use that was put back cannot be undone."),
    call("families", "List the families of phones", &[Operation::ListFamilies], &[],
        Shows::List(&[("FAMILY", "family"), ("VENDOR", "vendor"), ("PHONES", "phones"), ("EVENT", "fetch_event"), ("PROFILE", "default_profile")])),
    call("vocabulary", "List the settings that mean the same for all phones", &[Operation::GetVocabulary], &[],
        Shows::List(&[("SETTING", "name"), ("VALUES", "values"), ("DESCRIPTION", "description")])),
    call("health", "Say whether the installation and its database answer", &[Operation::GetHealth], &[], Shows::One),
    call("metrics", "Show counters and gauges in Prometheus' text format", &[Operation::GetMetrics], &[], Shows::Raw),
    call("openapi", "Show the description of the API", &[Operation::GetOpenapi], &[], Shows::Raw),
];
