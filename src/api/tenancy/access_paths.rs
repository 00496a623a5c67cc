//! Access paths: the first segment of a tenant's URLs. A segment is shown when it is made and never
//! again; several are good at once, so that one can take another's place.

use ringfence_api::answer::{Created, Done, Shown};
use ringfence_api::changing::{About, ChangeQuery, DryRun, Effect, TrialQuery};
use ringfence_api::page::{Page, PageQuery};
use ringfence_api::tenancy::access_paths::{
    AccessPathInput, AccessPathView, NewAccessPathInput, NotMovedView, TargetInput, TargetPage,
};
use serde_json::json;

use crate::api::check::candidate::{Candidate, Named};
use crate::api::request::call::{Call, Context};
use crate::api::request::commit::{self, Failure};
use crate::api::request::page::PageWindow;
use crate::api::request::secret::wrap;
use crate::api::request::valid;
use crate::edge;
use crate::http::problem::{Problem, ProblemKind};
use crate::platform::hash::sha256_hex;
use crate::platform::{self, DAY_MS};
use crate::store::access_paths::{
    self, AccessPathRow, Dependents, MAX_ACCESS_PATHS, segment_identity,
};
use crate::store::devices::Affected;
use crate::store::tenants::TenantRow;
use crate::store::{ChangeError, Entry};

/// For how long a device counts as one that uses an access path: seven days.
const RECENT_MS: u64 = 7 * DAY_MS;

impl From<AccessPathRow> for AccessPathView {
    fn from(row: AccessPathRow) -> Self {
        Self {
            id: row.id,
            label: row.label,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            devices_7d: row.devices,
            target_since: row.target_since,
            segment: None,
            url: None,
        }
    }
}

/// `listAccessPaths`.
pub async fn list(call: Call<PageQuery>) -> Result<Shown<Page<AccessPathView>>, Problem> {
    let tenant = call.tenant().await?;
    let window = PageWindow::of(&call.query)?;
    let rows = access_paths::list(
        &call.app.db,
        &tenant.id,
        call.app.now.saturating_sub(RECENT_MS),
        window.after_text(),
        window.rows(),
    )
    .await?;
    Ok(Shown(window.page(
        rows,
        |row| [row.id.clone()],
        AccessPathView::from,
    )))
}

/// `createAccessPath`.
pub async fn create(
    call: Call<TrialQuery, NewAccessPathInput>,
) -> Result<Created<AccessPathView>, Failure> {
    let app = &call.app;
    let tenant = call.tenant().await?;
    let label = valid::label("label", &call.body.label)?;
    check_expiry(call.body.expires_at, app.now)?;
    if call.body.target && call.body.expires_at.is_some() {
        return Err(Problem::invalid_value(ENDS).into());
    }
    let segment = segment(platform::random_array()?);
    let row = AccessPathRow {
        id: app.new_id(),
        hash: sha256_hex(&segment),
        label: label.to_owned(),
        created_at: app.now,
        expires_at: call.body.expires_at,
        segment: None,
        last_used_at: None,
        devices: 0,
        target_since: call.body.target.then_some(app.now),
    };
    if call.body.target {
        tried(&call, &row, Named::This).await?;
    }
    call.tried_saying(
        About::Added,
        "The tenant gets a further access path. Phones ask under it from then on where its URL is typed into them; nothing changes for the others.",
    )?;
    let made = created(&call, &row);
    let written = if call.body.target {
        let before = access_paths::target(&app.db, &tenant.id).await?;
        let entry = named(&call, before, Some(&row.id), &row.id, true);
        let (wrapped, master) = wrapped(&call, &row.id, &segment)?;
        let kept = (&*wrapped, &*master);
        let most = MAX_ACCESS_PATHS;
        access_paths::insert_target(&app.db, &tenant.id, &row, kept, most, &made, &entry).await
    } else {
        access_paths::insert(&app.db, &tenant.id, &row, MAX_ACCESS_PATHS, &made).await
    };
    written.map_err(|error| match error {
        ChangeError::Overtaken => Problem::conflict(format!(
            "A tenant has at most {MAX_ACCESS_PATHS} access paths: remove one first."
        ))
        .into(),
        error => commit::failed(error, call.if_match, &[]),
    })?;
    commit::publish(app, &tenant.id).await?;
    let url = Some(url(&call, &tenant, &segment));
    Ok(Created(AccessPathView {
        segment: Some(segment),
        url,
        ..row.into()
    }))
}

/// What is said where an access path would be both.
const ENDS: &str = "An access path that phones are to move to does not end: leave `expires_at` out, or name no target.";

/// What is said where an access path would go that phones are told to move to.
const IS_TARGET: &str = "The tenant's phones are told to move to this access path. Have them move to another one, or end the move to this one, first.";

/// A segment as it is stored, and the id of the master key that wraps it.
fn wrapped(call: &Context, id: &str, segment: &str) -> Result<(String, String), Problem> {
    let keyring = &call.app.keyring;
    let identity = segment_identity(call.param("tenant"), id);
    let text = wrap(keyring, &identity, segment.as_bytes())?;
    Ok((text, keyring.current().id().to_owned()))
}

/// What the audit log says where another access path is named, or none. `stored`: its segment is stored from now
/// on.
fn named(
    call: &Context,
    before: Option<String>,
    after: Option<&str>,
    about: &str,
    stored: bool,
) -> Entry {
    let action = match after {
        Some(_) => "access-path.target",
        None => "access-path.end-target",
    };
    call.entry(
        action,
        format!("access-paths/{about}"),
        Some(json!({ "target": before })),
        Some(json!({ "target": after, "segment_stored": stored })),
    )
}

/// `putAccessPathTarget`.
pub async fn put_target(
    call: Call<ChangeQuery, TargetInput>,
) -> Result<Shown<AccessPathView>, Failure> {
    let app = &call.app;
    let tenant_id = call.param("tenant");
    let row = find(&call).await?;
    if row.expires_at.is_some() {
        return Err(Problem::conflict(
            "This access path ends, so phones cannot move to it. Put it with `expires_at` null first, or name another one.",
        )
        .into());
    }
    let given = call.body.url.as_deref().map(segment_of);
    if given.is_some_and(|segment| sha256_hex(segment) != row.hash) {
        return Err(Problem::invalid_value(
            "`url` is not this access path. Give its URL or its segment as it was shown when it was made.",
        )
        .into());
    }
    let new = match (&row.segment, given) {
        (Some(_), _) => None,
        (None, Some(segment)) => Some(wrapped(&call, &row.id, segment)?),
        (None, None) => {
            return Err(Problem::invalid_value(
                "Only the hash of this access path is stored, so `url` is needed: its URL or its segment as it was shown when it was made. If nobody knows it any more, make a new one with `\"target\": true`.",
            )
            .into());
        }
    };
    tried(&call, &row, Named::This).await?;
    if row.target_since.is_none() {
        let before = access_paths::target(&app.db, tenant_id).await?;
        let entry = named(&call, before, Some(&row.id), &row.id, new.is_some());
        let kept = new.as_ref().map(|(text, master)| (&**text, &**master));
        access_paths::set_target(&app.db, tenant_id, &row.id, kept, &entry)
            .await
            .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    }
    commit::publish(app, tenant_id).await?;
    Ok(Shown(find(&call).await?.into()))
}

/// Where the call is only a trial: what files would be if they named an access path so.
async fn tried(call: &Context, row: &AccessPathRow, after: Named) -> Result<(), Failure> {
    let Some(trial) = call.changing.trial else {
        return Ok(());
    };
    let tenant = call.tenant().await?;
    let before = match access_paths::target(&call.app.db, &tenant.id).await? {
        Some(id) if id == row.id => Named::This,
        Some(_) => Named::Another,
        None => Named::Asked,
    };
    let mut candidate = Candidate::load(&call.app, &tenant, &Affected::All).await?;
    let sides = [before, after];
    candidate
        .set_access_path(&call.app, &row.id, sides, trial)
        .await?;
    candidate.check(call).await.map(drop)
}

/// `endAccessPathTarget`.
pub async fn end_target(call: Call<ChangeQuery>) -> Result<Done, Failure> {
    let row = find(&call).await?;
    match row.target_since {
        Some(_) => tried(&call, &row, Named::Asked).await?,
        None => call.tried_without_files()?,
    }
    let tenant_id = call.param("tenant");
    if row.target_since.is_some() {
        let entry = named(&call, Some(row.id.clone()), None, &row.id, false);
        access_paths::end_target(&call.app.db, tenant_id, &row.id, &entry)
            .await
            .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    }
    commit::publish(&call.app, tenant_id).await?;
    Ok(Done)
}

/// `getAccessPathTarget`.
pub async fn show_target(call: Call<PageQuery>) -> Result<Shown<TargetPage>, Problem> {
    let row = find(&call).await?;
    let Some(since) = row.target_since else {
        return Err(Problem::new(
            ProblemKind::NotFound,
            "The tenant's phones are not told to move to this access path. `PUT` of the same path has them move.",
        ));
    };
    let window = PageWindow::of(&call.query)?;
    let (counted, rows) = access_paths::moved(
        &call.app.db,
        call.param("tenant"),
        &row.id,
        window.after_text(),
        window.rows(),
    )
    .await?;
    let page = window.page(
        rows,
        |row| [row.mac.clone()],
        |row| NotMovedView {
            mac: row.mac,
            label: row.label,
            model: row.model,
            access_path: row.access_path,
            last_used_at: row.last_used_at,
        },
    );
    Ok(Shown(TargetPage {
        since,
        moved: counted.moved,
        not_moved: counted.not_moved,
        items: page.items,
        next: page.next,
    }))
}

/// What the audit log says of one that is added.
pub fn created(call: &Context, row: &AccessPathRow) -> Entry {
    let after = json!({ "label": row.label, "expires_at": row.expires_at });
    call.entry(
        "access-path.create",
        format!("access-paths/{}", row.id),
        None,
        Some(after),
    )
}

/// `getAccessPath`.
pub async fn show(call: Call) -> Result<Shown<AccessPathView>, Problem> {
    Ok(Shown(find(&call).await?.into()))
}

/// `putAccessPath`.
pub async fn put(
    call: Call<TrialQuery, AccessPathInput>,
) -> Result<Shown<AccessPathView>, Failure> {
    let label = valid::label("label", &call.body.label)?;
    let row = find(&call).await?;
    let tenant_id = call.param("tenant");
    if row.target_since.is_some() && call.body.expires_at.is_some() {
        return Err(Problem::conflict(IS_TARGET).into());
    }
    if call.is_trial() {
        tried_ending(
            &call,
            &row,
            End::of(&row, call.body.expires_at, call.app.now),
        )
        .await?;
    }
    if row.label != label || row.expires_at != call.body.expires_at {
        let entry = call.entry(
            "access-path.update",
            format!("access-paths/{}", row.id),
            Some(json!({ "label": row.label, "expires_at": row.expires_at })),
            Some(json!({ "label": label, "expires_at": call.body.expires_at })),
        );
        access_paths::update(
            &call.app.db,
            tenant_id,
            &row.id,
            label,
            call.body.expires_at,
            &entry,
        )
        .await
        .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    }
    commit::publish(&call.app, tenant_id).await?;
    Ok(Shown(find(&call).await?.into()))
}

/// `deleteAccessPath`.
pub async fn delete(call: Call<TrialQuery>) -> Result<Done, Failure> {
    let row = find(&call).await?;
    if row.target_since.is_some() {
        return Err(Problem::conflict(IS_TARGET).into());
    }
    if call.is_trial() {
        tried_ending(&call, &row, End::Now).await?;
    }
    let before = json!({ "label": row.label, "expires_at": row.expires_at });
    let entry = call.entry(
        "access-path.delete",
        format!("access-paths/{}", row.id),
        Some(before),
        None,
    );
    // KV first: after the row is gone nobody knows the name of its value any more.
    edge::drop_access_path(&call.app, &row.hash).await?;
    access_paths::delete(&call.app.db, call.param("tenant"), &row.id, &entry)
        .await
        .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    // A request in between may have put it back.
    edge::drop_access_path(&call.app, &row.hash)
        .await
        .map_err(commit::not_in_effect)?;
    Ok(Done)
}

/// When an access path stops to answer by a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// With the change.
    Now,
    /// At a time that is to come.
    Later,
    /// It did, and answers again.
    Again,
    /// As before.
    AsBefore,
}

impl End {
    fn of(row: &AccessPathRow, expires_at: Option<u64>, now: u64) -> Self {
        let is_over = |end: Option<u64>| end.is_some_and(|end| end <= now);
        match (row.expires_at, expires_at) {
            (was, is) if was == is => Self::AsBefore,
            (was, is) if is_over(was) && !is_over(is) => Self::Again,
            (was, is) if is_over(is) && !is_over(was) => Self::Now,
            (_, is) if is_over(is) => Self::AsBefore,
            (_, Some(_)) => Self::Later,
            (_, None) => Self::AsBefore,
        }
    }
}

/// Ends a trial of a change after which an access path answers no more, or again: which phones that concerns.
async fn tried_ending(call: &Context, row: &AccessPathRow, end: End) -> Result<(), Failure> {
    let since = call.app.now.saturating_sub(RECENT_MS);
    let tenant_id = call.param("tenant");
    let found = access_paths::dependents(&call.app.db, tenant_id, &row.id, since).await?;
    call.tried(|| DryRun {
        affected: match end {
            End::AsBefore => 0,
            _ => found.asking,
        },
        ..DryRun::of(ending(found, end))
    })
}

fn ending(found: Dependents, end: End) -> Vec<Effect> {
    let phones = |number: u64| match number {
        1 => "1 phone".to_owned(),
        number => format!("{number} phones"),
    };
    let first = match end {
        End::AsBefore => {
            return vec![Effect::counted(
                About::Access,
                0,
                "No request is refused that would be answered now.",
            )];
        }
        End::Again => {
            return vec![Effect::counted(
                About::Access,
                found.asking,
                format!(
                    "The access path answers again. {} that got files under it last can fetch again.",
                    phones(found.asking)
                ),
            )];
        }
        End::Now => "from then on",
        End::Later => "from the time on at which it ends",
    };
    let mut effects = vec![Effect::counted(
        About::Access,
        found.asking,
        match found.asking {
            0 => format!(
                "No phone in service is known to ask under this access path, so none is known to lose its files {first}."
            ),
            number => format!(
                "{} in service got files under this access path last: {first} each of these requests is refused, until another URL is typed in or the phone was told one.",
                phones(number)
            ),
        },
    )];
    if found.asking > 0 {
        effects.push(Effect::counted(
            About::Access,
            found.lately,
            format!(
                "{} got a file under it within the last 7 days.",
                phones(found.lately)
            ),
        ));
    }
    let moved = found.ever.saturating_sub(found.asking);
    if moved > 0 {
        effects.push(Effect::counted(
            About::Access,
            moved,
            format!("{} used it before and got files under another access path since: nothing changes there.", phones(moved)),
        ));
    }
    effects.push(Effect::said(
        About::Access,
        "A phone that has this URL and never got a file is in none of these numbers.",
    ));
    effects
}

/// What the URLs of a tenant begin with under an access path.
pub fn url(call: &Context, tenant: &TenantRow, segment: &str) -> String {
    let origin = match &tenant.hostname {
        Some(host) => format!("https://{host}"),
        None => call.caller.origin.clone(),
    };
    format!("{origin}/{segment}/")
}

/// The segment of an access path's URL, or the segment itself.
pub fn segment_of(url: &str) -> &str {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => url.trim_start_matches('/'),
    };
    path.split('/').next().unwrap_or_default()
}

async fn find(call: &Context) -> Result<AccessPathRow, Problem> {
    let since = call.app.now.saturating_sub(RECENT_MS);
    access_paths::find(
        &call.app.db,
        call.param("tenant"),
        call.param("path"),
        since,
    )
    .await?
    .ok_or_else(|| Problem::not_found("access path"))
}

fn check_expiry(expires_at: Option<u64>, now: u64) -> Result<(), Problem> {
    if expires_at.is_some_and(|end| end <= now) {
        return Err(Problem::invalid_value(
            "`expires_at` is in the past: name a time that is to come.",
        ));
    }
    Ok(())
}

/// 128 random bits as 32 hexadecimal digits, which survive being read out over a telephone.
pub fn segment(random: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(random))
}

#[cfg(test)]
mod tests {
    use crate::api::tenancy::access_paths::*;

    #[test]
    fn a_segment_has_all_of_its_bits() {
        assert_eq!(segment([0; 16]), "0".repeat(32));
        assert_eq!(segment([0xAB; 16]), "ab".repeat(16));
    }

    #[test]
    fn an_access_path_does_not_begin_its_life_expired() {
        assert!(check_expiry(None, 5).is_ok());
        assert!(check_expiry(Some(6), 5).is_ok());
        assert!(check_expiry(Some(5), 5).is_err());
    }

    #[test]
    fn what_ends_with_an_access_path_is_told_by_those_who_ask_under_it() {
        let path = |expires_at| AccessPathRow {
            id: "P".into(),
            hash: String::new(),
            label: String::new(),
            created_at: 0,
            expires_at,
            segment: None,
            last_used_at: None,
            devices: 0,
            target_since: None,
        };
        for (was, is, end) in [
            (None, None, End::AsBefore),
            (None, Some(9), End::Later),
            (None, Some(5), End::Now),
            (Some(9), None, End::AsBefore),
            (Some(9), Some(8), End::Later),
            (Some(4), None, End::Again),
            (Some(4), Some(9), End::Again),
            (Some(4), Some(3), End::AsBefore),
        ] {
            assert_eq!(End::of(&path(was), is, 5), end, "{was:?} {is:?}");
        }
        let found = Dependents {
            ever: 7,
            lately: 2,
            asking: 3,
        };
        let told = ending(found, End::Now);
        let numbers: Vec<_> = told.iter().map(|it| it.number).collect();
        assert_eq!(numbers, [Some(3), Some(2), Some(4), None]);
        assert!(told.iter().all(|it| it.text.ends_with('.')));
        let none = ending(Dependents::default(), End::Later);
        assert_eq!(none.len(), 2);
        assert_eq!(ending(found, End::AsBefore).len(), 1);
    }

    #[test]
    fn an_access_path_may_be_given_as_its_url_or_as_its_segment() {
        for text in [
            "abc",
            "abc/",
            "/abc/",
            "https://phones.example/abc/",
            "https://phones.example:8443/abc",
            "https://phones.example/abc/Initial{MAC}.cfg",
        ] {
            assert_eq!(segment_of(text), "abc", "{text}");
        }
        for text in ["", "/", "https://phones.example", "https://"] {
            assert_eq!(segment_of(text), "", "{text}");
        }
    }
}
