//! Telling phones: jobs, rollouts, pools and relays.

use std::collections::BTreeMap;

use crate::data::{Job, Listed, Pool, Progress, Read as _, Relay, Rollout};
use crate::fleet::pool_row;
use crate::href;
use crate::lists::{choices, next, value};
use crate::part::{Act, Cell, Facts, Field, Form, Item, List, Page, Section, Table, Tone};
use crate::shell::{Shell, Viewer};
use crate::text::{self, EN, fill};

/// Jobs and rollouts of a tenant.
pub fn page(
    shell: Shell,
    tenant: &str,
    rollouts: &Listed<Rollout>,
    jobs: &Listed<Job>,
    filter: &[(&str, &str)],
    now: u64,
) -> Page {
    let at = href::tenant(tenant, "notify");
    let states = [
        "queued",
        "leased",
        "answered",
        "fetched",
        "rejected",
        "unreachable",
        "expired",
        "cancelled",
    ];
    let states: Vec<_> = states.iter().map(|state| (*state, *state)).collect();
    let form = Form::filter(&at, EN.filter)
        .with(Field::line("device", EN.mac, value(filter, "device")))
        .with(Field::select(
            "state",
            EN.state,
            choices(EN.all, &states),
            value(filter, "state"),
        ));
    Page::new(shell)
        .with(rollouts_table(tenant, &rollouts.items, now))
        .with(form)
        .with(jobs_table(tenant, &jobs.items, now).with_next(next(&at, filter, jobs.next.as_ref())))
}

/// Jobs in a table.
pub fn jobs_table(tenant: &str, jobs: &[Job], now: u64) -> Table {
    Table::new(
        EN.jobs,
        &[EN.when, EN.mac, EN.state, EN.what_happened],
        EN.no_jobs,
    )
    .with_rows(jobs.iter().map(|job| {
        vec![
            Cell::time(Some(job.created_at), now, ""),
            Cell::link(
                &job.device,
                href::tenant(tenant, &format!("jobs{}", href::path([&job.id]))),
            ),
            Cell::state(tone(&job.state), &job.state),
            Cell::text(&job.message),
        ]
    }))
}

pub(crate) fn tone(state: &str) -> Tone {
    match state {
        "fetched" | "finished" => Tone::Good,
        "rejected" | "unreachable" | "expired" => Tone::Bad,
        "paused" => Tone::Warn,
        "cancelled" => Tone::Quiet,
        _ => Tone::Plain,
    }
}

/// Rollouts in a table.
pub fn rollouts_table(tenant: &str, rollouts: &[Rollout], now: u64) -> Table {
    let columns = [EN.when, EN.state, EN.progress, EN.what_happened];
    Table::new(EN.rollouts, &columns, EN.no_rollouts).with_rows(rollouts.iter().map(|rollout| {
        let to = href::tenant(tenant, &format!("rollouts{}", href::path([&rollout.id])));
        vec![
            Cell::time(Some(rollout.created_at), now, ""),
            Cell::state(tone(&rollout.state), &rollout.state),
            Cell::link(progress(&rollout.progress, rollout.total), to),
            Cell::text(&rollout.message),
        ]
    }))
}

fn progress(progress: &Progress, total: u64) -> String {
    let failed = progress.rejected + progress.unreachable + progress.expired;
    fill(
        EN.progress_of,
        &[
            &text::number(progress.fetched),
            &text::number(total),
            &text::number(failed),
        ],
    )
}

/// One rollout.
pub fn rollout(
    mut shell: Shell,
    viewer: &Viewer,
    tenant: &str,
    rollout: &Rollout,
    jobs: &[Job],
    failed: &[Job],
    now: u64,
) -> Page {
    let at = href::tenant(tenant, &format!("rollouts{}", href::path([&rollout.id])));
    if rollout.is_open() {
        shell.live = Some(at.clone());
    }
    let counts = &rollout.progress;
    let mut facts = Facts::new("")
        .with(EN.state, Cell::state(tone(&rollout.state), &rollout.state))
        .with(EN.what_happened, Cell::text(&rollout.message))
        .with(EN.progress, Cell::text(progress(counts, rollout.total)))
        .with(
            EN.waiting,
            Cell::text(text::number(
                counts.queued + counts.leased + counts.answered,
            )),
        )
        .with(EN.created, Cell::time(Some(rollout.created_at), now, ""))
        .with(EN.ended, Cell::time(rollout.ended_at, now, EN.not_yet));
    if viewer.write && rollout.is_open() {
        let act = |text: &str, page: &str| Act::plain(text, format!("{at}/{page}"));
        let stop = match rollout.state.as_str() {
            "paused" => act(EN.resume, "resume"),
            _ => act(EN.pause, "pause"),
        };
        facts.acts = vec![stop, act(EN.cancel_rollout, "cancel")];
    }
    let mut page = Page::new(shell).with(facts);
    if !rollout.stages.is_empty() {
        page = page.with(stages_table(rollout));
    }
    if !failed.is_empty() {
        page = page.with(causes_table(tenant, failed));
    }
    page.with(jobs_table(tenant, jobs, now))
}

/// The stages, each with what came of it, and what they are held to.
fn stages_table(rollout: &Rollout) -> Table {
    let title = match &rollout.threshold {
        Some(held) => fill(
            EN.stages_held,
            &[
                &format!("{:.0}", held.share * 100.0),
                &(held.within_s / 60).to_string(),
            ],
        ),
        None => EN.stages.to_owned(),
    };
    let columns = [EN.stage, EN.devices, EN.in_time, EN.late, EN.excluded];
    let rows = rollout.stages.iter().enumerate().map(|(number, stage)| {
        let name = (number + 1).to_string();
        let is_now = rollout.is_open() && number as u64 == rollout.stage;
        vec![
            if is_now {
                Cell::state(Tone::Plain, fill(EN.stage_now, &[&name]))
            } else {
                Cell::text(name)
            },
            Cell::text(text::number(stage.devices)),
            Cell::text(text::number(stage.in_time)),
            Cell::text(text::number(stage.late)),
            Cell::text(text::number(stage.excluded)),
        ]
    });
    Table::new(&title, &columns, "").with_rows(rows)
}

/// Failures by their cause, the most first, each with what one of them says and a way to it.
fn causes_table(tenant: &str, failed: &[Job]) -> Table {
    let mut causes: BTreeMap<(&str, &str), Vec<&Job>> = BTreeMap::new();
    for job in failed {
        let cause = (job.state.as_str(), job.reason.as_str());
        causes.entry(cause).or_default().push(job);
    }
    let mut causes: Vec<_> = causes.into_iter().collect();
    causes.sort_by_key(|(_, jobs)| std::cmp::Reverse(jobs.len()));
    let rows = causes.into_iter().filter_map(|((state, reason), jobs)| {
        let first = jobs.first()?;
        let to = href::tenant(tenant, &format!("jobs{}", href::path([&first.id])));
        Some(vec![
            Cell::text(text::number(jobs.len() as u64)),
            Cell::state(tone(state), fill(EN.cause_of, &[state, reason])),
            Cell::text(&first.message),
            Cell::link(&first.device, to),
        ])
    });
    let columns = [EN.devices, EN.cause, EN.what_happened, EN.example];
    Table::new(EN.failures, &columns, "").with_rows(rows)
}

/// One job.
pub fn job(mut shell: Shell, viewer: &Viewer, tenant: &str, job: &Job, now: u64) -> Page {
    let at = href::tenant(tenant, &format!("jobs{}", href::path([&job.id])));
    if !job.has_ended() {
        shell.live = Some(at.clone());
    }
    let mut facts = Facts::new("")
        .with(
            EN.device,
            Cell::link(&job.device, href::device(tenant, &job.device, "")),
        )
        .with(EN.state, Cell::state(tone(&job.state), &job.state))
        .with(EN.what_happened, Cell::text(&job.message))
        .with(EN.event, Cell::code(&job.event))
        .with(EN.created, Cell::time(Some(job.created_at), now, ""))
        .with(EN.sent, Cell::time(job.sent_at, now, EN.not_yet))
        .with(EN.answered, Cell::time(job.answered_at, now, EN.not_yet))
        .with(EN.fetched, Cell::time(job.fetched_at, now, EN.not_yet));
    if viewer.write && !job.has_ended() {
        facts.acts = vec![Act::plain(EN.cancel_job, format!("{at}/cancel"))];
    }
    let attempts = job.attempts.clone().unwrap_or_default();
    let list = List {
        title: EN.attempts.into(),
        empty: EN.no_attempts.into(),
        items: attempts
            .iter()
            .map(|attempt| Item {
                parts: Vec::new(),
                head: Cell::time(Some(attempt.leased_at), now, ""),
                more: attempt.destination.iter().map(Cell::code).collect(),
                text: attempt
                    .message
                    .clone()
                    .or_else(|| attempt.outcome.clone())
                    .unwrap_or_default(),
                hint: attempt
                    .code
                    .map(|code| code.to_string())
                    .unwrap_or_default(),
            })
            .collect(),
        next: None,
    };
    Page::new(shell).with(facts).with(list)
}

/// The pools.
pub fn pools(shell: Shell, viewer: &Viewer, pools: &[(Pool, Vec<Relay>)]) -> Page {
    let rows = pools.iter().map(|(pool, relays)| pool_row(pool, relays));
    let table = Table::new("", &[EN.name, EN.relays, EN.waiting], EN.no_pools)
        .with_rows(rows)
        .with_act(
            viewer
                .runs_all()
                .then(|| Act::main(EN.add_pool, "/console/pools/new")),
        );
    Page::new(shell).with(table)
}

/// Who sends a pool's NOTIFYs, in words.
fn sender(pool: &Pool) -> String {
    let words = match pool.options.shown("sender").as_str() {
        "edge" => EN.sender_edge,
        "edge_then_relay" => EN.sender_edge_then_relay,
        _ => return EN.sender_relay.to_owned(),
    };
    let edge = |member: &str| pool.options.shown(&format!("/edge/{member}"));
    format!("{words} ({} {})", edge("transport"), edge("proxy"))
}

/// A pool and its relays.
pub fn pool(shell: Shell, viewer: &Viewer, pool: &Pool, relays: &[Relay], now: u64) -> Page {
    let at = format!("/console/pools{}", href::path([&pool.id]));
    let queue = pool.queue.clone().unwrap_or_default();
    let mut facts = Facts::new(EN.queue)
        .with(EN.waiting, Cell::text(text::number(queue.queued)))
        .with(EN.on_their_way, Cell::text(text::number(queue.leased)))
        .with(
            EN.answered_waiting,
            Cell::text(text::number(queue.answered)),
        )
        .with(EN.sender, Cell::text(sender(pool)))
        .with(EN.id, Cell::code(&pool.id));
    if let Some(edge) = &queue.edge {
        facts = facts
            .with(EN.in_flight, Cell::text(text::number(edge.in_flight)))
            .with(
                EN.edge_connected,
                Cell::time(edge.connected_at, now, EN.never),
            )
            .with(EN.edge_failed, Cell::time(edge.failed_at, now, EN.never));
        if let Some(why) = &edge.failure {
            facts = facts.with(EN.edge_why, Cell::text(why));
        }
    }
    if viewer.runs_all() {
        facts.acts = vec![Act::plain(EN.edit_pool, format!("{at}/edit"))];
        if queue.edge.is_some() {
            let credentials = format!("{at}/proxy-credentials");
            let remove = format!("{credentials}/remove");
            facts.acts.extend([
                Act::plain(EN.proxy_credentials, credentials),
                Act::plain(EN.proxy_credentials_remove, remove),
            ]);
        }
    }
    let rows = relays.iter().map(|relay| {
        let state = match (relay.connected, relay.draining) {
            (true, true) => Cell::state(Tone::Warn, EN.draining),
            (true, false) => Cell::state(Tone::Good, EN.connected),
            (false, _) => Cell::state(Tone::Bad, EN.not_connected),
        };
        let below = |page: &str| format!("{at}/relays{}/{page}", href::path([&relay.id]));
        let acts = match viewer.runs_all() {
            true => vec![
                Act::of(EN.drain, &relay.name, below("drain")),
                Act::of(EN.remove, &relay.name, below("remove")),
            ],
            false => Vec::new(),
        };
        let software = [relay.software.as_deref(), relay.software_version.as_deref()];
        vec![
            Cell::text(&relay.name),
            state,
            Cell::text(text::number(relay.in_flight)),
            Cell::time(relay.last_seen_at, now, EN.never),
            Cell::text(software.into_iter().flatten().collect::<Vec<_>>().join(" ")),
            Cell::Acts(acts),
        ]
    });
    let columns = [
        EN.name,
        EN.state,
        EN.in_flight,
        EN.last_seen,
        EN.software,
        EN.actions,
    ];
    let table = Table::new(EN.relays, &columns, EN.no_relays)
        .with_rows(rows)
        .with_act(
            viewer
                .runs_all()
                .then(|| Act::main(EN.add_relay, format!("{at}/relays/new"))),
        );
    Page::new(shell).with(Section::Facts(facts)).with(table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Stage, Threshold};

    fn job(id: &str, state: &str, reason: &str) -> Job {
        Job {
            id: id.into(),
            device: format!("MAC-{id}"),
            state: state.into(),
            reason: reason.into(),
            message: format!("what became of {id}"),
            ..Job::default()
        }
    }

    #[test]
    fn a_rollout_tells_its_failures_by_cause_the_most_first_and_what_its_stages_are_held_to() {
        let rollout = Rollout {
            id: "R".into(),
            state: "paused".into(),
            stage: 1,
            stages: vec![Stage::default(), Stage::default()],
            threshold: Some(Threshold {
                share: 0.9,
                within_s: 900,
            }),
            ..Rollout::default()
        };
        let failed = [
            job("1", "unreachable", "timeout"),
            job("2", "rejected", "challenged"),
            job("3", "rejected", "challenged"),
        ];
        let viewer = Viewer::default();
        let shell = Shell::outside("Rollout");
        let page = super::rollout(shell, &viewer, "T", &rollout, &[], &failed, 0);
        let html = page.html().unwrap_or_default();
        let place = |text: &str| html.find(text);
        assert!(place("90 % of each must have fetched within 15 minutes").is_some());
        assert!(place("2, now").is_some());
        let (most, other) = (place("rejected: challenged"), place("unreachable: timeout"));
        assert!(most.is_some() && most < other, "{html}");
        assert!(place("what became of 2").is_some() && place("what became of 3").is_none());
    }
}
