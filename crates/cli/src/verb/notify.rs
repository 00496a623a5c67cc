//! Verbs about NOTIFYs.

use ringfence_api::operation::Operation;

use super::{Arg, Kind, PAGED, Shows, Verb, WAIT, Wait, body, call, own, place, query, run};
use crate::command::notify;

const JOB: &[Arg] = &[place("job", "Id of the job")];

const ROLLOUT: &[Arg] = &[place("rollout", "Id of the rollout")];

const POOL: &[Arg] = &[place("pool", "Name or id of the pool").is(Kind::Pool)];

const RELAY: &[Arg] = &[
    place("pool", "Name or id of the pool").is(Kind::Pool),
    place("relay", "Name or id of the relay").is(Kind::Relay),
];

const POOL_OPTIONS: Arg = body(
    "options",
    "File with options as JSON; - for standard input. What it leaves out stays",
)
.is(Kind::Json);

const JOBS: Shows = Shows::List(&[
    ("ID", "id"),
    ("DEVICE", "device"),
    ("STATE", "state"),
    ("REASON", "reason"),
    ("TRIES", "tries"),
    ("CREATED", "created_at"),
    ("DUE", "due_at"),
]);

#[rustfmt::skip]
pub(super) const VERBS: &[Verb] = &[
    run("rollouts create", "Tell many phones to fetch their files, at a pace", notify::create_rollout, &[Operation::CreateRollout],
        &[&[own("all", "All phones of the tenant").is(Kind::Flag),
            own("model", "Phones of this model"), own("site", "Phones of this site, by name or id"), own("mac", "This phone; may be repeated").many(),
            own("event", "Text of the Event header, instead of each family's own"),
            own("per_second", "Most NOTIFYs a second").is(Kind::Number),
            own("spread", "Time over which the NOTIFYs are spread, such as 20m"),
            own("expiry", "Time after which a phone is given up, such as 2h"),
            own("pool", "Name or id of the pool that sends"),
            own("plan", "File with further fields as JSON: stages, threshold, window")], WAIT, super::TRIED]),
    call("rollouts list", "List the rollouts, the newest first", &[Operation::ListRollouts], &[PAGED],
        Shows::List(&[("ID", "id"), ("STATE", "state"), ("REASON", "reason"), ("TOTAL", "total"), ("RELEASED", "released"), ("FETCHED", "progress.fetched"), ("EXPIRED", "progress.expired"), ("CREATED", "created_at")])),
    call("rollouts show", "Show how far a rollout is", &[Operation::GetRollout], &[ROLLOUT, WAIT], Shows::One).waits(Wait::Rollout),
    call("rollouts pause", "Pause a rollout", &[Operation::PauseRollout], &[ROLLOUT], Shows::One),
    call("rollouts resume", "Go on with a paused rollout", &[Operation::ResumeRollout], &[ROLLOUT, WAIT], Shows::One).waits(Wait::Rollout),
    call("rollouts cancel", "End a rollout; a phone that was notified stays so", &[Operation::CancelRollout], &[ROLLOUT], Shows::One),
    call("jobs list", "List the jobs, the newest first", &[Operation::ListJobs],
        &[&[query("state", "Only in this state").is(Kind::Choice(&["queued", "leased", "answered", "fetched", "rejected", "unreachable", "expired", "cancelled"])),
            query("device", "Only of the phone with this MAC"), query("rollout", "Only of this rollout")], PAGED], JOBS),
    call("jobs show", "Show a job, with its sendings", &[Operation::GetJob], &[JOB, WAIT], Shows::One).waits(Wait::Job),
    call("jobs cancel", "Cancel a job", &[Operation::CancelJob], &[JOB], Shows::One),
    call("pools list", "List the pools", &[Operation::ListPools], &[PAGED], Shows::List(&[("ID", "id"), ("NAME", "name"), ("SENDER", "options.sender"), ("QUEUED", "queue.queued"), ("RELAYS", "queue.relays_connected")])),
    call("pools show", "Show a pool, with its queue", &[Operation::GetPool], &[POOL], Shows::One),
    call("pools create", "Add a pool", &[Operation::CreatePool], &[&[body("name", "What it is called").at_place().required(), POOL_OPTIONS, super::SET_OPTION], super::TRIED], Shows::One),
    call("pools change", "Change a pool's name or options", &[Operation::PutPool], &[POOL, &[body("name", "What it is called"), POOL_OPTIONS], super::OPTIONS, super::TRIED], Shows::One).keeps(&[("name", "name"), ("options", "options")]),
    call("pools remove", "Remove a pool that nobody is notified by", &[Operation::DeletePool], &[POOL, super::TRIED], Shows::Done("removed")).confirms("Removing a pool with its relays cannot be undone."),
    run("pools of-tenant", "Show which pool notifies the tenant's phones", notify::pool_of, &[Operation::GetTenantPool], &[]),
    call("pools assign", "Have a pool notify the tenant's phones", &[Operation::PutTenantPool], &[&[body("pool", "Name or id of the pool; empty for the default one").is(Kind::Pool).at_place().required()], super::TRIED], Shows::One),
    call("pools credentials", "Show who the pool is at its proxy, without the password", &[Operation::GetProxyCredentials], &[POOL], Shows::One),
    call("pools set-credentials", "Say who the pool is at its proxy", &[Operation::PutProxyCredentials],
        &[POOL, &[body("username", "The pool's name at the proxy").required(), body("password", "Where the pool's password is: env:VARIABLE, file:PATH, command:LINE or -").is(Kind::Secret).required().named("password_from"), body("realm", "Only for this realm")], super::TRIED], Shows::One),
    call("pools remove-credentials", "No longer sign in at the proxy", &[Operation::DeleteProxyCredentials], &[POOL, super::TRIED], Shows::Done("removed"))
        .confirms("Removing the pool's password at its proxy cannot be undone."),
    call("relays list", "List the relays of a pool", &[Operation::ListRelays], &[POOL, PAGED],
        Shows::List(&[("ID", "id"), ("NAME", "name"), ("CONNECTED", "connected"), ("DRAINING", "draining"), ("IN FLIGHT", "in_flight"), ("VERSION", "software_version"), ("LAST SEEN", "last_seen_at")])),
    call("relays show", "Show a relay", &[Operation::GetRelay], &[RELAY], Shows::One),
    call("relays create", "Add a relay; its credential is shown this once", &[Operation::CreateRelay], &[POOL, &[body("name", "What it is called").at_place().required()], super::TRIED], Shows::One),
    call("relays drain", "Have a relay finish what it has and take no more", &[Operation::DrainRelay], &[RELAY, &[body("reason", "For people")]], Shows::One),
    call("relays remove", "Remove a relay: its credential is worth nothing from now on", &[Operation::DeleteRelay], &[RELAY, super::TRIED], Shows::Done("removed")).confirms("Removing a relay's credential cannot be undone."),
];
