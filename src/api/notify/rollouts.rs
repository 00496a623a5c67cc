//! Rollouts: jobs for many devices, paced, in stages, stopped in time.

use std::collections::BTreeMap;

use ringfence_api::answer::{Accepted, Shown};
use ringfence_api::changing::{About, DryRun, Effect, TrialQuery};
use ringfence_api::notify::rollouts::{Progress, RolloutInput, RolloutView, StageView};
use ringfence_api::page::{Page, PageQuery};
use ringfence_provision::mac::Mac;
use ringfence_queue::messages::{NewRollout, PoolCall, PoolReply, RolloutChange};
use ringfence_queue::options::PoolOptions;
use ringfence_queue::rollout::{MAX_MACS, Selection, Spec};
use ringfence_queue::store::{RolloutRow, TallyRow};
use ringfence_queue::target;
use ringfence_queue::window::TimeWindow;
use ringfence_sip_notify::EventType;
use serde_json::json;

use crate::api::request::call::{Call, Context};
use crate::api::request::commit::{self, Failure};
use crate::api::request::page::{self, PageWindow};
use crate::app::App;
use crate::http::problem::Problem;
use crate::platform::zone;
use crate::pool::client;
use crate::store::{fleet, pools, sites};

/// How many MACs a refusal names that are of no device.
const MAX_MISSING: usize = 20;

fn rollout_view(row: RolloutRow, tallies: &[TallyRow], pool: &str) -> Result<RolloutView, Problem> {
    let spec = row
        .spec()
        .ok_or_else(|| Problem::internal("a rollout's order cannot be read"))?;
    let mut counts: BTreeMap<(&str, u32), u64> = BTreeMap::new();
    for tally in tallies {
        *counts
            .entry((tally.name.as_str(), tally.stage))
            .or_default() += tally.n.max(0).unsigned_abs();
    }
    let all = |name: &str| {
        counts
            .iter()
            .filter(|((found, _), _)| *found == name)
            .map(|(_, n)| n)
            .sum()
    };
    let stages = spec.stages.iter().zip(0..).map(|(until, stage)| {
        let of = |name| counts.get(&(name, stage)).copied().unwrap_or(0);
        StageView {
            until: *until,
            devices: spec.boundary(stage, row.total),
            in_time: of("in_time"),
            late: of("late"),
            excluded: of("excluded"),
        }
    });
    let progress = Progress {
        queued: all("queued"),
        leased: all("leased"),
        answered: all("answered"),
        fetched: all("fetched"),
        rejected: all("rejected"),
        unreachable: all("unreachable"),
        expired: all("expired"),
        cancelled: all("cancelled"),
        skipped: all("skipped"),
    };
    Ok(RolloutView {
        pool: pool.to_owned(),
        progress,
        stages: stages.collect(),
        id: row.id,
        state: row.state,
        reason: row.reason,
        message: row.message,
        total: row.total,
        released: row.released,
        stage: row.stage,
        selection: spec.selection,
        event: spec.event,
        per_second: spec.per_second,
        network_per_second: spec.network_per_second,
        spread_s: spec.spread_s,
        window: spec.window,
        threshold: spec.threshold,
        expiry_s: spec.expiry_s,
        created_at: row.created_at,
        ended_at: row.ended_at,
    })
}

/// `createRollout`.
pub async fn create(
    call: Call<TrialQuery, RolloutInput>,
) -> Result<Accepted<RolloutView>, Failure> {
    let tenant = call.tenant().await?.id;
    let input = &call.body;
    let mut parts = select(&call.app, &tenant, input).await?;
    if let Some(pool) = &input.pool {
        parts.retain(|part| part.pool == *pool);
    }
    if parts.len() > 1 {
        let pools: Vec<&str> = parts.iter().map(|part| part.pool.as_str()).collect();
        return Err(Problem::invalid_value(format!(
            "The selection is reached through several pools: make one rollout for each, with `pool` set to {}.",
            pools.join(", ")
        ))
        .with("pools", pools)
        .into());
    }
    let part = parts.pop().ok_or_else(nobody)?;
    if call.is_trial() {
        let spec = ordered(&call.app, &tenant, input, &part.pool).await?;
        let (total, stages) = (part.total, spec.stages.len().max(1));
        let text = format!(
            "Phones in service that are notified by the pool {}: {total}. At most {} a second are notified, in {stages} stage{}.",
            part.pool,
            spec.per_second,
            if stages == 1 { "" } else { "s" }
        );
        call.tried(|| DryRun {
            affected: total,
            ..DryRun::of(vec![Effect::counted(About::Jobs, total, text)])
        })?;
    }
    Ok(Accepted(start(&call, &tenant, input, part).await?))
}

/// Starts a rollout in each pool that reaches some of a selection.
///
/// # Errors
/// There is nobody, or a pool does not answer.
pub async fn start_everywhere(
    call: &Context,
    input: &RolloutInput,
) -> Result<Vec<RolloutView>, Problem> {
    let tenant = call.param("tenant").to_owned();
    let parts = select(&call.app, &tenant, input).await?;
    if parts.is_empty() {
        return Err(nobody());
    }
    let mut views = Vec::new();
    for part in parts {
        views.push(start(call, &tenant, input, part).await?);
    }
    Ok(views)
}

/// `listRollouts`.
pub async fn list(call: Call<PageQuery>) -> Result<Shown<Page<RolloutView>>, Problem> {
    let tenant = call.tenant().await?.id;
    let window = PageWindow::of(&call.query)?;
    let before = match &window.after {
        Some([id]) => id.clone(),
        None => crate::store::LAST_ID.to_owned(),
    };
    let mut rows = Vec::new();
    for pool in pools::of_tenant(&call.app.db, &tenant).await? {
        let ask = PoolCall::Rollouts {
            tenant: tenant.clone(),
            before: before.clone(),
            limit: window.rows(),
        };
        match client::call(&call.app.env, &pool, &ask).await? {
            PoolReply::Rollouts { rollouts } => rows.extend(
                rollouts
                    .into_iter()
                    .map(|(row, tallies)| (row, tallies, pool.clone())),
            ),
            other => return Err(client::unexpected(&other)),
        }
    }
    // Of all pools the newest: ids are ULIDs.
    rows.sort_by(|(one, ..), (other, ..)| other.id.cmp(&one.id));
    let more = rows.len() > window.limit as usize;
    rows.truncate(window.limit as usize);
    let next = rows
        .last()
        .filter(|_| more)
        .map(|(row, ..)| page::cursor(std::slice::from_ref(&row.id)));
    let items: Result<Vec<_>, _> = rows
        .into_iter()
        .map(|(row, tallies, pool)| rollout_view(row, &tallies, &pool))
        .collect();
    Ok(Shown(Page {
        items: items?,
        next,
    }))
}

/// `getRollout`.
pub async fn show(call: Call) -> Result<Shown<RolloutView>, Problem> {
    let (tenant, id) = (
        call.param("tenant").to_owned(),
        call.param("rollout").to_owned(),
    );
    find(&call, PoolCall::Rollout { tenant, id })
        .await
        .map(Shown)
}

/// `pauseRollout`.
pub async fn pause(call: Call) -> Result<Shown<RolloutView>, Problem> {
    change(call, RolloutChange::Pause, "rollout.pause").await
}

/// `resumeRollout`.
pub async fn resume(call: Call) -> Result<Shown<RolloutView>, Problem> {
    change(call, RolloutChange::Resume, "rollout.resume").await
}

/// `cancelRollout`.
pub async fn cancel(call: Call) -> Result<Shown<RolloutView>, Problem> {
    change(call, RolloutChange::Cancel, "rollout.cancel").await
}

async fn change(
    call: Call,
    change: RolloutChange,
    action: &'static str,
) -> Result<Shown<RolloutView>, Problem> {
    let (tenant, id) = (
        call.param("tenant").to_owned(),
        call.param("rollout").to_owned(),
    );
    let view = find(
        &call,
        PoolCall::ChangeRollout {
            tenant,
            id: id.clone(),
            change,
        },
    )
    .await?;
    let entry = call.entry(
        action,
        format!("rollouts/{id}"),
        None,
        Some(json!({ "state": view.state })),
    );
    commit::enter_late(&call.app, &entry).await?;
    Ok(Shown(view))
}

async fn find(call: &Call, ask: PoolCall) -> Result<RolloutView, Problem> {
    let tenant = call.tenant().await?;
    for pool in pools::of_tenant(&call.app.db, &tenant.id).await? {
        match client::call(&call.app.env, &pool, &ask).await? {
            PoolReply::NotFound => {}
            PoolReply::Rollout { rollout, tallies } => {
                return rollout_view(*rollout, &tallies, &pool);
            }
            other => return Err(client::unexpected(&other)),
        }
    }
    Err(Problem::not_found("rollout"))
}

/// What of a selection one pool reaches.
struct PoolPart {
    pool: String,
    total: u64,
    macs: Vec<String>,
}

/// Divides a selection by the pools that reach its devices.
async fn select(app: &App, tenant: &str, input: &RolloutInput) -> Result<Vec<PoolPart>, Problem> {
    let selection = &input.selection;
    if let Some(site) = &selection.site
        && sites::find(&app.db, tenant, site).await?.is_none()
    {
        return Err(Problem::invalid_value(
            "`selection.site` is not the id of a site of this tenant: the list of its sites has them.",
        ));
    }
    let Some(macs) = &selection.macs else {
        let counts = fleet::count(&app.db, tenant, selection).await?;
        return Ok(counts
            .into_iter()
            .map(|(pool, total)| PoolPart {
                pool,
                total,
                macs: Vec::new(),
            })
            .collect());
    };
    if macs.len() > MAX_MACS {
        return Err(Problem::invalid_value(format!(
            "`selection.macs` has at most {MAX_MACS} MACs. Select by `site` or `model`, or make several rollouts."
        )));
    }
    let mut wanted = Vec::new();
    for text in macs {
        let mac = Mac::parse(text)
            .map_err(|error| Problem::invalid_value(format!("`selection.macs`: {error}.")))?;
        wanted.push(mac.upper());
    }
    wanted.sort_unstable();
    wanted.dedup();
    let known = fleet::known(&app.db, tenant, selection, &wanted).await?;
    if known.len() < wanted.len() {
        let found: std::collections::BTreeSet<&str> =
            known.iter().map(|(mac, _)| mac.as_str()).collect();
        let missing: Vec<&String> = wanted
            .iter()
            .filter(|mac| !found.contains(mac.as_str()))
            .take(MAX_MISSING)
            .collect();
        return Err(Problem::invalid_value(format!(
            "Some MACs are of no device in service of this tenant and selection: `missing` has the first {MAX_MISSING} of them. Leave them out, or add or enable the devices.",
        ))
        .with("missing", missing));
    }
    let mut parts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (mac, pool) in known {
        parts.entry(pool).or_default().push(mac);
    }
    Ok(parts
        .into_iter()
        .map(|(pool, macs)| PoolPart {
            pool,
            total: macs.len() as u64,
            macs,
        })
        .collect())
}

/// What is ordered of a pool.
async fn ordered(
    app: &App,
    tenant: &str,
    input: &RolloutInput,
    pool: &str,
) -> Result<Spec, Problem> {
    let pool = pools::find(&app.db, pool)
        .await?
        .ok_or_else(|| Problem::not_found("pool"))?;
    let options: PoolOptions = ringfence_json::from_str(&pool.options).unwrap_or_default();
    options
        .check_rollout(input.per_second, input.network_per_second)
        .map_err(|error| Problem::invalid_value(format!("{error}.")))?;
    let event = match &input.event {
        Some(text) => {
            let event = EventType::parse(text)
                .map_err(|error| Problem::invalid_value(format!("`event`: {error}.")))?;
            Some(event.as_str().to_owned())
        }
        None => None,
    };
    let spec = Spec {
        // The MACs themselves are rows of the object.
        selection: Selection {
            macs: input.selection.macs.as_ref().map(|_| Vec::new()),
            ..input.selection.clone()
        },
        event,
        per_second: input.per_second.unwrap_or(options.rollout_per_second),
        network_per_second: input
            .network_per_second
            .unwrap_or(options.network_per_second),
        spread_s: input.spread_s,
        window: zoned(app, tenant, input.window.clone()).await?,
        stages: input.stages.clone(),
        threshold: input.threshold,
        expiry_s: input.expiry_s.unwrap_or(options.expiry_s),
    };
    spec.checked()
        .map_err(|error| Problem::invalid_value(format!("{error}.")))
}

async fn start(
    call: &Context,
    tenant: &str,
    input: &RolloutInput,
    part: PoolPart,
) -> Result<RolloutView, Problem> {
    let app = &call.app;
    let spec = ordered(app, tenant, input, &part.pool).await?;
    let new = NewRollout {
        id: app.new_id(),
        tenant: tenant.to_owned(),
        spec,
        macs: part.macs,
        total: part.total,
    };
    pools::record_use(&app.db, tenant, &part.pool).await?;
    let id = new.id.clone();
    let after = json!({ "pool": part.pool, "devices": new.total, "spec": new.spec });
    let view = match client::call(&app.env, &part.pool, &PoolCall::StartRollout(new)).await? {
        PoolReply::Rollout { rollout, tallies } => rollout_view(*rollout, &tallies, &part.pool)?,
        other => return Err(client::unexpected(&other)),
    };
    let entry = call.entry(
        "rollout.create",
        format!("rollouts/{id}"),
        None,
        Some(after),
    );
    commit::enter_late(app, &entry).await?;
    Ok(view)
}

/// A window with its zone: its own, the tenant's, or UTC.
async fn zoned(
    app: &App,
    tenant: &str,
    window: Option<TimeWindow>,
) -> Result<Option<TimeWindow>, Problem> {
    let Some(mut window) = window else {
        return Ok(None);
    };
    if window.zone.is_none() {
        window.zone = fleet::tenant_setting(&app.db, tenant, target::ZONE_SETTING).await?;
    }
    let zone = window.zone.get_or_insert_with(|| "UTC".to_owned());
    if zone::offset_ms(zone, app.now).is_none() {
        return Err(Problem::invalid_value(format!(
            "`{zone}` is no time zone: write an IANA name such as Europe/Berlin into `window.zone` or the tenant's setting {}.",
            target::ZONE_SETTING
        )));
    }
    Ok(Some(window))
}

fn nobody() -> Problem {
    Problem::invalid_value(
        "The selection has no device in service. Select others, or enable them first.",
    )
}
