//! From what the caller has to the request of a phone.
//!
//! What is refused here is never quoted: a URL, or what stands in its place by mistake, holds an access path.

use std::net::IpAddr;

use ringfence_api::admin::events::EventView;
use ringfence_api::explain::{ExplainInput, Source};
use ringfence_provision::family::Family;
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::mac::Mac;
use ringfence_provision::vendor;
use worker::{Headers, Url};

use crate::api::request::call::Context;
use crate::api::request::valid;
use crate::app::{Caller, Origin};
use crate::files::{inputs, names};
use crate::http::conditional::Conditions;
use crate::http::problem::{Problem, ProblemKind};
use crate::phone::explain::Asking;
use crate::phone::{PhoneRequest, segment};
use crate::platform::{first_id_at, hash::sha256_hex, time_of_id};
use crate::store::access_paths::{self, AccessPathRow, MAX_ACCESS_PATHS};
use crate::store::events::{self, EventRow};
use crate::store::tenants::TenantRow;
use crate::store::{models, search, tenants};

/// The longest URL that is looked at, in bytes. Phones' are a fifth of that.
const MAX_URL: usize = 2_048;

/// The longest value of a header, in bytes.
const MAX_VALUE: usize = 1_000;

/// The most headers that are taken.
const MAX_HEADERS: usize = 16;

/// The longest method, in bytes.
const MAX_METHOD: usize = 32;

/// How many of the tenants that have the MAC are named at most, when the caller has to choose.
const MAX_TENANTS: u32 = 10;

/// Stands for an access path whose segment is stored as a hash alone, and is as long as those that the API makes.
const UNKNOWN_SEGMENT: &str = "access-path-not-stored";

/// A phone's request, as far as the caller knows it.
pub struct Question {
    pub request: PhoneRequest,
    pub from: Source,
    /// Whether the caller says on which host; else it is the tenant's.
    pub host_is_given: bool,
    /// What is taken to be so.
    pub assumed: Vec<String>,
    /// The event of the request, if its id was given.
    pub then: Option<EventView>,
    /// Whether the very access path is known, not only its hash.
    pub segment_is_known: bool,
}

/// Reads what is asked.
///
/// # Errors
/// The input says too little or too much, or what the input names is not there.
pub async fn question(context: &Context, input: &ExplainInput) -> Result<Question, Problem> {
    check(input)?;
    match (&input.url, &input.request_id, &input.mac) {
        (Some(url), None, None) => {
            alone(
                "url",
                "The access path of the URL says whose it is.",
                &[
                    ("tenant", input.tenant.is_some()),
                    ("access_path", input.access_path.is_some()),
                    ("model", input.model.is_some()),
                    ("name", input.name.is_some()),
                ],
            )?;
            of_url(context, input, url)
        }
        (None, Some(id), None) => {
            alone(
                "request_id",
                "The event of the request says the rest.",
                &[
                    ("tenant", input.tenant.is_some()),
                    ("access_path", input.access_path.is_some()),
                    ("model", input.model.is_some()),
                    ("name", input.name.is_some()),
                    ("address", input.address.is_some()),
                    ("user_agent", input.user_agent.is_some()),
                    ("method", input.method.is_some()),
                    ("headers", !input.headers.is_empty()),
                ],
            )?;
            of_event(context, id).await
        }
        (None, None, Some(mac)) => of_mac(context, input, mac).await,
        _ => Err(Problem::invalid_request(
            "Give exactly one of `url` (what the phone asked), `request_id` (of a request that was answered) and `mac` (of the phone).",
        )),
    }
}

/// Refuses members that have no meaning beside `member`.
fn alone(member: &str, why: &str, others: &[(&str, bool)]) -> Result<(), Problem> {
    match others.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((other, _)) => Err(Problem::invalid_request(format!(
            "`{other}` has no meaning beside `{member}`. {why} Leave one of the two out."
        ))),
    }
}

/// What holds for all of them.
fn check(input: &ExplainInput) -> Result<(), Problem> {
    let address = input.address.as_deref();
    if address.is_some_and(|text| text.parse::<IpAddr>().is_err()) {
        return Err(Problem::invalid_value(
            "`address` is an IPv4 or IPv6 address without a port, such as 192.0.2.7.",
        ));
    }
    let user_agent = input.user_agent.as_deref().unwrap_or_default();
    if user_agent.len() > MAX_VALUE {
        return Err(Problem::invalid_value(format!(
            "`user_agent` is at most {MAX_VALUE} bytes long."
        )));
    }
    let method = input.method.as_deref().unwrap_or("GET");
    let is_method = (1..=MAX_METHOD).contains(&method.len())
        && method.bytes().all(|byte| byte.is_ascii_uppercase());
    if !is_method {
        return Err(Problem::invalid_value(
            "`method` is an HTTP method in capital letters, such as GET or HEAD.",
        ));
    }
    Ok(())
}

/// The method that is explained: as given, or as far as an event tells it.
pub fn method<'a>(input: &'a ExplainInput, then: Option<&EventView>) -> &'a str {
    match then {
        Some(event) => method_then(&event.reason, &event.outcome, event.status, event.bytes),
        None => input.method.as_deref().unwrap_or("GET"),
    }
}

/// The method of a request, as far as its event tells it.
fn method_then(reason: &str, outcome: &str, status: u16, bytes: u64) -> &'static str {
    let without_bytes = outcome == "served" && matches!(status, 200 | 206) && bytes == 0;
    match reason {
        "method_not_allowed" => "POST",
        "head_of_bootstrap" => "HEAD",
        _ if without_bytes => "HEAD",
        _ => "GET",
    }
}

fn conditions_of(input: &ExplainInput) -> Result<Conditions, Problem> {
    let headers = Headers::new();
    if input.headers.len() > MAX_HEADERS {
        return Err(Problem::invalid_value(format!(
            "`headers` has at most {MAX_HEADERS} members."
        )));
    }
    for (name, value) in &input.headers {
        let is_sound = value.len() <= MAX_VALUE && headers.set(name, value).is_ok();
        if !is_sound {
            return Err(Problem::invalid_value(format!(
                "`headers` has names and values of HTTP headers, such as {{\"If-None-Match\": \"*\"}}; a value is at most {MAX_VALUE} bytes long."
            )));
        }
    }
    Ok(Conditions::read(|name| headers.get(name).ok().flatten()))
}

/// A URL with a path that was not sent as one.
fn at(origin: &str, path: &str) -> Result<Url, Problem> {
    let mut url = Url::parse(origin)
        .map_err(|_| Problem::internal("the origin of a request is no URL".to_owned()))?;
    url.set_path(path);
    Ok(url)
}

fn of_url(context: &Context, input: &ExplainInput, text: &str) -> Result<Question, Problem> {
    let refused = || {
        Problem::invalid_value(format!(
            "`url` is a URL as a phone asks it, https://host/access-path/name, or its path, which begins with a slash; at most {MAX_URL} bytes."
        ))
    };
    let text = text.trim();
    let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    let host_is_given = lower.starts_with("https://") || lower.starts_with("http://");
    let url = match (host_is_given, text.starts_with('/')) {
        _ if text.len() > MAX_URL => return Err(refused()),
        (true, _) => Url::parse(text).map_err(|_| refused())?,
        (false, true) => {
            let path = text.split(['?', '#']).next().unwrap_or_default();
            at(&context.caller.origin, path)?
        }
        (false, false) => return Err(refused()),
    };
    let mut assumed = Vec::new();
    if input.address.is_none() {
        assumed.push(
            "No address was given: nobody's retry window is open, and no throttle is known."
                .to_owned(),
        );
    }
    Ok(Question {
        request: request(context, input, &url)?,
        from: Source::Url,
        host_is_given,
        assumed,
        then: None,
        segment_is_known: true,
    })
}

/// The request for a URL by what the input says.
fn request(context: &Context, input: &ExplainInput, url: &Url) -> Result<PhoneRequest, Problem> {
    let address = input.address.as_deref().unwrap_or_default();
    let user_agent = input.user_agent.as_deref().unwrap_or_default();
    Ok(PhoneRequest::new(
        input.method.as_deref().unwrap_or("GET"),
        url.path(),
        conditions_of(input)?,
        context.app.clone(),
        Caller::at(
            &Origin::of(url),
            context.app.is_local,
            address,
            user_agent,
            "",
        ),
    ))
}

/// Asks at the tenant's own host, if it is bound to one; says so.
pub fn at_own_host(asking: &mut Asking) -> Option<String> {
    let bound = asking.tenant()?.hostname.clone()?;
    let caller = &mut asking.request.caller;
    if caller.host == bound {
        return None;
    }
    let http = caller.origin.starts_with("http://") && !caller.tls;
    caller.origin = format!("{}://{bound}", if http { "http" } else { "https" });
    caller.tls = !http;
    caller.host = bound;
    Some("The host is the one that the tenant is bound to.".to_owned())
}

/// An access path by which a phone may ask, with its segment where that is stored.
struct Door {
    hash: String,
    segment: Option<String>,
}

impl Door {
    fn of(context: &Context, tenant_id: &str, row: &AccessPathRow) -> Self {
        let wrapped = row.segment.as_deref();
        let opened = wrapped
            .and_then(|wrapped| segment(&context.app.keyring, tenant_id, &row.id, wrapped).ok());
        Self {
            hash: row.hash.clone(),
            segment: opened.map(|segment| segment.expose().to_owned()),
        }
    }

    /// An access path that is gone: nobody has this one.
    fn gone() -> Self {
        Self {
            hash: sha256_hex(UNKNOWN_SEGMENT),
            segment: None,
        }
    }

    fn url(&self, context: &Context, path: &str) -> Result<Url, Problem> {
        let segment = self.segment.as_deref().unwrap_or(UNKNOWN_SEGMENT);
        at(&context.caller.origin, &format!("/{segment}/{path}"))
    }
}

async fn of_mac(context: &Context, input: &ExplainInput, text: &str) -> Result<Question, Problem> {
    let mac = Mac::parse(text)
        .map_err(|_| Problem::invalid_value("`mac` is a MAC address in any notation: twelve hexadecimal digits, with or without separators."))?;
    if let Some(model) = &input.model {
        valid::model(model)?;
    }
    let tenant = tenant_of(context, input.tenant.as_deref(), &mac).await?;
    let door = door_of(context, &tenant, input.access_path.as_deref()).await?;
    let mut assumed = Vec::new();
    if input.access_path.is_none() {
        assumed.push("The access path is the tenant's newest that has not expired.".to_owned());
    }
    let name = match &input.name {
        Some(name) if name.len() > MAX_URL => {
            return Err(Problem::invalid_value(format!(
                "`name` is at most {MAX_URL} bytes long."
            )));
        }
        Some(name) => name.split(['?', '#']).next().unwrap_or_default().to_owned(),
        None => {
            assumed.push(
                "The name is the one by which such a phone asks for its standard file.".to_owned(),
            );
            name_of(context, input, &tenant, &mac).await?
        }
    };
    if input.address.is_none() {
        assumed.push(
            "No address was given: nobody's retry window is open, and no throttle is known."
                .to_owned(),
        );
    }
    let url = door.url(context, &name)?;
    let mut request = request(context, input, &url)?;
    request.access_path_hash.clone_from(&door.hash);
    Ok(Question {
        request,
        from: Source::Mac,
        host_is_given: false,
        assumed,
        then: None,
        segment_is_known: door.segment.is_some(),
    })
}

/// The tenant whose phone it is.
async fn tenant_of(
    context: &Context,
    given: Option<&str>,
    mac: &Mac,
) -> Result<TenantRow, Problem> {
    let db = &context.app.db;
    let own = context.token.tenant.as_deref();
    if given.is_some_and(|id| !context.token.sees(id)) {
        return Err(Problem::not_found("tenant"));
    }
    let id = match given.or(own) {
        Some(id) => id.to_owned(),
        None => {
            let found = search::with_mac(db, &mac.upper(), "", MAX_TENANTS).await?;
            let mut ids = found.into_iter().map(|found| found.device.tenant_id);
            match (ids.next(), ids.next()) {
                (Some(id), None) => id,
                (None, _) => {
                    return Err(Problem::conflict(
                        "No tenant has a device with this MAC. Name the `tenant` whose access path the phone has, to see what it would get there.",
                    ));
                }
                (Some(first), Some(second)) => {
                    let all: Vec<String> = [first, second].into_iter().chain(ids).collect();
                    let all = all.join(", ");
                    return Err(Problem::conflict(format!(
                        "Several tenants have a device with this MAC: {all}. Name one as `tenant`."
                    )));
                }
            }
        }
    };
    tenants::find(db, &id)
        .await?
        .ok_or_else(|| Problem::not_found("tenant"))
}

/// The access path that the phone asks under.
async fn door_of(
    context: &Context,
    tenant: &TenantRow,
    given: Option<&str>,
) -> Result<Door, Problem> {
    let (db, now) = (&context.app.db, context.app.now);
    let row = match given {
        Some(id) => access_paths::find(db, &tenant.id, id, now)
            .await?
            .ok_or_else(|| Problem::not_found("access path"))?,
        None => {
            let all = access_paths::list(db, &tenant.id, now, "", MAX_ACCESS_PATHS).await?;
            let is_good = |row: &AccessPathRow| row.expires_at.is_none_or(|end| now < end);
            let newest = all.iter().rev().find(|row| is_good(row)).or(all.last());
            newest.cloned().ok_or_else(|| {
                Problem::conflict(
                    "The tenant has no access path, so that no phone of it can ask for anything. Make one.",
                )
            })?
        }
    };
    Ok(Door::of(context, &tenant.id, &row))
}

/// The name by which the phone asks for its standard file.
async fn name_of(
    context: &Context,
    input: &ExplainInput,
    tenant: &TenantRow,
    mac: &Mac,
) -> Result<String, Problem> {
    let app = &context.app;
    let options = tenant.options()?;
    let device = inputs::for_device(app, &tenant.id, mac)
        .await
        .ok()
        .flatten();
    let name = match device {
        Some(inputs) => names::asked_name(&options, &inputs, app.now),
        None => {
            let user_agent = input.user_agent.as_deref().unwrap_or_default();
            let guess = vendor::guess(user_agent, "");
            let model = input.model.as_deref().or(guess.model.as_deref());
            let family = match model {
                Some(name) => models::find(&app.db, &tenant.id, name)
                    .await?
                    .map(|row| row.family)
                    .or_else(|| Family::guess(name)),
                None => None,
            };
            names::name_for(&options, family.or(guess.family), mac, model)
        }
    };
    name.ok_or_else(|| {
        Problem::conflict(
            "The tenant has no name for the standard file of such a phone. Give the `name` that it asks for, or its `model`.",
        )
    })
}

/// The event of a request, and whose it is.
///
/// # Errors
/// There is none for whoever asks.
async fn event_of(context: &Context, id: &str) -> Result<(TenantRow, EventRow), Problem> {
    let nothing = || {
        Problem::new(
            ProblemKind::NotFound,
            "No event has this `request_id`. A `request_id` is the `ringfence-request-id` of a phone's answer. A request under an access path that nobody has leaves a log line alone, and so does one in a minute that was full; events end by their age.",
        )
    };
    let at = time_of_id(id).ok_or_else(|| {
        Problem::invalid_value(
            "`request_id` is the `ringfence-request-id` of a phone's answer: 26 capital letters and digits.",
        )
    })?;
    // A request and its event have the time in common with which their ids begin.
    let (from, below) = (first_id_at(at), first_id_at(at.saturating_add(1)));
    let (db, own) = (&context.app.db, context.token.tenant.as_deref());
    let found = events::with_request(db, own, id, &from, &below).await?;
    let (tenant_id, event) = found.ok_or_else(nothing)?;
    let tenant = tenants::find(db, &tenant_id).await?;
    Ok((tenant.ok_or_else(nothing)?, event))
}

/// Who asked then.
fn caller_then(context: &Context, event: &EventRow, url: &Url) -> Caller {
    let (address, user_agent) = (&event.address, &event.user_agent);
    let mut caller = Caller::at(
        &Origin::of(url),
        context.app.is_local,
        address,
        user_agent,
        &event.country,
    );
    if event.reason == "not_tls" {
        caller.origin = format!("http://{}", caller.host);
        caller.tls = false;
    }
    caller
}

async fn of_event(context: &Context, id: &str) -> Result<Question, Problem> {
    let app = &context.app;
    let (tenant, event) = event_of(context, id).await?;
    let mut assumed = vec![
        "Headers are not written down: none are assumed.".to_owned(),
        "The host is not written down: it is the tenant's.".to_owned(),
    ];
    let row = match event.access_path.as_deref() {
        Some(id) => access_paths::find(&app.db, &tenant.id, id, app.now).await?,
        None => None,
    };
    let door = row.map_or_else(Door::gone, |row| Door::of(context, &tenant.id, &row));
    let name = name_then(&event, &tenant, &mut assumed)?;
    let url = door.url(context, &name)?;
    let method = method_then(&event.reason, &event.outcome, event.status, event.bytes);
    if method != "GET" {
        assumed.push(
            "The method is not written down: it is taken from how the request ended.".to_owned(),
        );
    }
    let caller = caller_then(context, &event, &url);
    let conditions = Conditions::default();
    let mut request = PhoneRequest::new(method, url.path(), conditions, app.clone(), caller);
    request.access_path_hash.clone_from(&door.hash);
    Ok(Question {
        request,
        from: Source::RequestId,
        host_is_given: false,
        assumed,
        then: Some(event.into()),
        segment_is_known: door.segment.is_some(),
    })
}

/// A name that was decoded once, for [`Url::set_path`], which escapes the rest.
fn escaped(name: &str) -> String {
    name.replace('%', "%25").replace('\\', "%5C")
}

/// The name that was asked for then, as far as it is written down.
fn name_then(
    event: &EventRow,
    tenant: &TenantRow,
    assumed: &mut Vec<String>,
) -> Result<String, Problem> {
    if let Some(path) = &event.path {
        if path.contains('…') {
            assumed.push("A part of the name is not written down, and is missing here.".to_owned());
        }
        if path.contains('\\') {
            assumed.push(
                "Control characters in the name are written down as escapes, and are asked for so."
                    .to_owned(),
            );
        }
        let query = match event.reason.as_str() {
            "query_in_name" => "?",
            _ => "",
        };
        return Ok(escaped(path) + query);
    }
    assumed.push(
        "The name of a file that went out is not written down: it is made from kind, form and MAC."
            .to_owned(),
    );
    let options = tenant.options()?;
    let kind = event.kind.as_deref().and_then(FileKind::parse);
    let form = match event.form.as_deref() {
        Some("sealed") => Form::Sealed,
        _ => Form::Plain,
    };
    let mac = event.mac.as_deref().and_then(|mac| Mac::parse(mac).ok());
    kind.and_then(|kind| names::name_of_kind(&options, kind, form, mac))
        .ok_or_else(|| {
            Problem::conflict(
                "That request got a file whose name its event does not say, such as a model's or a certificate. Explain its `url` instead.",
            )
        })
}
