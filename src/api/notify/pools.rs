//! Pools: the relays that reach the same phones, how their queue works, and which tenants and sites
//! they serve.

use std::fmt::Display;

use ringfence_api::answer::{CreatedRevised, Done, Revised, Shown};
use ringfence_api::changing::{About, DryRun, Effect, TrialQuery};
use ringfence_api::notify::pools::{Assignment, PoolInput, PoolView, QueueView, Reachable};
use ringfence_api::page::{Page, PageQuery};
use ringfence_provision::layers::{LayerSettings, Value};
use ringfence_queue::messages::{PoolCall, PoolReply, Status};
use ringfence_queue::options::PoolOptions;
use ringfence_queue::rollout::Selection;
use ringfence_queue::target::{self, Reach, TargetError};
use ringfence_wire::Destinations;
use serde_json::json;

use crate::api::request::call::{Call, Context};
use crate::api::request::commit::{self, Failure};
use crate::api::request::page::PageWindow;
use crate::api::request::valid;
use crate::app::App;
use crate::db::rows;
use crate::http::problem::{Problem, ProblemKind};
use crate::model::device::DeviceRow;
use crate::pool::{client, edge};
use crate::store::devices::{self, Affected};
use crate::store::fleet::{self, DEFAULT_POOL};
use crate::store::pools::{self, PoolRow, Referring};
use crate::store::reach;

fn queue_view(status: &Status) -> QueueView {
    let of = |state: &str| {
        status
            .pending
            .iter()
            .find(|(name, _)| name == state)
            .map_or(0, |(_, n)| *n)
    };
    QueueView {
        queued: of("queued"),
        leased: of("leased"),
        answered: of("answered"),
        relays_connected: status.connected.len() as u64,
        edge: status.edge.clone(),
        rollouts: status.open.clone(),
    }
}

impl From<PoolRow> for PoolView {
    fn from(row: PoolRow) -> Self {
        Self {
            options: ringfence_json::from_str(&row.options).unwrap_or_default(),
            id: row.id,
            name: row.name,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
            queue: None,
        }
    }
}

const TAKEN: &[(&str, &str)] = &[(
    "pools.name",
    "Another pool has this name. Choose another one, or change that pool.",
)];

/// `listPools`.
pub async fn list(call: Call<PageQuery>) -> Result<Shown<Page<PoolView>>, Problem> {
    let window = PageWindow::of(&call.query)?;
    let rows = pools::list(&call.app.db, window.after_text(), window.rows()).await?;
    Ok(Shown(window.page(
        rows,
        |row| [row.id.clone()],
        PoolView::from,
    )))
}

/// `createPool`.
pub async fn create(
    call: Call<TrialQuery, PoolInput>,
) -> Result<CreatedRevised<PoolView>, Failure> {
    let (name, options) = checked(&call.body)?;
    call.tried_saying(
        About::Added,
        "A pool is added. The pool reaches no phone until a tenant or a site names it.",
    )?;
    let id = call.app.new_id();
    let now = call.app.now;
    let row = PoolRow {
        id: id.clone(),
        name,
        options,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    let after = json!({ "name": row.name, "options": call.body.options });
    let entry = call.entry("pool.create", format!("pools/{id}"), None, Some(after));
    pools::insert(&call.app.db, &row, &entry)
        .await
        .map_err(|error| commit::failed(error, call.if_match, TAKEN))?;
    publish(&call, &id, &call.body.options).await?;
    Ok(CreatedRevised(find(&call, &id).await?.into(), 1))
}

/// `getPool`.
pub async fn show(call: Call) -> Result<Revised<PoolView>, Problem> {
    let row = find(&call, call.param("pool")).await?;
    let revision = row.revision;
    let status = status(&call, &row.id).await?;
    Ok(Revised(
        PoolView {
            queue: Some(queue_view(&status)),
            ..row.into()
        },
        revision,
    ))
}

/// `putPool`.
pub async fn put(call: Call<TrialQuery, PoolInput>) -> Result<Revised<PoolView>, Failure> {
    let (name, options) = checked(&call.body)?;
    let row = find(&call, call.param("pool")).await?;
    call.if_match.check(row.revision)?;
    let is_same = (&row.name, &row.options) == (&name, &options);
    call.tried_saying(
        if is_same { About::Nothing } else { About::Replaced },
        match is_same {
            true => "The pool is so already: nothing changes.",
            false => "The pool's name and options are replaced. The pool's queue works by the new options at once, for jobs that wait too.",
        },
    )?;
    if (&row.name, &row.options) != (&name, &options) {
        let before = PoolView::from(row.clone());
        let entry = call.entry(
            "pool.update",
            format!("pools/{}", row.id),
            Some(json!({ "name": before.name, "options": before.options })),
            Some(json!({ "name": name, "options": call.body.options })),
        );
        pools::update(&call.app.db, &row, &name, &options, call.app.now, &entry)
            .await
            .map_err(|error| commit::failed(error, call.if_match, TAKEN))?;
    }
    publish(&call, &row.id, &call.body.options).await?;
    let row = find(&call, &row.id).await?;
    let revision = row.revision;
    Ok(Revised(row.into(), revision))
}

/// `deletePool`.
pub async fn delete(call: Call<TrialQuery>) -> Result<Done, Failure> {
    let row = find(&call, call.param("pool")).await?;
    call.if_match.check(row.revision)?;
    if row.id == DEFAULT_POOL {
        return Err(
            Problem::conflict("This is the pool of whatever names no other, so it stays. To have phones notified by another pool, have their tenants or sites name it.").into(),
        );
    }
    let status = status(&call, &row.id).await?;
    let pending: u64 = status.pending.iter().map(|(_, number)| number).sum();
    if pending > 0 {
        return Err(Problem::conflict(format!(
            "Jobs are pending in this pool ({pending}), and would be out of sight. Cancel its rollouts and jobs, or wait until they have ended."
        )).into());
    }
    if call.is_trial() {
        refuse_referred(pools::referring(&call.app.db, &row.id).await?)?;
    }
    call.tried_saying(
        About::Removed,
        "The pool is removed, with what it answers its proxy's challenge with.",
    )?;
    let entry = call.entry(
        "pool.delete",
        format!("pools/{}", row.id),
        Some(json!({ "name": row.name })),
        None,
    );
    pools::delete(&call.app.db, &row.id, &entry)
        .await
        .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    Ok(Done)
}

/// Refuses the removal of a pool that something refers to.
fn refuse_referred(referring: Referring) -> Result<(), Problem> {
    let Referring {
        tenants,
        sites,
        relays,
    } = referring;
    if tenants + sites + relays == 0 {
        return Ok(());
    }
    Err(Problem::conflict(format!(
        "Something still refers to this pool (tenants: {tenants}, sites: {sites}, relays: {relays}). Remove its relays, and have the tenants and sites name another pool, or none, first."
    )))
}

/// `getTenantPool`.
pub async fn of_tenant(call: Call) -> Result<Shown<Assignment>, Problem> {
    let tenant = call.tenant().await?;
    Ok(Shown(Assignment {
        pool: pools::assigned(&call.app.db, &tenant.id, None).await?,
    }))
}

/// `putTenantPool`.
pub async fn put_of_tenant(
    call: Call<TrialQuery, Assignment>,
) -> Result<Shown<Assignment>, Failure> {
    call.tenant().await?;
    assign(&call, None, "tenant.pool", String::new()).await
}

/// `getSitePool`.
pub async fn of_site(call: Call) -> Result<Shown<Assignment>, Problem> {
    let site = call.site(call.param("site")).await?;
    Ok(Shown(Assignment {
        pool: pools::assigned(&call.app.db, call.param("tenant"), Some(&site.id)).await?,
    }))
}

/// `putSitePool`.
pub async fn put_of_site(call: Call<TrialQuery, Assignment>) -> Result<Shown<Assignment>, Failure> {
    let site = call.site(call.param("site")).await?.id;
    assign(&call, Some(&site), "site.pool", format!("sites/{site}")).await
}

/// `getTenantDestinations`.
pub async fn destinations(call: Call) -> Result<Shown<Reachable>, Problem> {
    let tenant = call.tenant().await?;
    Ok(Shown(Reachable {
        destinations: stored_destinations(&call, &tenant.id).await?,
    }))
}

/// `putTenantDestinations`.
pub async fn put_destinations(
    call: Call<TrialQuery, Reachable>,
) -> Result<Shown<Reachable>, Failure> {
    let tenant = call.tenant().await?;
    let wanted = call
        .body
        .destinations
        .as_ref()
        .map(Destinations::checked)
        .transpose()
        .map_err(|error| Problem::invalid_value(format!("`destinations`: {error}.")))?;
    let before = stored_destinations(&call, &tenant.id).await?;
    if call.is_trial() {
        let would = tried_destinations(&call, &tenant.id, wanted.as_ref()).await?;
        call.tried(|| would)?;
    }
    if before != wanted {
        let entry = call.entry(
            "tenant.destinations",
            String::new(),
            Some(json!({ "destinations": before })),
            Some(json!({ "destinations": wanted })),
        );
        let text = wanted
            .as_ref()
            .map(serde_json::to_string)
            .transpose()
            .map_err(|error| Problem::internal(error.to_string()))?;
        reach::put(&call.app.db, &tenant.id, text.as_deref(), &entry)
            .await
            .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    }
    Ok(Shown(Reachable {
        destinations: wanted,
    }))
}

/// The most phones that are looked at when destinations are tried.
const MAX_TRIED: u32 = 500;

/// Which phones in service could no longer be notified with other destinations, and which could be from then on.
async fn tried_destinations(
    call: &Context,
    tenant_id: &str,
    wanted: Option<&Destinations>,
) -> Result<DryRun, Problem> {
    let db = &call.app.db;
    let all = devices::affected(tenant_id, &Affected::All, MAX_TRIED)?;
    let [count, first] = db.batch_of(all).await?;
    let all = devices::counted(&count)?;
    let found: Vec<DeviceRow> = match all <= u64::from(MAX_TRIED) {
        true => rows(&first)?,
        false => {
            let stride = (all / u64::from(MAX_TRIED)).max(1);
            devices::sample(db, tenant_id, &Affected::All, stride, MAX_TRIED).await?
        }
    };
    // One that is out of service is notified by nobody.
    let in_service = found.iter().filter(|row| row.disabled == 0);
    let ids: Vec<&str> = in_service.map(|row| row.id.as_str()).collect();
    let pools = fleet::count(db, tenant_id, &Selection::default()).await?;
    let of = pools.iter().map(|(_, phones)| phones).sum();
    let phones = fleet::by_ids(db, &ids).await?;
    let settings = fleet::settings(db, &call.app.keyring, &phones).await?;
    let (mut lost, mut gained, mut reached) = (0, 0, 0);
    for mut settings in settings.into_iter().flatten() {
        let was = target::message(&settings).is_ok();
        settings.set_reach(Reach {
            destinations: wanted.cloned(),
            ..settings.reach().clone()
        });
        let is = target::message(&settings).is_ok();
        lost += u64::from(was && !is);
        gained += u64::from(is && !was);
        reached += u64::from(is);
    }
    let looked = phones.len() as u64;
    Ok(DryRun {
        affected: of,
        ..DryRun::of(reach_effects([of, looked, reached, lost, gained]))
    })
}

fn reach_effects([of, looked, reached, lost, gained]: [u64; 5]) -> Vec<Effect> {
    let phones = |number: u64| match number {
        1 => "1 phone".to_owned(),
        number => format!("{number} phones"),
    };
    let mut effects = vec![
        Effect::counted(
            About::Reach,
            lost,
            format!(
                "{} that can be notified now could not be any more.",
                phones(lost)
            ),
        ),
        Effect::counted(
            About::Reach,
            gained,
            format!("{} that cannot be notified now could be.", phones(gained)),
        ),
        Effect::counted(
            About::Reach,
            reached,
            format!(
                "{} could be notified, of {looked} that were looked at.",
                phones(reached)
            ),
        ),
    ];
    if looked < of {
        effects.push(Effect::counted(
            About::Reach,
            looked,
            format!(
                "The phones that were looked at are a sample: the tenant has {} in service.",
                phones(of)
            ),
        ));
    }
    effects
}

async fn stored_destinations(
    call: &Context,
    tenant_id: &str,
) -> Result<Option<Destinations>, Problem> {
    let text = reach::stored(&call.app.db, tenant_id).await?;
    Ok(text.map(|text| ringfence_json::from_str(&text).unwrap_or_default()))
}

/// Refuses settings by which a tenant would address phones that are not its own. Only what a change
/// brings is looked at, and D1 is asked only if that names an address.
///
/// # Errors
/// A setting leads beyond the tenant's destinations; the tenant needs some and has none; or it is the
/// address of record of another tenant's device.
pub async fn check_addresses(
    app: &App,
    tenant_id: &str,
    before: &LayerSettings,
    after: &LayerSettings,
) -> Result<(), Problem> {
    check_addresses_but(app, tenant_id, before, after, None).await
}

/// The same, though the layer `except` (a tenant and a scope) has the addresses: it is about to go.
///
/// # Errors
/// As [`check_addresses`].
pub async fn check_addresses_but(
    app: &App,
    tenant_id: &str,
    before: &LayerSettings,
    after: &LayerSettings,
    except: Option<(&str, String)>,
) -> Result<(), Problem> {
    let mut found = check_addresses_of(app, tenant_id, &[(before, after)], except).await?;
    found.pop().flatten().map_or(Ok(()), Err)
}

/// The same for many layers at once: what refuses each of them.
///
/// # Errors
/// D1 does not answer.
pub async fn check_addresses_of(
    app: &App,
    tenant_id: &str,
    layers: &[(&LayerSettings, &LayerSettings)],
    except: Option<(&str, String)>,
) -> Result<Vec<Option<Problem>>, Problem> {
    let mut refused: Vec<Option<Problem>> = layers.iter().map(|_| None).collect();
    let named: Vec<(usize, &String, &Value)> = layers
        .iter()
        .enumerate()
        .flat_map(|(at, (before, after))| {
            let changed = after
                .iter()
                .filter(|(name, value)| before.get(*name) != Some(*value));
            changed.map(move |(name, value)| (at, name, value))
        })
        .filter(|(_, name, value)| target::is_address(name) && !value.expose().trim().is_empty())
        .collect();
    if named.is_empty() {
        return Ok(refused);
    }
    let mut refuse = |at: usize, name: &str, error: TargetError| {
        let problem = Problem::invalid_value(format!("`settings.{name}`: {error}"))
            .with("reason", error.reason());
        if let Some(place @ None) = refused.get_mut(at) {
            *place = Some(problem);
        }
    };
    let pools = pools::of_tenant(&app.db, tenant_id).await?;
    let pairs: Vec<reach::Pair> = pools
        .into_iter()
        .map(|pool| (tenant_id.to_owned(), pool))
        .collect();
    let reached = reach::find(&app.db, &pairs).await?;
    let mut asked: Vec<reach::AddressInPool> = Vec::new();
    let mut asked_for: Vec<(usize, &str)> = Vec::new();
    for ((tenant, pool), reach) in &reached {
        for (at, name, value) in &named {
            if let Err(error) = target::check_reach(name, value.expose(), reach) {
                refuse(*at, name, error);
            } else if reach.guarded
                && let Some(aor) = target::aor_in(name, value.expose())
            {
                asked.push((tenant.clone(), pool.clone(), aor));
                asked_for.push((*at, name));
            }
        }
    }
    if asked.is_empty() {
        return Ok(refused);
    }
    let except = except
        .as_ref()
        .map(|(tenant, scope)| (*tenant, scope.as_str()));
    for place in reach::taken(&app.db, &asked, except).await? {
        if let Some((at, name)) = asked_for.get(place) {
            refuse(*at, name, TargetError::Taken);
        }
    }
    Ok(refused)
}

async fn assign(
    call: &Call<TrialQuery, Assignment>,
    site: Option<&str>,
    action: &'static str,
    object: String,
) -> Result<Shown<Assignment>, Failure> {
    let (db, tenant, pool) = (
        &call.app.db,
        call.param("tenant"),
        call.body.pool.as_deref(),
    );
    if let Some(pool) = pool
        && pools::find(db, pool).await?.is_none()
    {
        return Err(Problem::invalid_value(
            "`pool` is not the id of a pool: the list of pools has them.",
        )
        .into());
    }
    let before = pools::assigned(db, tenant, site).await?;
    if call.is_trial() {
        let above = match site {
            Some(_) => pools::assigned(db, tenant, None).await?,
            None => None,
        };
        let [was, is] =
            [before.as_deref(), pool].map(|named| pool_in_effect(named, above.as_deref()));
        let concerned = match was == is {
            true => 0,
            false => pools::reached_by_assignment(db, tenant, site).await?,
        };
        let phones = match concerned {
            1 => "1 phone in service is".to_owned(),
            number => format!("{number} phones in service are"),
        };
        let text = format!("{phones} notified by another pool from then on.");
        call.tried(|| DryRun {
            affected: concerned,
            ..DryRun::of(vec![Effect::counted(About::Reach, concerned, text)])
        })?;
    }
    if before.as_deref() != pool {
        let entry = call.entry(
            action,
            object,
            Some(json!({ "pool": before })),
            Some(json!({ "pool": pool })),
        );
        pools::assign(db, tenant, site, pool, &entry)
            .await
            .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    }
    Ok(Shown(call.body.clone()))
}

/// The pool that reaches the phones of what names `named`; `above` is what the tenant of a site names.
fn pool_in_effect<'a>(named: Option<&'a str>, above: Option<&'a str>) -> &'a str {
    named.or(above).unwrap_or(DEFAULT_POOL)
}

/// A pool by its id.
///
/// # Errors
/// There is none.
pub async fn find(call: &Context, id: &str) -> Result<PoolRow, Problem> {
    pools::find(&call.app.db, id)
        .await?
        .ok_or_else(|| Problem::not_found("pool"))
}

/// What a pool's object says of itself.
pub async fn status(call: &Context, pool: &str) -> Result<Status, Problem> {
    match client::call(&call.app.env, pool, &PoolCall::Status).await? {
        PoolReply::Status(status) => Ok(status),
        other => Err(client::unexpected(&other)),
    }
}

/// Has the object know its options.
async fn publish(call: &Context, pool: &str, options: &PoolOptions) -> Result<(), Problem> {
    let set = PoolCall::SetOptions {
        options: options.clone(),
    };
    hear(call, pool, &set).await
}

/// Has the object of a pool know of a change that is stored.
pub async fn hear(call: &Context, pool: &str, change: &PoolCall) -> Result<(), Problem> {
    match client::call(&call.app.env, pool, change).await {
        Ok(_) => Ok(()),
        Err(problem) => Err(Problem {
            internal: problem.internal,
            ..Problem::new(
                ProblemKind::Unavailable,
                "The change is stored, but the queue does not know of it yet. Repeat the request until it succeeds.",
            )
        }),
    }
}

fn checked(input: &PoolInput) -> Result<(String, String), Problem> {
    let name = valid::name("name", &input.name)?.to_owned();
    let refused = |error: &dyn Display| Problem::invalid_value(format!("`options`: {error}."));
    input.options.check().map_err(|error| refused(&error))?;
    if let Some(edge) = &input.options.edge {
        edge::check(edge).map_err(|error| refused(&error))?;
    }
    let options = serde_json::to_string(&input.options)
        .map_err(|error| Problem::internal(error.to_string()))?;
    Ok((name, options))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::notify::pools::*;

    #[test]
    fn what_names_no_pool_has_the_tenants_or_the_default_one() {
        assert_eq!(pool_in_effect(Some("S"), Some("T")), "S");
        assert_eq!(pool_in_effect(None, Some("T")), "T");
        assert_eq!(
            pool_in_effect(None, None),
            pool_in_effect(Some(DEFAULT_POOL), None)
        );
    }

    #[test]
    fn a_pool_that_something_refers_to_stays() {
        refuse_referred(Referring::default()).unwrap();
        for referring in [
            Referring {
                tenants: 1,
                ..Referring::default()
            },
            Referring {
                sites: 1,
                ..Referring::default()
            },
            Referring {
                relays: 1,
                ..Referring::default()
            },
        ] {
            assert_eq!(refuse_referred(referring).unwrap_err().status(), 409);
        }
    }

    #[test]
    fn a_sample_says_of_how_many_phones_it_is() {
        let texts = |numbers| -> Vec<String> {
            let effects = reach_effects(numbers);
            effects.into_iter().map(|effect| effect.text).collect()
        };
        assert_eq!(texts([2, 2, 1, 0, 0]).len(), 3);
        assert_eq!(
            texts([900, 450, 1, 0, 0]).last().unwrap(),
            "The phones that were looked at are a sample: the tenant has 900 phones in service."
        );
    }
}
