//! Sessions of the console as resources. One is opened by the console alone, for whoever sends an API token;
//! it may what its token may, and ends with it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use ringfence_api::admin::sessions::SessionView;
use ringfence_api::answer::{Done, Shown};
use ringfence_api::operation::Needs;
use ringfence_api::page::{Page, PageQuery};
use serde_json::json;

use crate::api::admin::audit_chain;
use crate::api::request::allowance::{self, Spent};
use crate::api::request::auth;
use crate::api::request::call::Call;
use crate::api::request::commit::{self, Failure};
use crate::api::request::etag::IfMatch;
use crate::api::request::page::PageWindow;
use crate::api::request::token::{ADMIN, Token};
use crate::app::{App, Caller};
use crate::audit::digest::Digests;
use crate::http::problem::{Problem, ProblemKind};
use crate::platform::credential::{self, NewCredential, Sent};
use crate::platform::{config, identity, log};
use crate::store::sessions::{self, SessionRow};
use crate::store::{ChangeError, Entry, sign_in_codes, tokens};
use crate::throttle::{self, Guessed};
use crate::{platform, witness};

/// For how long a session lasts.
const LASTS_MS: u64 = 12 * 3600 * 1000;

/// How exact the time of the last use is: a page does not write.
const USED_MS: u64 = 5 * 60 * 1000;

/// The most characters that are kept of what a browser says it is.
const MAX_USER_AGENT: usize = 60;

/// The audit log's word for it.
const OPENED: &str = "session.create";

/// The most sessions that are remembered for the case that wrong ones come from the same address.
const MAX_GOOD: usize = 1_000;

thread_local! {
    /// Id → hash of sessions that were good when they came last.
    static GOOD: RefCell<BTreeMap<String, String>> = const { RefCell::new(BTreeMap::new()) };
}

/// A session that has just been opened.
pub struct Opened {
    /// What the cookie holds.
    pub cookie: String,
    /// How many seconds the cookie lasts.
    pub lasts_s: u64,
}

/// Somebody who is signed in.
pub struct SignedIn {
    /// The session's id.
    pub session: String,
    /// The name that people know the token by; empty for `ADMIN_TOKEN`.
    pub token_name: String,
    pub token: Token,
}

/// Opens a session for whoever has an API token.
///
/// # Errors
/// The token is not valid, there were too many wrong ones from there, or it has too little left to spend; or
/// D1 fails.
pub async fn open(app: &App, caller: &Caller, text: &str) -> Result<Opened, Problem> {
    let header = format!("Bearer {text}");
    let token = auth::authenticate(app, Some(&header), &caller.address, Spent::Write).await?;
    token.check(Needs::Read, None)?;
    if token.is_admin() {
        witness::vouch_now(app).await?;
    }
    let mark = token.is_admin().then(|| admin_mark(app, text));
    let by = By {
        admin_mark: mark,
        ..By::default()
    };
    begin(app, caller, &token, by).await
}

/// Opens a session for whoever Cloudflare Access names by an e-mail address.
///
/// # Errors
/// No token has the address, or that one has ended or has too little left to spend; or D1 fails.
pub async fn open_as(app: &App, caller: &Caller, email: &str) -> Result<Opened, Problem> {
    let (row, standing) = tokens::find_by_email_vouched(&app.db, email).await?;
    witness::vouch(app, &standing).await?;
    let token = row
        .filter(|row| row.expires_at.is_none_or(|end| app.now < end))
        .map(Token::of_row)
        .ok_or_else(|| {
            Problem::new(
                ProblemKind::Forbidden,
                format!("Cloudflare Access names {email}, and no API token that is valid has this `email`. An administrator makes one with it."),
            )
        })?;
    token.check(Needs::Read, None)?;
    let by = By {
        email: Some(email.to_owned()),
        ..By::default()
    };
    begin(app, caller, &token, by).await
}

/// Opens a session for whoever has a code that was made for one.
///
/// # Errors
/// The code was used, is too old or never was one; its token has ended; or D1 fails.
pub async fn open_by_code(app: &App, caller: &Caller, text: &str) -> Result<Opened, Problem> {
    if throttle::is_barred(Guessed::Session, &caller.address, app.now) {
        return Err(Problem::new(
            ProblemKind::TooManyRequests,
            "Too many codes that do not exist were sent from this address. Wait a minute, or sign in with an API token.",
        ));
    }
    let refused = || {
        throttle::wrong_guess(app, Guessed::Session, &caller.address);
        Problem::new(ProblemKind::Unauthorized, CODE_IS_OVER)
    };
    let sent = Sent::parse(credential::SIGN_IN_CODE, text).ok_or_else(refused)?;
    let (row, standing) = sign_in_codes::find_vouched(&app.db, sent.id).await?;
    witness::vouch(app, &standing).await?;
    let matches = sent.matches(row.as_ref().map(|row| row.hash.as_str()));
    let row = row
        .filter(|row| matches && app.now < row.expires_at)
        .ok_or_else(refused)?;
    let admin = config::admin_token(&app.env).map(|text| admin_mark(app, &text));
    let behind = Behind {
        token_id: &row.token_id,
        admin_mark: row.admin_mark.as_deref(),
        tenant_id: row.tenant_id.as_deref(),
        access: row.access.as_deref(),
        reveal: row.reveal,
        expires_at: row.token_expires_at,
    };
    let token = behind
        .token(admin.as_deref(), app.now)
        .ok_or_else(refused)?;
    token.check(Needs::Read, None)?;
    if token.is_admin() {
        witness::vouch_now(app).await?;
    }
    let by = By {
        admin_mark: row.admin_mark,
        code: Some(sent.id),
        ..By::default()
    };
    begin(app, caller, &token, by).await
}

/// What is said of a code that opens nothing.
const CODE_IS_OVER: &str = "The code of this link opens nothing: it was used, is more than ten minutes old, or was not copied whole. Sign in with an API token.";

/// What a session is opened by, besides its token.
#[derive(Default)]
struct By<'a> {
    /// Tells the `ADMIN_TOKEN` that it was.
    admin_mark: Option<String>,
    /// Id of the code that the session uses up.
    code: Option<&'a str>,
    /// Whom Cloudflare Access named.
    email: Option<String>,
}

/// Opens a session for whoever may use a token.
async fn begin(app: &App, caller: &Caller, token: &Token, by: By<'_>) -> Result<Opened, Problem> {
    let By {
        admin_mark,
        code,
        email,
    } = by;
    allowance::spend(app, token, Spent::Write).await?;
    let id = app.new_id();
    let new = NewCredential::new(credential::SESSION, &id, platform::random_array()?);
    let ends = app.now + LASTS_MS;
    let expires_at = token.expires_at.map_or(ends, |end| end.min(ends));
    let row = SessionRow {
        hash: new.hash,
        token_id: token.id.clone(),
        admin_mark,
        created_at: app.now,
        last_used_at: app.now,
        expires_at,
        address: shortened(&caller.address),
        user_agent: browser(&caller.user_agent),
        email,
        token_name: None,
        tenant_id: token.tenant.clone(),
        access: None,
        reveal: None,
        token_expires_at: token.expires_at,
        id,
    };
    let mut entry = entry(app, caller, token, OPENED, &row);
    if let Some(code) = code {
        let after =
            json!({ "token": row.token_id, "expires_at": row.expires_at, "sign_in_code": code });
        entry.after = Some(after.to_string());
    }
    match sessions::insert(&app.db, &row, code, &entry).await {
        Ok(()) => {}
        // The same code came twice at once, and the other was first.
        Err(ChangeError::Overtaken) if code.is_some() => {
            return Err(Problem::new(ProblemKind::Unauthorized, CODE_IS_OVER));
        }
        Err(error) => return Err(commit::failed(error, IfMatch::Absent, &[]).problem()),
    }
    settle(app).await?;
    Ok(Opened {
        cookie: new.text,
        lasts_s: (expires_at - app.now) / 1000,
    })
}

/// Who a cookie belongs to; nobody, if its session is over. A session that Cloudflare Access opened is good for requests
/// in which Access names the same person: `assertion` is what it says of this one.
///
/// # Errors
/// There were too many wrong ones from that address, or D1 fails.
pub async fn resume(
    app: &App,
    caller: &Caller,
    cookie: &str,
    assertion: Option<&str>,
) -> Result<Option<SignedIn>, Problem> {
    let Some(sent) = Sent::parse(credential::SESSION, cookie) else {
        return Ok(None);
    };
    let good = GOOD.with_borrow(|good| sent.matches(good.get(sent.id).map(String::as_str)));
    if !good && throttle::is_barred(Guessed::Session, &caller.address, app.now) {
        return Err(Problem::new(
            ProblemKind::TooManyRequests,
            "Too many sessions that do not exist were asked for from this address. Wait a minute.",
        ));
    }
    let (row, standing) = sessions::find_vouched(&app.db, sent.id).await?;
    witness::vouch(app, &standing).await?;
    let matches = sent.matches(row.as_ref().map(|row| row.hash.as_str()));
    if !matches {
        throttle::wrong_guess(app, Guessed::Session, &caller.address);
    }
    let found = row.filter(|_| matches).and_then(|row| {
        let admin = config::admin_token(&app.env).map(|text| admin_mark(app, &text));
        let token = token_of(&row, admin.as_deref(), app.now)?;
        Some((row, token))
    });
    let Some((row, token)) = found else {
        GOOD.with_borrow_mut(|good| good.remove(sent.id));
        return Ok(None);
    };
    remember(&row);
    if let Some(email) = &row.email
        && !is_named(app, assertion, email).await
    {
        return Ok(None);
    }
    if row.last_used_at + USED_MS <= app.now {
        let (worker, id) = (app.clone(), row.id.clone());
        app.later(async move {
            if let Err(error) = sessions::used(&worker.db, &id, worker.now).await {
                log::warn("session_not_noted", &[("error", &error.to_string())]);
            }
        });
    }
    Ok(Some(SignedIn {
        session: row.id,
        token_name: row.token_name.unwrap_or_default(),
        token,
    }))
}

/// Whether Cloudflare Access names that person now.
async fn is_named(app: &App, assertion: Option<&str>, email: &str) -> bool {
    match config::access(&app.env).zip(assertion) {
        Some((access, assertion)) => identity::email(&access, assertion, app.now)
            .await
            .is_ok_and(|named| named == email),
        None => false,
    }
}

fn remember(row: &SessionRow) {
    GOOD.with_borrow_mut(|good| {
        if good.len() >= MAX_GOOD {
            good.clear();
        }
        good.insert(row.id.clone(), row.hash.clone());
    });
}

/// What a session may do; nothing, if it or its token is over. `admin` is the digest of the `ADMIN_TOKEN`
/// that is set now.
fn token_of(row: &SessionRow, admin: Option<&str>, now: u64) -> Option<Token> {
    if row.expires_at <= now {
        return None;
    }
    let behind = Behind {
        token_id: &row.token_id,
        admin_mark: row.admin_mark.as_deref(),
        tenant_id: row.tenant_id.as_deref(),
        access: row.access.as_deref(),
        reveal: row.reveal,
        expires_at: row.token_expires_at,
    };
    behind.token(admin, now)
}

/// The token behind a session or a code, as the database has it now.
struct Behind<'a> {
    token_id: &'a str,
    admin_mark: Option<&'a str>,
    tenant_id: Option<&'a str>,
    access: Option<&'a str>,
    reveal: Option<i64>,
    expires_at: Option<u64>,
}

impl Behind<'_> {
    /// That token; nothing, if it is over.
    fn token(&self, admin: Option<&str>, now: u64) -> Option<Token> {
        if self.token_id == ADMIN {
            let same = self.admin_mark.is_some_and(|mark| Some(mark) == admin);
            return same.then(Token::admin);
        }
        let access = self.access?;
        if self.expires_at.is_some_and(|end| end <= now) {
            return None;
        }
        Some(Token {
            id: self.token_id.to_owned(),
            tenant: self.tenant_id.map(str::to_owned),
            write: access == "write",
            reveal: self.reveal == Some(1),
            // A token for metrics opens no session and makes no code.
            metrics: false,
            expires_at: self.expires_at,
        })
    }
}

/// Tells one `ADMIN_TOKEN` from another; nobody can try values without the master key.
pub(super) fn admin_mark(app: &App, text: &str) -> String {
    Digests::new(&app.keyring, "session".into()).of(ADMIN, text)
}

/// The network of an address: whose session it is shows without saying where a person sat.
fn shortened(address: &str) -> String {
    if let Ok(address) = address.parse::<Ipv4Addr>() {
        let [a, b, c, _] = address.octets();
        return format!("{a}.{b}.{c}.0/24");
    }
    match address.parse::<Ipv6Addr>() {
        Ok(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{}/48", Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
        Err(_) => String::new(),
    }
}

/// A browser as people know it, such as `Firefox 140, Linux`; the beginning of what it says, where it is none that is known.
/// All of them say that they are Mozilla, and many that they are others besides.
fn browser(user_agent: &str) -> String {
    const NAMES: [(&str, &str); 7] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Version/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 7] = [
        ("Windows", "Windows"),
        ("Android", "Android"),
        ("iPhone", "iOS"),
        ("iPad", "iPadOS"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let known = NAMES.iter().find_map(|(mark, name)| {
        let (_, version) = user_agent.split_once(mark)?;
        let version: String = version
            .chars()
            .take_while(char::is_ascii_digit)
            .take(5)
            .collect();
        Some(format!("{name} {version}"))
    });
    let system = SYSTEMS.iter().find(|(mark, _)| user_agent.contains(mark));
    match (known, system) {
        (Some(name), Some((_, system))) => format!("{name}, {system}"),
        (Some(name), None) => name,
        (None, _) => user_agent.chars().take(MAX_USER_AGENT).collect(),
    }
}

fn entry(
    app: &App,
    caller: &Caller,
    token: &Token,
    action: &'static str,
    row: &SessionRow,
) -> Entry {
    Entry {
        tenant_id: row.tenant_id.clone(),
        id: app.new_id(),
        token_id: token.id.clone(),
        action,
        object: format!("sessions/{}", row.id),
        before: None,
        after: Some(json!({ "token": row.token_id, "expires_at": row.expires_at }).to_string()),
        address: caller.address.clone(),
        request_id: app.request_id.to_string(),
        at: app.now,
        // As many are ended as were opened, and whoever wants to leave may.
        limited: action == OPENED && token.tenant.is_some(),
        comment: String::new(),
        turn: None,
    }
}

/// What follows a change that no route has made: the witness is told, and the log's chain goes on.
async fn settle(app: &App) -> Result<(), Problem> {
    witness::report(app).await?;
    audit_chain::extend_later(app);
    Ok(())
}

impl From<SessionRow> for SessionView {
    fn from(row: SessionRow) -> Self {
        Self {
            id: row.id,
            token: row.token_id,
            token_name: row.token_name,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            expires_at: row.expires_at,
            network: row.address,
            user_agent: row.user_agent,
        }
    }
}

/// Whether a token sees and ends every session.
fn sees_all(token: &Token) -> bool {
    token.tenant.is_none() && token.write
}

/// `listSessions`.
pub async fn list(call: Call<PageQuery>) -> Result<Shown<Page<SessionView>>, Problem> {
    let window = PageWindow::of(&call.query)?;
    let (db, after, limit) = (&call.app.db, window.after_text(), window.rows());
    let rows = match sees_all(&call.token) {
        true => sessions::list(db, after, limit).await?,
        false => sessions::of_token(db, &call.token.id, after, limit).await?,
    };
    let key = |row: &SessionRow| [row.id.clone()];
    Ok(Shown(window.page(rows, key, SessionView::from)))
}

/// `deleteSession`.
pub async fn delete(call: Call) -> Result<Done, Failure> {
    remove(&call.app, &call.caller, &call.token, call.param("session")).await?;
    Ok(Done)
}

/// Ends a session for whoever is signed in: one that the same token opened, or any, for a token that may write
/// for all tenants. Whoever may only read may end their own all the same.
///
/// # Errors
/// There is none such, or D1 fails.
pub async fn end(app: &App, caller: &Caller, token: &Token, id: &str) -> Result<(), Problem> {
    allowance::spend(app, token, Spent::Write).await?;
    if token.is_admin() {
        witness::vouch_now(app).await?;
    }
    remove(app, caller, token, id).await?;
    settle(app).await
}

async fn remove(app: &App, caller: &Caller, token: &Token, id: &str) -> Result<(), Problem> {
    let row = sessions::find(&app.db, id)
        .await?
        .filter(|row| sees_all(token) || row.token_id == token.id)
        .ok_or_else(|| Problem::not_found("session"))?;
    let entry = entry(app, caller, token, "session.delete", &row);
    let removed = sessions::delete(&app.db, &row.id, &entry).await;
    removed.map_err(|error| commit::failed(error, IfMatch::Absent, &[]).problem())?;
    GOOD.with_borrow_mut(|good| good.remove(&row.id));
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::admin::sessions::*;

    fn row() -> SessionRow {
        SessionRow {
            id: "01JD0000000000000000000000".into(),
            hash: "ab".repeat(32),
            token_id: "01JD0000000000000000000001".into(),
            admin_mark: None,
            created_at: 1000,
            last_used_at: 2000,
            expires_at: 9000,
            address: "192.0.2.0/24".into(),
            user_agent: "Browser".into(),
            email: None,
            token_name: Some("Office".into()),
            tenant_id: Some("T".into()),
            access: Some("read".into()),
            reveal: Some(0),
            token_expires_at: Some(8000),
        }
    }

    #[test]
    fn a_browser_is_told_by_its_name_and_system() {
        for (agent, said) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox 140, Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
                "Edge 138, Windows",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36",
                "Chrome 138, Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
                "Safari 18, iOS",
            ),
            ("curl/8.5.0", "curl/8.5.0"),
            ("", ""),
        ] {
            assert_eq!(browser(agent), said);
        }
        assert_eq!(browser(&"é".repeat(100)).chars().count(), MAX_USER_AGENT);
        assert!(browser(&format!("Firefox/{} Windows", "9".repeat(100))).len() <= MAX_USER_AGENT);
    }

    #[test]
    fn a_session_may_what_its_token_may_and_ends_with_it() {
        let token = token_of(&row(), None, 7999).unwrap();
        assert_eq!(token.tenant.as_deref(), Some("T"));
        assert!(!token.write && !token.reveal);
        assert!(token_of(&row(), None, 8000).is_none());
        let of = |row: SessionRow, now| token_of(&row, None, now);
        let endless = SessionRow {
            token_expires_at: None,
            ..row()
        };
        assert!(of(endless.clone(), 8999).is_some());
        assert!(of(endless, 9000).is_none());
        let removed = SessionRow {
            access: None,
            ..row()
        };
        assert!(of(removed, 2000).is_none());
    }

    #[test]
    fn a_session_of_the_deployments_own_token_ends_when_another_one_is_set() {
        let admin = SessionRow {
            token_id: ADMIN.into(),
            admin_mark: Some("aa".into()),
            access: None,
            ..row()
        };
        assert!(token_of(&admin, Some("aa"), 2000).unwrap().is_admin());
        assert!(token_of(&admin, Some("bb"), 2000).is_none());
        assert!(token_of(&admin, None, 2000).is_none());
        let unmarked = SessionRow {
            admin_mark: None,
            ..admin
        };
        assert!(token_of(&unmarked, None, 2000).is_none());
    }

    #[test]
    fn an_address_is_kept_as_its_network() {
        assert_eq!(shortened("192.0.2.77"), "192.0.2.0/24");
        assert_eq!(shortened("2001:db8:1:2::3"), "2001:db8:1::/48");
        assert_eq!(shortened("nonsense"), "");
    }

    #[test]
    fn session_json_format_unchanged() {
        assert_eq!(
            serde_json::to_string(&SessionView::from(row())).unwrap(),
            r#"{"id":"01JD0000000000000000000000","token":"01JD0000000000000000000001","token_name":"Office","created_at":1000,"last_used_at":2000,"expires_at":9000,"network":"192.0.2.0/24","user_agent":"Browser"}"#
        );
    }
}
