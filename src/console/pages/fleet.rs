//! How are we?

use ringfence_console::data::{
    Event, Limits, Listed, Pool, Read as _, Relay, Restored, Rotation, Tenant,
};
use ringfence_console::fleet::{self as page, Counted, Deployment, MAX_COUNTED, Overview, State};
use ringfence_console::href;
use ringfence_console::part::{Act, Cell, Facts, Page, Section, Table, Tone};
use ringfence_console::problem::Problem;
use ringfence_console::start;
use ringfence_console::text::{self, EN, fill};
use serde_json::Value;

use crate::console::page::PageResult;
use crate::console::reply::Reply;
use crate::console::visit::Visit;
use crate::platform::DAY_MS;

/// The most pools that are looked at with their relays, the most webhooks with messages that were given up, and the most tenants
/// of a page that are asked one by one.
const MAX_LISTED: &str = "20";

/// The whole deployment, for who sees all of it; the one tenant otherwise.
pub async fn page(visit: Visit) -> PageResult {
    if let Some(tenant) = &visit.viewer.tenant {
        return Ok(Reply::see(&href::tenant(tenant, "")));
    }
    let tenants: Listed<Tenant> = visit.get("/tenants", &[("limit", "20")]).await?;
    if tenants.items.is_empty() && visit.viewer.runs_all() {
        return Ok(Reply::see(start::PATH));
    }
    let shell = visit.shell(EN.fleet).leading(EN.fleet_lead);
    let deployment = Deployment {
        tenants,
        devices: visit.get("/device-counts", &[]).await?,
        requests: visit.get("/event-counts", &[]).await?,
        pools: pools(&visit).await?,
        rotation: visit.get::<Rotation>("/rotation", &[]).await.ok(),
        restored: visit.get::<Restored>("/restored", &[]).await.ok(),
        webhooks: given_up(&visit).await?,
        now: visit.now(),
    };
    Ok(Reply::page(page::deployment(shell, &deployment)))
}

/// Webhooks of all tenants and of the installation with messages that were given up.
async fn given_up(visit: &Visit) -> Result<Vec<Value>, Problem> {
    let query = [("dead", "true"), ("limit", MAX_LISTED)];
    let list: Listed<Value> = visit.get("/webhooks", &query).await?;
    Ok(list.items)
}

/// Tenants with how many of their devices are in a state. A page has [`MAX_LISTED`] of them at most.
pub async fn by_tenant(visit: Visit) -> PageResult {
    let state = State::of_word(visit.param("state"))
        .ok_or_else(|| Problem::new(404, EN.not_found, EN.not_found_detail))?;
    let mut query = vec![("limit", MAX_LISTED)];
    query.extend(visit.query.only(&["cursor"]));
    let tenants: Listed<Tenant> = visit.get("/tenants", &query).await?;
    let limit = MAX_COUNTED.to_string();
    let filter = state.filter(visit.now());
    let mut query: Vec<_> = filter
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    query.push(("limit", &limit));
    let mut counted = Vec::new();
    for tenant in &tenants.items {
        let path = href::path(["tenants", &tenant.id]);
        let list: Listed<Value> = visit
            .get(&format!("{path}{}", state.list()), &query)
            .await?;
        counted.push(Counted {
            state,
            number: list.items.len() as u64,
            more: list.next.is_some(),
        });
    }
    let shell = visit.shell(&page::title(state)).below(EN.fleet, "/console");
    Ok(Reply::page(page::by_tenant(
        shell,
        state,
        &tenants,
        &counted,
        visit.now(),
    )))
}

/// Pools, each with its queue and its relays.
pub async fn pools(visit: &Visit) -> Result<Vec<(Pool, Vec<Relay>)>, Problem> {
    let list: Listed<Pool> = visit.get("/pools", &[("limit", MAX_LISTED)]).await?;
    let mut pools = Vec::new();
    for pool in list.items {
        let path = href::path(["pools", &pool.id]);
        let relays: Listed<Relay> = visit.get(&format!("{path}/relays"), &[]).await?;
        // With its queue, which the object of the pool knows.
        let whole = visit.get::<Pool>(&path, &[]).await.unwrap_or(pool);
        pools.push((whole, relays.items));
    }
    Ok(pools)
}

/// One tenant.
pub async fn overview(visit: Visit) -> PageResult {
    let tenant = visit.tenant().await?;
    let mut shell = visit
        .shell(&tenant.name)
        .within(&tenant.id, &tenant.name, &visit.path);
    shell = shell.leading(EN.fleet_lead);
    let now = visit.now();
    if visit.query.get("again") == "true" {
        // Counting is dear: who reads the page again does not count again.
        let again = [("again", "true")];
        let path = visit.of_tenant("/device-counts");
        visit.get::<Value>(&path, &again).await?;
        return Ok(Reply::see(&href::tenant(&tenant.id, "")));
    }
    let counts: Value = visit.get(&visit.of_tenant("/device-counts"), &[]).await?;
    let webhooks: Listed<Value> = visit.get(&visit.of_tenant("/webhooks"), &[]).await?;
    let since = now.saturating_sub(DAY_MS).to_string();
    let events: Listed<Event> = visit
        .get(
            &visit.of_tenant("/events"),
            &[("after", &since), ("limit", "200")],
        )
        .await?;
    let mut counted = Vec::new();
    for state in State::ALL {
        counted.push(count(&visit, state, &counts).await?);
    }
    let of = Overview {
        devices: counts.number("/all/devices").unwrap_or_default(),
        events,
        rollouts: visit
            .get(&visit.of_tenant("/rollouts"), &[("limit", "5")])
            .await
            .unwrap_or_default(),
        webhooks: webhooks.items,
        counted_at: counts.number("counted_at"),
        tenant,
        counted,
        now,
    };
    let page = page::overview(shell, &of).with(Section::Acts(more(&visit)));
    Ok(Reply::page(page))
}

/// The tenant's pages that stand in no navigation.
fn more(visit: &Visit) -> Vec<Act> {
    let act = |text: &str, page: &str| Act::plain(text, href::tenant(visit.tenant_id(), page));
    let mut acts = vec![
        act(EN.file_tests, "file-tests"),
        act(EN.certificates, "certificates"),
    ];
    if visit.viewer.write {
        acts.insert(0, act(EN.edit, "edit"));
    }
    if visit.viewer.runs_all() {
        acts.push(act(EN.pool, "pool"));
        acts.push(act(EN.destinations, "destinations"));
        acts.push(act(EN.limits, "limits"));
    }
    acts
}

/// How many devices are in a state; of refused requests, and of phones that are no devices, as far as their list is
/// read.
async fn count(visit: &Visit, state: State, counts: &Value) -> Result<Counted, Problem> {
    if let Some(place) = state.counted() {
        return Ok(Counted {
            state,
            number: counts.number(place).unwrap_or_default(),
            more: false,
        });
    }
    let path = match state {
        State::Unknown => "/unknown",
        state => state.list(),
    };
    let (limit, filter) = (MAX_COUNTED.to_string(), state.filter(visit.now()));
    let mut query: Vec<_> = filter
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    query.push(("limit", &limit));
    let list: Listed<Value> = visit.get(&visit.of_tenant(path), &query).await?;
    Ok(Counted {
        state,
        number: list.items.len() as u64,
        more: list.next.is_some(),
    })
}

/// The version, and how the deployment is.
pub async fn about(visit: Visit) -> PageResult {
    let viewer = &visit.viewer;
    let may = match (viewer.write, viewer.reveal) {
        (true, true) => EN.may_write_reveal,
        (true, false) => EN.may_write,
        (false, true) => EN.may_read_reveal,
        (false, false) => EN.may_read,
    };
    let sees = viewer.tenant.as_deref().unwrap_or(EN.every_tenant);
    let mut facts = Facts::new("Ringfence")
        .with(EN.version, Cell::code(env!("CARGO_PKG_VERSION")))
        .with(
            EN.api_document,
            Cell::link("openapi.json", "/api/v1/openapi.json"),
        )
        .with(EN.token_may, Cell::text(format!("{may}: {sees}")));
    if viewer.tenant.is_none() {
        let restored: Restored = visit.get("/restored", &[]).await?;
        let database = match restored.behind {
            true => Cell::state(Tone::Bad, EN.database_behind),
            false => Cell::state(Tone::Good, EN.database_well),
        };
        let rotation: Rotation = visit.get("/rotation", &[]).await?;
        facts = facts
            .with(
                EN.limits,
                Cell::link(EN.limits_of_tenants, "/console/tenants"),
            )
            .with(EN.health, Cell::link("/healthz", "/healthz"))
            .with(EN.database, database)
            .with(EN.master_key, Cell::code(&rotation.current))
            .with(
                EN.rotation_remaining,
                Cell::text(text::number(rotation.remaining)),
            );
    }
    if viewer.tenant.is_none() {
        facts.acts = vec![
            Act::plain(EN.rotation, "/console/rotation"),
            Act::plain(EN.restored, "/console/restored"),
        ];
    }
    let mut page = Page::new(visit.shell(EN.about)).with(facts);
    if let Some(tenant) = &viewer.tenant {
        let limits: Limits = visit
            .get(&href::path(["tenants", tenant, "limits"]), &[])
            .await?;
        let rows = limits.quotas.iter().map(|(name, quota)| {
            let used = fill(
                EN.of_quota,
                &[&text::number(quota.used), &text::number(quota.limit)],
            );
            vec![Cell::code(name), Cell::text(used)]
        });
        page = page.with(Table::new(EN.limits, &[EN.name, EN.used], "").with_rows(rows));
    }
    Ok(Reply::page(page))
}
