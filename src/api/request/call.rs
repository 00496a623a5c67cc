//! What a handler is called with.

use std::cell::Cell;
use std::ops::Deref;
use std::rc::Rc;

use ringfence_api::answer::Shown;
use ringfence_api::changing::{About, DryRun, Effect};
use ringfence_api::path::Params;
use ringfence_api::query::{Input, Nothing};
use ringfence_provision::kind::FileKind;
use ringfence_provision::mac::Mac;
use serde_json::Value;
use worker::Request;

use crate::api::request::allowance::{self, Spent};
use crate::api::request::answer::IntoOutgoing;
use crate::api::request::changing::{Changing, Trial};
use crate::api::request::commit::{self, Failure};
use crate::api::request::etag::IfMatch;
use crate::api::request::read::{body, query};
use crate::api::request::token::Token;
use crate::app::{App, Caller};
use crate::audit::bound;
use crate::audit::digest::Digests;
use crate::http::body::{self, BodyError};
use crate::http::problem::{Problem, ProblemKind};
use crate::model::device::DeviceRow;
use crate::store::sites::{self, SiteRow};
use crate::store::tenants::{self, TenantRow};
use crate::store::{Change, Entry, Turn, devices};

/// The longest body, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;

/// Who calls for what. The same type for every operation, so that what many of them do is compiled
/// once.
#[derive(Clone)]
pub struct Context {
    pub app: App,
    pub caller: Caller,
    pub token: Token,
    pub if_match: IfMatch,
    /// How a change is made, where the call makes one.
    pub changing: Changing,
    params: Params,
    /// Whether the answer shows secrets; the log line says so.
    revealed: Rc<Cell<bool>>,
    /// The turn of the device in an operation, if an operation calls.
    turn: Option<Turn>,
}

/// What is asked of an operation, whether it came by HTTP or from the console.
#[derive(Clone, Debug, Default)]
pub struct RawCall {
    /// Without its question mark.
    pub query: String,
    /// The header of that name.
    pub if_match: Option<String>,
    /// JSON, or nothing.
    pub body: Vec<u8>,
}

impl RawCall {
    /// Holds what did not come by HTTP to the same length.
    ///
    /// # Errors
    /// The body is too large.
    pub fn check_length(&self) -> Result<(), Problem> {
        match self.body.len() > MAX_BODY {
            true => Err(unreadable(BodyError::TooLarge)),
            false => Ok(()),
        }
    }

    /// Reads a request.
    ///
    /// # Errors
    /// The body is too large.
    pub async fn read(request: &Request) -> Result<Self, Problem> {
        Ok(Self {
            query: request.url()?.query().unwrap_or_default().to_owned(),
            if_match: request.headers().get("if-match")?,
            body: match request.method() {
                worker::Method::Get => Vec::new(),
                _ => body::read(request, MAX_BODY).await.map_err(unreadable)?,
            },
        })
    }
}

/// A request that found its route and has its token.
#[derive(Clone)]
pub struct Incoming {
    context: Context,
    query: String,
    body: Rc<[u8]>,
}

impl Incoming {
    /// What a handler is called with, from what was asked.
    ///
    /// # Errors
    /// `If-Match` cannot be read.
    pub fn new(
        raw: RawCall,
        app: App,
        caller: Caller,
        token: Token,
        params: Params,
        revealed: Rc<Cell<bool>>,
    ) -> Result<Self, Problem> {
        let changing = Changing::of(&raw.query)?;
        let context = Context {
            app,
            caller,
            token,
            if_match: IfMatch::parse(raw.if_match.as_deref())?,
            changing,
            params,
            revealed,
            turn: None,
        };
        Ok(Self {
            context,
            query: raw.query,
            body: raw.body.into(),
        })
    }
}

/// One call of an operation.
pub struct Call<Q = Nothing, B = Nothing> {
    context: Context,
    pub query: Q,
    pub body: B,
}

impl<Q: Input, B: Input> Call<Q, B> {
    /// Reads query and body.
    ///
    /// # Errors
    /// One of them is not what the operation takes.
    pub fn new(incoming: Incoming) -> Result<Self, Problem> {
        Ok(Self {
            query: query(&incoming.query)?,
            body: body(&incoming.body)?,
            context: incoming.context,
        })
    }
}

impl<Q, B> Call<Q, B> {
    /// The call that a part of a larger one is, with what it would have been sent.
    pub fn of(context: Context, query: Q, body: B) -> Self {
        Self {
            context,
            query,
            body,
        }
    }
}

impl<Q, B> Deref for Call<Q, B> {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.context
    }
}

impl Context {
    /// The turn of a device in an operation of a tenant, as if somebody called for it alone.
    pub fn of_turn(
        app: App,
        caller: Caller,
        token: Token,
        if_match: IfMatch,
        (tenant_id, mac): (&str, &str),
        turn: Turn,
    ) -> Self {
        Self {
            app,
            caller,
            token,
            if_match,
            params: vec![("tenant", tenant_id.to_owned()), ("mac", mac.to_owned())],
            changing: Changing::default(),
            revealed: Rc::default(),
            turn: Some(turn),
        }
    }

    /// The same call about one device of the tenant, only to be tried, with the differences of its files.
    pub fn trying(&self, mac: Mac) -> Self {
        Self {
            if_match: IfMatch::Absent,
            params: vec![
                ("tenant", self.param("tenant").to_owned()),
                ("mac", mac.upper()),
            ],
            changing: Changing {
                trial: Some(Trial { device: Some(mac) }),
                ..Changing::default()
            },
            ..self.clone()
        }
    }

    /// What stands for `{name}` in the path.
    pub fn param(&self, name: &str) -> &str {
        self.params
            .iter()
            .find(|(found, _)| *found == name)
            .map_or("", |(_, value)| value.as_str())
    }

    /// The `{tenant}` of the path.
    ///
    /// # Errors
    /// There is none.
    pub async fn tenant(&self) -> Result<TenantRow, Problem> {
        tenants::find(&self.app.db, self.param("tenant"))
            .await?
            .ok_or_else(|| Problem::not_found("tenant"))
    }

    /// The `{mac}` of the path.
    pub fn mac(&self) -> Result<Mac, Problem> {
        Mac::parse(self.param("mac"))
            .map_err(|error| Problem::invalid_request(format!("The path's MAC: {error}.")))
    }

    /// The `{kind}` of the path.
    pub fn kind(&self) -> Result<FileKind, Problem> {
        FileKind::parse(self.param("kind")).ok_or_else(|| {
            let kinds = FileKind::ALL.map(FileKind::as_str).join(", ");
            Problem::invalid_request(format!(
                "The path names no kind of file that there is. The kinds are {kinds}."
            ))
        })
    }

    /// The device of the path's `{tenant}` and `{mac}`.
    ///
    /// # Errors
    /// There is none.
    pub async fn device(&self) -> Result<DeviceRow, Problem> {
        let mac = self.mac()?.upper();
        devices::find(&self.app.db, self.param("tenant"), &mac)
            .await?
            .ok_or_else(|| Problem::not_found("device"))
    }

    /// A site of the `{tenant}` of the path.
    ///
    /// # Errors
    /// There is none.
    pub async fn site(&self, id: &str) -> Result<SiteRow, Problem> {
        sites::find(&self.app.db, self.param("tenant"), id)
            .await?
            .ok_or_else(|| Problem::not_found("site"))
    }

    /// An audit entry for a change of the path's tenant. `before` and `after` must hold no secret;
    /// what is long in them is cut.
    pub fn entry(
        &self,
        action: &'static str,
        object: impl Into<String>,
        before: Option<Value>,
        after: Option<Value>,
    ) -> Entry {
        let tenant = self.param("tenant");
        let tenant_id = (!tenant.is_empty()).then(|| tenant.to_owned());
        let digests = Digests::new(&self.app.keyring, format!("entry:{tenant}"));
        let digest = |text: &str| digests.of("", text);
        let after = self.changing.said_with(after);
        Entry {
            tenant_id,
            id: self.app.new_id(),
            token_id: self.token.id.clone(),
            action,
            object: bound::object(object.into(), &digest),
            before: before.map(|value| bound::side(value, &digest)),
            after: after.map(|value| bound::side(value, &digest)),
            address: self.caller.address.clone(),
            request_id: self.app.request_id.to_string(),
            at: self.app.now,
            limited: self.token.tenant.is_some(),
            comment: self.changing.comment.clone(),
            turn: self.turn.clone(),
        }
    }

    /// Ends a call that changes no file here where it is only to be tried.
    ///
    /// # Errors
    /// [`Failure::Tried`], if it is.
    pub fn tried_without_files(&self) -> Result<(), Failure> {
        self.tried(DryRun::default)
    }

    /// The same with what the change would do.
    ///
    /// # Errors
    /// [`Failure::Tried`], if it is.
    pub fn tried(&self, would: impl FnOnce() -> DryRun) -> Result<(), Failure> {
        match self.is_trial() {
            true => Err(Failure::Tried(Box::new(Shown(would()).into_outgoing()?))),
            false => Ok(()),
        }
    }

    /// The same with one sentence.
    ///
    /// # Errors
    /// [`Failure::Tried`], if it is.
    pub fn tried_saying(&self, about: About, text: impl Into<String>) -> Result<(), Failure> {
        self.tried(|| DryRun::of(vec![Effect::said(about, text)]))
    }

    /// Whether the call is only to be tried.
    pub fn is_trial(&self) -> bool {
        self.changing.trial.is_some()
    }

    /// Whether secrets are to be shown, where a caller asked for it. Then the audit log says so before
    /// the answer does: what it could not be told of is not shown.
    ///
    /// # Errors
    /// The token may not see them, there were too many such calls, or D1 fails.
    pub async fn reveal(&self, wanted: bool, object: String) -> Result<bool, Failure> {
        if !wanted {
            return Ok(false);
        }
        self.may_reveal(wanted)?;
        allowance::spend(&self.app, &self.token, Spent::Write).await?;
        let entry = self.entry("secrets.reveal", object, None, None);
        Change::of_no_tenant(&self.app.db)
            .write(&entry)
            .await
            .map_err(|error| commit::failed(error, self.if_match, &[]))?;
        self.revealed.set(true);
        Ok(true)
    }

    /// Whether secrets may be shown, where a caller asked for it; nothing is written.
    ///
    /// # Errors
    /// The token may not see them.
    pub fn may_reveal(&self, wanted: bool) -> Result<bool, Problem> {
        if wanted && !self.token.reveal {
            return Err(Problem::new(
                ProblemKind::Forbidden,
                "This token may not see secrets. Leave `reveal` out, or use a token that was made with `reveal`.",
            ));
        }
        Ok(wanted)
    }
}

fn unreadable(error: BodyError) -> Problem {
    match error {
        BodyError::TooLarge => Problem::new(
            ProblemKind::TooLarge,
            format!(
                "A body is at most {MAX_BODY} bytes long. Send less at once: lists can go in several calls."
            ),
        ),
        BodyError::Lost => {
            Problem::invalid_request("The body did not arrive whole. Send the request again.")
        }
    }
}
