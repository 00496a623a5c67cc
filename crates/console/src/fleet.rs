//! The fleet: how are we, and what needs a person now.

use crate::chart;
use crate::data::{Event, Listed, Pool, Read as _, Relay, Restored, Rollout, Rotation, Tenant};
use crate::href;
use crate::lists::notify::{rollouts_table, tone as rollout_tone};
use crate::lists::{next, webhooks};
use crate::part::{Cell, Item, List, Number, Numbers, Page, Section, Table, Tone};
use crate::shell::Shell;
use crate::text::{self, EN, count, fill};
use crate::time::DAY_MS;
use serde_json::Value;

/// How much of a list is counted where the API has no number: what is more is said so.
pub const MAX_COUNTED: usize = 100;

/// A number of devices, each by a list that the API shows.
pub struct Counted {
    pub state: State,
    pub number: u64,
    /// Whether there are more than were counted.
    pub more: bool,
}

impl Counted {
    /// The number as it is said.
    fn number(&self) -> String {
        let more = if self.more { "+" } else { "" };
        format!("{}{more}", text::number(self.number))
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Armed,
    Delivered,
    Confirmed,
    Stale,
    Failing,
    /// Of the last day: requests, not devices.
    Refused,
    Elsewhere,
    Expired,
    NeverSeen,
    Silent,
    Disabled,
    Unknown,
    /// Of a tenant it is among those that need nothing but a new key, so its overview does not have it.
    Replaced,
}

impl State {
    /// Every one, in the order in which a phone goes through them.
    pub const ALL: [Self; 12] = [
        Self::Armed,
        Self::Delivered,
        Self::Confirmed,
        Self::Stale,
        Self::Failing,
        Self::Refused,
        Self::Elsewhere,
        Self::Expired,
        Self::NeverSeen,
        Self::Silent,
        Self::Disabled,
        Self::Unknown,
    ];

    /// The filter of the list; its page says the same.
    pub fn filter(self, now: u64) -> Vec<(&'static str, String)> {
        let state = |state: &str| vec![("state", state.to_owned())];
        match self {
            Self::Armed => state("armed"),
            Self::Delivered => state("delivered"),
            Self::Confirmed => state("confirmed"),
            Self::Expired => state("expired"),
            Self::Replaced => state("replaced"),
            Self::Stale => vec![("stale", "true".into())],
            Self::Failing => vec![("failing", "true".into())],
            Self::Refused => vec![
                ("outcome", "refused".into()),
                ("after", now.saturating_sub(DAY_MS).to_string()),
            ],
            Self::Elsewhere => vec![("unexpected_network", "true".into())],
            Self::NeverSeen => vec![("never_seen", "true".into())],
            Self::Silent => vec![("last_seen_before", now.saturating_sub(WEEK_MS).to_string())],
            Self::Disabled => vec![("disabled", "true".into())],
            Self::Unknown => Vec::new(),
        }
    }

    /// The tenant's page that lists it, and the API's list.
    fn page(self) -> &'static str {
        match self {
            Self::Refused => "requests",
            _ => "devices",
        }
    }

    /// The API's list of it, below the tenant.
    pub fn list(self) -> &'static str {
        match self {
            Self::Refused => "/events",
            _ => "/devices",
        }
    }

    /// Where the API's counts of devices have it; nowhere, if it is no state of a device.
    pub fn counted(self) -> Option<&'static str> {
        Some(match self {
            Self::Armed => "/by_state/armed/devices",
            Self::Delivered => "/by_state/delivered/devices",
            Self::Confirmed => "/by_state/confirmed/devices",
            Self::Expired => "/by_state/expired/devices",
            Self::Replaced => "/by_state/replaced/devices",
            Self::Stale => "/all/stale",
            Self::Failing => "/all/failing",
            Self::Elsewhere => "/all/unexpected_network",
            Self::NeverSeen => "/all/never_seen",
            Self::Disabled => "/all/disabled",
            Self::Silent => "/all/silent_7d",
            Self::Unknown | Self::Refused => return None,
        })
    }

    fn shown(self) -> (&'static str, Tone) {
        match self {
            Self::Armed => (EN.number_armed, Tone::Plain),
            Self::Delivered => (EN.number_delivered, Tone::Warn),
            Self::Confirmed => (EN.number_confirmed, Tone::Good),
            Self::Stale => (EN.number_stale, Tone::Warn),
            Self::Failing => (EN.number_failing, Tone::Bad),
            Self::Refused => (EN.requests_refused, Tone::Warn),
            Self::Elsewhere => (EN.number_elsewhere, Tone::Bad),
            Self::Expired => (EN.number_expired, Tone::Bad),
            Self::Replaced => (EN.number_replaced, Tone::Bad),
            Self::NeverSeen => (EN.number_never, Tone::Plain),
            Self::Silent => (EN.number_silent, Tone::Warn),
            Self::Disabled => (EN.number_disabled, Tone::Quiet),
            Self::Unknown => (EN.number_unknown, Tone::Warn),
        }
    }
}

/// States that are counted over all tenants, by the words that addresses have for them.
const OF_ALL: [(&str, State); 11] = [
    ("armed", State::Armed),
    ("delivered", State::Delivered),
    ("confirmed", State::Confirmed),
    ("stale", State::Stale),
    ("failing", State::Failing),
    ("refused", State::Refused),
    ("elsewhere", State::Elsewhere),
    ("expired", State::Expired),
    ("replaced", State::Replaced),
    ("never-seen", State::NeverSeen),
    ("disabled", State::Disabled),
];

impl State {
    /// The state that the word of an address means.
    pub fn of_word(word: &str) -> Option<Self> {
        let found = OF_ALL.iter().find(|(known, _)| *known == word);
        found.map(|(_, state)| *state)
    }

    /// Where the tenants are listed that have devices in the state.
    fn of_tenants(self) -> Option<String> {
        let found = OF_ALL.iter().find(|(_, state)| *state == self);
        found.map(|(word, _)| format!("/console/fleet/{word}"))
    }
}

/// Tenants, with how many of their devices are in a state: each leads to those devices.
pub fn by_tenant(
    shell: Shell,
    state: State,
    tenants: &Listed<Tenant>,
    counted: &[Counted],
    now: u64,
) -> Page {
    let rows = tenants.items.iter().zip(counted).map(|(tenant, counted)| {
        let number = number(&tenant.id, counted, now);
        let devices = match counted.number {
            0 => Cell::state(Tone::Quiet, number.value),
            _ => Cell::link(number.value, number.href.unwrap_or_default()),
        };
        vec![
            Cell::link(&tenant.name, href::tenant(&tenant.id, "")),
            devices,
        ]
    });
    let next = next(
        &state.of_tenants().unwrap_or_default(),
        &[],
        tenants.next.as_ref(),
    );
    let (what, does) = match state {
        State::Refused => (EN.requests, EN.by_tenant_requests),
        _ => (EN.devices, EN.by_tenant_does),
    };
    let table = Table::new("", &[EN.tenant, what], EN.no_tenants)
        .with_rows(rows)
        .with_next(next);
    Page::new(shell)
        .with(Section::Text(fill(does, &[&MAX_COUNTED.to_string()])))
        .with(table)
}

/// What a state is called.
pub fn title(state: State) -> String {
    match state {
        State::Refused => state.shown().0.to_owned(),
        _ => fill(EN.of_state, &[EN.devices, state.shown().0]),
    }
}

/// A phone that has not asked for this long is silent.
const WEEK_MS: u64 = 7 * DAY_MS;

/// What a tenant's overview is made from.
pub struct Overview {
    pub tenant: Tenant,
    /// How many devices there are.
    pub devices: u64,
    pub counted: Vec<Counted>,
    /// Of the last day, the newest first.
    pub events: Listed<Event>,
    pub rollouts: Listed<Rollout>,
    /// The tenant's webhooks.
    pub webhooks: Vec<Value>,
    /// When the devices were counted, in Unix milliseconds.
    pub counted_at: Option<u64>,
    pub now: u64,
}

/// The overview of a tenant.
pub fn overview(shell: Shell, of: &Overview) -> Page {
    let id = &of.tenant.id;
    let mut items = vec![Number {
        label: EN.number_all.into(),
        value: text::number(of.devices),
        tone: Tone::Plain,
        href: Some(href::tenant(id, "devices")),
    }];
    items.extend(of.counted.iter().map(|counted| number(id, counted, of.now)));
    let numbers = Numbers {
        title: EN.numbers.into(),
        items,
        note: counted_note(of),
    };
    let open = of.rollouts.items.iter().filter(|rollout| rollout.is_open());
    let rollouts: Vec<Rollout> = open.cloned().collect();
    let mut page = Page::new(shell)
        .with(needs(needs_of(of)))
        .with(numbers)
        .with(requests(&of.events, of.now));
    if !rollouts.is_empty() {
        page = page.with(rollouts_table(id, &rollouts, of.now));
    }
    page
}

/// When the numbers were counted, and the way to count again, where that was a while ago.
fn counted_note(of: &Overview) -> Vec<Cell> {
    let Some(at) = of.counted_at.filter(|at| *at < of.now) else {
        return Vec::new();
    };
    let again = format!("{}?again=true", href::tenant(&of.tenant.id, ""));
    vec![
        Cell::text(EN.counted),
        Cell::time(Some(at), of.now, ""),
        Cell::link(EN.count_again, again),
    ]
}

/// The last day's requests as a picture, or that there were none.
fn requests(events: &Listed<Event>, now: u64) -> Section {
    match events.items.is_empty() {
        true => Table::new(EN.chart_title, &[], EN.chart_empty).into(),
        false => chart::day(&events.items, events.next.is_some(), now).into(),
    }
}

fn number(tenant_id: &str, counted: &Counted, now: u64) -> Number {
    let (label, tone) = counted.state.shown();
    let page = match counted.state {
        State::Unknown => href::tenant(tenant_id, "unknown"),
        state => {
            let filter = state.filter(now);
            let pairs: Vec<_> = filter
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            format!(
                "{}{}",
                href::tenant(tenant_id, state.page()),
                href::query(&pairs)
            )
        }
    };
    Number {
        label: label.into(),
        value: counted.number(),
        tone: if counted.number == 0 {
            Tone::Quiet
        } else {
            tone
        },
        href: Some(page),
    }
}

fn needs_of(of: &Overview) -> Vec<(Cell, String)> {
    let id = &of.tenant.id;
    let found = |state| {
        let counted = of.counted.iter().find(|one| one.state == state);
        counted.filter(|one| one.number > 0).map(Counted::number)
    };
    let mut needs = Vec::new();
    for (state, filter, words, does) in [
        (
            State::Elsewhere,
            "unexpected_network=true",
            EN.number_elsewhere,
            EN.taken_elsewhere,
        ),
        (
            State::Failing,
            "failing=true",
            EN.number_failing,
            EN.devices_fail,
        ),
        (
            State::Expired,
            "state=expired",
            EN.number_expired,
            EN.expired_bootstraps,
        ),
    ] {
        if let Some(number) = found(state) {
            let to = format!("{}?{filter}", href::tenant(id, "devices"));
            let words = fill(EN.of_state, &[words, &number]);
            needs.push((Cell::link(words, to), does.to_owned()));
        }
    }
    if let Some(number) = found(State::Unknown) {
        let to = href::tenant(id, "unknown");
        let words = fill(EN.of_state, &[EN.unknown_phones, &number]);
        needs.push((Cell::link(words, to), EN.unknown_knocked.to_owned()));
    }
    if of
        .events
        .items
        .iter()
        .any(|event| event.outcome == "refused" || event.outcome == "broken")
    {
        let to = format!("{}?outcome=refused", href::tenant(id, "requests"));
        needs.push((Cell::link(EN.requests, to), EN.refused_lately.to_owned()));
    }
    for rollout in of
        .rollouts
        .items
        .iter()
        .filter(|rollout| rollout.state == "paused")
    {
        let to = href::tenant(id, &format!("rollouts{}", href::path([&rollout.id])));
        needs.push((
            Cell::link(EN.rollouts, to),
            fill(EN.rollout_paused, &[&rollout.message]),
        ));
    }
    needs.extend(webhooks::needs(&of.webhooks));
    needs
}

fn needs(needs: Vec<(Cell, String)>) -> List {
    List {
        title: EN.needs_person.into(),
        empty: EN.needs_nobody.into(),
        items: needs
            .into_iter()
            .map(|(head, text)| Item {
                head,
                more: Vec::new(),
                text,
                parts: Vec::new(),
                hint: String::new(),
            })
            .collect(),
        next: None,
    }
}

/// What the page of the whole deployment is made from.
pub struct Deployment {
    pub tenants: Listed<Tenant>,
    /// How many devices all tenants have, as the API last counted them.
    pub devices: Value,
    /// Their requests of the last day by the hour, likewise.
    pub requests: Value,
    pub pools: Vec<(Pool, Vec<Relay>)>,
    pub rotation: Option<Rotation>,
    pub restored: Option<Restored>,
    /// Webhooks of any tenant with messages that were given up.
    pub webhooks: Vec<Value>,
    pub now: u64,
}

/// The page of the whole deployment.
pub fn deployment(shell: Shell, of: &Deployment) -> Page {
    let mut page = Page::new(shell)
        .with(needs(needs_of_all(of)))
        .with(of_all(&of.devices, &of.requests, of.now))
        .with(requests_of_all(&of.requests, of.now));
    let going = rollouts_of_all(of);
    if !going.is_empty() {
        let columns = [EN.when, EN.tenant, EN.state, EN.progress, EN.what_happened];
        page = page.with(Table::new(EN.rollouts, &columns, "").with_rows(going));
    }
    let tenants = Table::new(
        EN.tenants,
        &[EN.name, EN.hostname, EN.created],
        EN.no_tenants,
    )
    .with_rows(of.tenants.items.iter().map(|tenant| {
        vec![
            Cell::link(&tenant.name, href::tenant(&tenant.id, "")),
            Cell::text(tenant.hostname.clone().unwrap_or_default()),
            Cell::time(Some(tenant.created_at), of.now, ""),
        ]
    }));
    let more = of
        .tenants
        .next
        .as_ref()
        .map(|_| "/console/tenants".to_owned());
    page = page.with(tenants.with_next(more));
    let rows = of
        .pools
        .iter()
        .map(|(pool, relays)| pool_row(pool, relays))
        .collect::<Vec<_>>();
    let table = Table::new(EN.pools, &[EN.name, EN.relays, EN.waiting], EN.no_pools);
    page.with(Section::Table(table.with_rows(rows)))
}

/// The devices of all tenants. Each number leads to the tenants that have some, and from there to the devices.
fn of_all(counts: &Value, requests: &Value, now: u64) -> Numbers {
    let named = [
        ("/devices", None, None),
        ("/by_state/armed", None, Some(State::Armed)),
        ("/by_state/delivered", None, Some(State::Delivered)),
        (
            "/never_came_back",
            Some((EN.number_lost, Tone::Bad)),
            Some(State::Delivered),
        ),
        ("/by_state/confirmed", None, Some(State::Confirmed)),
        ("/stale", None, Some(State::Stale)),
        ("/failing", None, Some(State::Failing)),
        ("/unexpected_network", None, Some(State::Elsewhere)),
        ("/by_state/expired", None, Some(State::Expired)),
        ("/by_state/replaced", None, Some(State::Replaced)),
        ("/never_seen", None, Some(State::NeverSeen)),
        ("/disabled", None, Some(State::Disabled)),
    ];
    let (items, note) = match counts.number("counted_at") {
        None => (Vec::new(), vec![Cell::text(EN.not_counted)]),
        Some(at) => {
            let mut items: Vec<Number> = named
                .map(|(place, shown, state)| {
                    let usual = state.map_or((EN.number_all, Tone::Plain), State::shown);
                    let (label, tone) = shown.unwrap_or(usual);
                    let number = counts.number(place).unwrap_or_default();
                    let to = state.and_then(State::of_tenants);
                    Number {
                        label: label.into(),
                        value: text::number(number),
                        tone: if number == 0 { Tone::Quiet } else { tone },
                        href: Some(to.unwrap_or_else(|| "/console/devices".to_owned())),
                    }
                })
                .into();
            items.insert(REFUSED_AT, refused_of_all(requests));
            let note = vec![Cell::text(EN.counted), Cell::time(Some(at), now, "")];
            (items, note)
        }
    };
    Numbers {
        title: EN.numbers_of_all.into(),
        note,
        items,
    }
}

/// The place of the number of refused requests: beside the devices that got nothing.
const REFUSED_AT: usize = 7;

/// How many requests of the last day were refused or failed, of all tenants.
fn refused_of_all(requests: &Value) -> Number {
    let hours = requests.list("hours").iter();
    let number: u64 = hours.filter_map(|hour| hour.number("refused")).sum();
    Number {
        label: EN.requests_refused_all.into(),
        value: text::number(number),
        tone: match number {
            0 => Tone::Quiet,
            _ => Tone::Warn,
        },
        href: State::Refused.of_tenants(),
    }
}

/// The last day's requests of all tenants as a picture, or that there were none.
fn requests_of_all(counts: &Value, now: u64) -> Section {
    let hours: Vec<(u64, u64, u64)> = counts
        .list("hours")
        .iter()
        .map(|hour| {
            let number = |name: &str| hour.number(name).unwrap_or_default();
            (number("at"), number("served"), number("refused"))
        })
        .collect();
    match hours.is_empty() {
        true => Table::new(EN.chart_title, &[], EN.chart_empty).into(),
        false => chart::of_hours(&hours, String::new(), now).into(),
    }
}

/// Rollouts that go on in any pool, the newest first.
fn rollouts_of_all(of: &Deployment) -> Vec<Vec<Cell>> {
    let queues = of.pools.iter().filter_map(|(pool, _)| pool.queue.as_ref());
    let mut open: Vec<&Rollout> = queues.flat_map(|queue| &queue.rollouts).collect();
    open.sort_by(|one, other| other.id.cmp(&one.id));
    let row = |rollout: &Rollout| {
        let tenant = &rollout.tenant;
        let known = of.tenants.items.iter().find(|one| one.id == *tenant);
        let to = href::tenant(tenant, &format!("rollouts{}", href::path([&rollout.id])));
        let told = [rollout.released, rollout.total].map(text::number);
        vec![
            Cell::time(Some(rollout.created_at), of.now, ""),
            Cell::link(
                known.map_or(tenant, |one| &one.name),
                href::tenant(tenant, ""),
            ),
            Cell::state(rollout_tone(&rollout.state), &rollout.state),
            Cell::link(fill(EN.notified_of, &[&told[0], &told[1]]), to),
            Cell::text(&rollout.message),
        ]
    };
    open.into_iter().map(row).collect()
}

/// A pool in a table: its name, its relays, its queue.
pub fn pool_row(pool: &Pool, relays: &[Relay]) -> Vec<Cell> {
    let connected = relays.iter().filter(|relay| relay.connected).count();
    let (connected_text, all) = (
        text::number(connected as u64),
        text::number(relays.len() as u64),
    );
    let edge = pool.queue.as_ref().and_then(|queue| queue.edge.as_ref());
    if let Some(edge) = edge
        && relays.is_empty()
    {
        let tone = match edge.failing() {
            Some(_) => Tone::Bad,
            None => Tone::Good,
        };
        return pool_cells(pool, Cell::state(tone, EN.sender_edge));
    }
    let tone = match connected {
        _ if relays.is_empty() => Tone::Quiet,
        0 => Tone::Bad,
        some if some < relays.len() => Tone::Warn,
        _ => Tone::Good,
    };
    let relays = fill(EN.relays_connected, &[&connected_text, &all]);
    pool_cells(pool, Cell::state(tone, relays))
}

fn pool_cells(pool: &Pool, who_sends: Cell) -> Vec<Cell> {
    let queue = pool.queue.clone().unwrap_or_default();
    vec![
        Cell::link(
            &pool.name,
            format!("/console/pools{}", href::path([&pool.id])),
        ),
        who_sends,
        Cell::text(text::number(queue.queued + queue.leased + queue.answered)),
    ]
}

fn needs_of_all(of: &Deployment) -> Vec<(Cell, String)> {
    let mut needs = Vec::new();
    if of.restored.as_ref().is_some_and(|restored| restored.behind) {
        let cell = Cell::link(EN.restored, "/console/restored");
        needs.push((cell, EN.restored_open.to_owned()));
    }
    if of
        .rotation
        .as_ref()
        .is_some_and(|rotation| rotation.remaining > 0)
    {
        let cell = Cell::link(EN.rotation, "/console/rotation");
        needs.push((cell, EN.rotation_open.to_owned()));
    }
    for (place, state, words, does) in [
        (
            "/unexpected_network",
            State::Elsewhere,
            EN.number_elsewhere,
            EN.taken_elsewhere,
        ),
        (
            "/never_came_back",
            State::Delivered,
            EN.number_lost,
            EN.lost_keys,
        ),
        (
            "/failing",
            State::Failing,
            EN.number_failing,
            EN.devices_fail,
        ),
        (
            "/by_state/expired",
            State::Expired,
            EN.number_expired,
            EN.expired_bootstraps,
        ),
    ] {
        let number = of.devices.number(place).unwrap_or_default();
        if number > 0 {
            let words = fill(EN.of_state, &[words, &text::number(number)]);
            let to = state.of_tenants().unwrap_or_default();
            needs.push((Cell::link(words, to), does.to_owned()));
        }
    }
    for (pool, relays) in &of.pools {
        let to = format!("/console/pools{}", href::path([&pool.id]));
        let queue = pool.queue.clone().unwrap_or_default();
        if let Some(edge) = &queue.edge {
            if let Some(why) = edge.failing() {
                let text = fill(EN.pool_edge_failed, &[&pool.name, why]);
                needs.push((Cell::link(&pool.name, to.clone()), text));
            }
            // It can do without relays.
            if relays.is_empty() {
                continue;
            }
        }
        if !relays.iter().any(|relay| relay.connected) {
            // One that nobody uses is no trouble.
            if !relays.is_empty() || queue.queued > 0 {
                let text = fill(EN.pool_without_relay, &[&pool.name]);
                let waits = match queue.queued {
                    0 => String::new(),
                    number => format!(" {}", count(number, EN.one_job_waits, EN.jobs_wait)),
                };
                needs.push((Cell::link(&pool.name, to), format!("{text}{waits}")));
            }
            continue;
        }
        for relay in relays.iter().filter(|relay| !relay.connected) {
            let text = fill(EN.relay_away, &[&relay.name, &pool.name]);
            needs.push((Cell::link(&pool.name, to.clone()), text));
        }
    }
    needs.extend(webhooks::needs(&of.webhooks));
    needs
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tenant(id: &str, name: &str) -> Tenant {
        Tenant {
            id: id.into(),
            name: name.into(),
            ..Tenant::default()
        }
    }

    #[test]
    fn every_number_of_the_deployment_leads_somewhere_and_what_goes_on_is_there() {
        const NOW: u64 = 1_792_993_265_000;
        let queue = json!({"rollouts": [
            {"id": "R", "tenant": "T", "state": "running", "message": "Goes on.", "total": 1200, "released": 5, "created_at": NOW},
        ]});
        let queue = ringfence_json::from_str(&queue.to_string()).unwrap_or_default();
        let pool = Pool {
            id: "P".into(),
            name: "Europe".into(),
            queue: Some(queue),
            ..Pool::default()
        };
        let of = Deployment {
            tenants: Listed {
                items: vec![tenant("T", "Harbour")],
                next: None,
            },
            devices: json!({"counted_at": NOW, "devices": 100_000, "failing": 7, "by_state": {"armed": 3}}),
            requests: json!({"counted_at": NOW, "hours": [{"at": NOW / 3_600_000 * 3_600_000, "served": 8, "refused": 2}]}),
            pools: vec![(pool, Vec::new())],
            rotation: None,
            restored: None,
            webhooks: vec![json!({"id": "W", "tenant": "T", "name": "On call", "dead": 3})],
            now: NOW,
        };
        let page = deployment(Shell::outside("Fleet"), &of);
        let html = page.html().unwrap_or_default();
        assert!(!html.contains("class=\"card\""), "a number without a link");
        for told in [
            "<b class=\"\">100,000</b>",
            "href=\"/console/fleet/failing\"",
            "href=\"/console/fleet/armed\"",
            "href=\"/console/fleet/refused\"",
            "8 served, 2 refused",
            "href=\"/console/tenants/T/rollouts/R\">5 of 1,200 notified",
            ">Harbour<",
            "href=\"/console/tenants/T/webhooks/W?state=dead\"",
            "3 messages were given up",
        ] {
            assert!(html.contains(told), "{told}: {html}");
        }
    }

    #[test]
    fn a_state_is_found_by_the_word_of_its_address() {
        for (word, state) in OF_ALL {
            assert_eq!(State::of_word(word), Some(state));
            assert_eq!(state.of_tenants(), Some(format!("/console/fleet/{word}")));
            // Of requests the API has other counts.
            assert!(state.counted().is_some() || state == State::Refused);
            assert!(!state.filter(0).is_empty());
        }
        assert_eq!(State::of_word("nothing"), None);
        assert_eq!(State::Unknown.of_tenants(), None);
    }

    #[test]
    fn a_tenant_with_devices_in_a_state_leads_to_these() {
        let tenants = Listed {
            items: vec![tenant("A", "Many"), tenant("B", "None")],
            next: Some("c".into()),
        };
        let counted = [(100, true), (0, false)].map(|(number, more)| Counted {
            state: State::Failing,
            number,
            more,
        });
        let page = by_tenant(Shell::outside("x"), State::Failing, &tenants, &counted, 0);
        let html = page.html().unwrap_or_default();
        for told in [
            "href=\"/console/tenants/A/devices?failing=true\">100+</a>",
            "href=\"/console/fleet/failing?cursor=c\"",
        ] {
            assert!(html.contains(told), "{told}: {html}");
        }
        assert!(!html.contains("/console/tenants/B/devices"));
    }
}
