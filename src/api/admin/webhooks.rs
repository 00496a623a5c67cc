//! Webhooks of a tenant and of the whole installation: where somebody is told of what happens, and the messages.

use ringfence_api::admin::webhooks::{
    MessageQuery, MessageState, MessageView, SecretInput, SecretView, WebhookInput, WebhookQuery,
    WebhookView,
};
use ringfence_api::answer::{Accepted, Created, CreatedRevised, Done, Revised, Shown};
use ringfence_api::changing::{About, TrialQuery};
use ringfence_api::page::{Page, PageQuery};
use serde_json::{Value, json};

use crate::api::request::call::{Call, Context};
use crate::api::request::commit::{self, Failure};
use crate::api::request::page::PageWindow;
use crate::api::request::secret::wrap;
use crate::api::request::valid;
use crate::http::problem::{Problem, ProblemKind};
use crate::model::webhook::{MessageKind, WebhookOptions};
use crate::platform::{self, HOUR_MS, config};
use crate::store::webhooks::{self, MAX_WEBHOOKS, WebhookRow, WrappedSecret, secret_identity};
use crate::store::{ChangeError, LAST_ID};
use crate::webhooks::{
    MAX_WAITING, MessageRow, WebhookCall, WebhookReply, WebhookSecret, call as call_object,
    check_receiver,
};

impl From<WebhookRow> for WebhookView {
    fn from(row: WebhookRow) -> Self {
        Self {
            kinds: ringfence_json::from_str(&row.kinds).unwrap_or_default(),
            options: ringfence_json::from_str(&row.options).unwrap_or_default(),
            id: row.id,
            tenant: row.tenant_id,
            name: row.name,
            url: row.url,
            disabled: row.disabled != 0,
            dead: row.dead,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
            secret: None,
        }
    }
}

impl From<MessageRow> for MessageView {
    fn from(row: MessageRow) -> Self {
        let state = MessageState::parse(&row.state);
        Self {
            body: ringfence_json::from_str(&row.body).unwrap_or_default(),
            next_at: (state == MessageState::Waiting).then_some(row.due_at),
            id: row.id,
            kind: row.kind,
            state,
            tries: row.tries,
            status: row.status,
            error: row.error,
            created_at: row.created_at,
            ended_at: row.ended_at,
        }
    }
}

/// For how many hours a secret is good after it was replaced, by default and at most.
const USUAL_OVERLAP_HOURS: u64 = 24;
const MAX_OVERLAP_HOURS: u64 = 168;

/// `listWebhooks`.
pub async fn list_all(call: Call<WebhookQuery>) -> Result<Shown<Page<WebhookView>>, Problem> {
    let query = &call.query;
    let window: PageWindow = PageWindow::new(query.limit, query.cursor.as_deref())?;
    let (after, limit) = (window.after_text(), window.rows());
    let rows = match query.dead {
        true => webhooks::with_dead(&call.app.db, after, limit).await?,
        false => webhooks::list(&call.app.db, None, after, limit).await?,
    };
    Ok(Shown(window.page(
        rows,
        |row| [row.id.clone()],
        WebhookView::from,
    )))
}

/// `listTenantWebhooks`.
pub async fn list(call: Call<PageQuery>) -> Result<Shown<Page<WebhookView>>, Problem> {
    let tenant = tenant_of(&call).await?;
    let window = PageWindow::of(&call.query)?;
    let (after, limit) = (window.after_text(), window.rows());
    let rows = webhooks::list(&call.app.db, tenant.as_deref(), after, limit).await?;
    Ok(Shown(window.page(
        rows,
        |row| [row.id.clone()],
        WebhookView::from,
    )))
}

/// `createWebhook`, `createTenantWebhook`.
pub async fn create(
    call: Call<TrialQuery, WebhookInput>,
) -> Result<CreatedRevised<WebhookView>, Failure> {
    let tenant_id = tenant_of(&call).await?;
    let now = call.app.now;
    let new = WebhookRow {
        id: call.app.new_id(),
        tenant_id,
        name: String::new(),
        url: String::new(),
        kinds: String::new(),
        options: String::new(),
        disabled: 0,
        dead: 0,
        revision: 1,
        created_at: now,
        updated_at: now,
    };
    let row = decided(&call, new, None)?;
    call.tried_saying(
        About::Added,
        "The webhook is told of what happens from then on. The secret of the webhook is in the answer that makes the webhook, and nowhere else.",
    )?;
    let secret = WebhookSecret::new(platform::random_array()?);
    let place = secret_identity(&row.id, 1);
    let wrapped = wrap(&call.app.keyring, &place, secret.expose())?;
    let first = WrappedSecret {
        number: 1,
        secret: &wrapped,
        master: call.app.keyring.current().id(),
    };
    let entry = call.entry("webhook.create", path(&row), None, Some(audited(&row)));
    webhooks::insert(&call.app.db, &row, first, &entry)
        .await
        .map_err(|error| match error {
            ChangeError::Overtaken => Problem::conflict(format!(
                "A tenant has at most {MAX_WEBHOOKS} webhooks, and so has the installation: remove one first."
            ))
            .into(),
            error => commit::failed(error, call.if_match, &[]),
        })?;
    look(&call, &row.id).await?;
    Ok(CreatedRevised(
        WebhookView {
            secret: Some(secret.text()),
            ..row.into()
        },
        1,
    ))
}

/// `getWebhook`, `getTenantWebhook`.
pub async fn show(call: Call) -> Result<Revised<WebhookView>, Problem> {
    let row = find(&call).await?;
    let revision = row.revision;
    Ok(Revised(row.into(), revision))
}

/// `putWebhook`, `putTenantWebhook`.
pub async fn put(call: Call<TrialQuery, WebhookInput>) -> Result<Revised<WebhookView>, Failure> {
    let before = find(&call).await?;
    call.if_match.check(before.revision)?;
    let row = decided(&call, before.clone(), Some(&before.url))?;
    match (row != before, row.disabled != 0) {
        (false, _) => call.tried_saying(About::Nothing, "The webhook is so already: nothing changes.")?,
        (true, true) => call.tried_saying(
            About::Replaced,
            "Nothing is looked for and nothing sent while the webhook is switched off. Messages that wait stay.",
        )?,
        (true, false) => call.tried_saying(
            About::Replaced,
            "What is decided about the webhook is replaced, for messages that wait too.",
        )?,
    }
    if row != before {
        let (was, is) = (audited(&before), audited(&row));
        let entry = call.entry("webhook.update", path(&row), Some(was), Some(is));
        webhooks::update(&call.app.db, &row, call.app.now, &entry)
            .await
            .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    }
    look(&call, &row.id).await?;
    let row = find(&call).await?;
    let revision = row.revision;
    Ok(Revised(row.into(), revision))
}

/// `deleteWebhook`, `deleteTenantWebhook`.
pub async fn delete(call: Call<TrialQuery>) -> Result<Done, Failure> {
    let row = find(&call).await?;
    call.if_match.check(row.revision)?;
    call.tried_saying(
        About::Removed,
        "The webhook is removed with its secret and its messages, those too that wait.",
    )?;
    let entry = call.entry("webhook.delete", path(&row), Some(audited(&row)), None);
    webhooks::delete(&call.app.db, &row, &entry)
        .await
        .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    // The object empties itself once it finds that its webhook is gone: now, or when its alarm rings.
    look(&call, &row.id).await?;
    Ok(Done)
}

/// `rotateWebhookSecret`, `rotateTenantWebhookSecret`.
pub async fn rotate(call: Call<TrialQuery, SecretInput>) -> Result<Created<SecretView>, Failure> {
    let hours = call.body.overlap_hours.unwrap_or(USUAL_OVERLAP_HOURS);
    if hours > MAX_OVERLAP_HOURS {
        return Err(Problem::invalid_value(format!(
            "`overlap_hours` is 0 to {MAX_OVERLAP_HOURS}."
        ))
        .into());
    }
    let row = find(&call).await?;
    call.tried_saying(
        About::Replaced,
        format!("Messages are signed with a new secret, and for {hours} hours with the one of before, too."),
    )?;
    let stored = webhooks::with_secrets(&call.app.db, &row.id).await?;
    let newest = stored.and_then(|(_, secrets)| secrets.into_iter().next());
    let number = newest.map_or(0, |secret| secret.number) + 1;
    let secret = WebhookSecret::new(platform::random_array()?);
    let place = secret_identity(&row.id, number);
    let wrapped = wrap(&call.app.keyring, &place, secret.expose())?;
    let previous_until = call.app.now + hours * HOUR_MS;
    let after = json!({ "secret": number, "previous_until": previous_until });
    let entry = call.entry("webhook.rotate_secret", path(&row), None, Some(after));
    let newer = WrappedSecret {
        number,
        secret: &wrapped,
        master: call.app.keyring.current().id(),
    };
    webhooks::rotate(&call.app.db, &row, newer, previous_until, &entry)
        .await
        .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    Ok(Created(SecretView {
        secret: secret.text(),
        previous_until,
    }))
}

/// `testWebhook`, `testTenantWebhook`.
pub async fn test(call: Call) -> Result<Accepted<MessageView>, Problem> {
    let row = find(&call).await?;
    if row.disabled != 0 {
        return Err(Problem::conflict(
            "The webhook is disabled, so nothing is sent. Enable it first.",
        ));
    }
    let message = one(call_object(&call.app.env, &row.id, &WebhookCall::Test).await?)?;
    let entry = call.entry("webhook.test", path(&row), None, None);
    commit::enter_late(&call.app, &entry).await?;
    Ok(Accepted(message))
}

/// `listWebhookMessages`, `listTenantWebhookMessages`.
pub async fn messages(call: Call<MessageQuery>) -> Result<Shown<Page<MessageView>>, Problem> {
    let row = find(&call).await?;
    let query = &call.query;
    let window: PageWindow = PageWindow::new(query.limit, query.cursor.as_deref())?;
    let before = match window.after_text() {
        "" => LAST_ID,
        before => before,
    };
    let asked = WebhookCall::List {
        state: query.state.map(|state| state.as_str().to_owned()),
        before: before.to_owned(),
        limit: window.rows(),
    };
    let WebhookReply::Messages { messages } = call_object(&call.app.env, &row.id, &asked).await?
    else {
        return Err(Problem::internal("the webhook's object has no list"));
    };
    Ok(Shown(window.page(
        messages,
        |message| [message.id.clone()],
        MessageView::from,
    )))
}

/// `resendWebhookMessage`, `resendTenantWebhookMessage`.
pub async fn resend(call: Call) -> Result<Accepted<MessageView>, Problem> {
    let row = find(&call).await?;
    let id = call.param("message").to_owned();
    let asked = WebhookCall::Resend { id: id.clone() };
    let message = one(call_object(&call.app.env, &row.id, &asked).await?)?;
    let after = Some(json!({ "message": id }));
    let entry = call.entry("webhook.resend", path(&row), None, after);
    commit::enter_late(&call.app, &entry).await?;
    Ok(Accepted(message))
}

fn one(reply: WebhookReply) -> Result<MessageView, Problem> {
    match reply {
        WebhookReply::Messages { messages } => {
            let message = messages.into_iter().next().map(MessageView::from);
            message.ok_or_else(|| Problem::internal("the webhook's object has lost the message"))
        }
        WebhookReply::Full => Err(Problem::conflict(format!(
            "{MAX_WAITING} messages of the webhook wait already, and no more are taken. The list of its messages says why they are not delivered: mend that first."
        ))),
        WebhookReply::NotFound => Err(Problem::new(
            ProblemKind::NotFound,
            "No message with this id was given up, and only such a message is sent again. The list of messages says how each stands.",
        )),
        WebhookReply::Done | WebhookReply::Failed { .. } => Err(Problem::internal(
            "the webhook's object answered something else",
        )),
    }
}

/// A webhook as the body decides it. `url` is the one that it has already, which stays good.
fn decided(
    call: &Call<TrialQuery, WebhookInput>,
    row: WebhookRow,
    url: Option<&str>,
) -> Result<WebhookRow, Problem> {
    let input = &call.body;
    let name = valid::name("name", &input.name)?.to_owned();
    if url != Some(input.url.as_str()) {
        // Over TLS or by a public name it is never so.
        let local = config::loopback_counts_as_tls(call.app.is_local, &call.caller.host);
        check_receiver(&input.url, local).map_err(Problem::invalid_value)?;
    }
    let checked = input.options.check();
    checked.map_err(|error| Problem::invalid_value(error.to_string()))?;
    let mut kinds = input.kinds.clone();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.is_empty() {
        return Err(Problem::invalid_value(
            "`kinds` names nothing to tell. Name at least one kind; to have nothing sent, set `disabled` beside it.",
        ));
    }
    if row.tenant_id.is_some() && kinds.contains(&MessageKind::RelayLost) {
        return Err(Problem::invalid_value(
            "`relay.lost` is for webhooks of the whole installation: relays belong to no tenant. Leave it out of `kinds`, or add a webhook of the whole installation.",
        ));
    }
    let options = WebhookOptions {
        daily: {
            let mut daily = input.options.daily.clone();
            daily.sort_unstable();
            daily.dedup();
            daily
        },
        ..input.options.clone()
    };
    let text = |value: serde_json::Result<String>| {
        value.map_err(|error| Problem::internal(error.to_string()))
    };
    Ok(WebhookRow {
        name,
        url: input.url.clone(),
        kinds: text(serde_json::to_string(&kinds))?,
        options: text(serde_json::to_string(&options))?,
        disabled: i64::from(input.disabled),
        ..row
    })
}

/// Tells the object that its webhook was changed. Where that fails, its alarm or the cron event does it.
async fn look(call: &Context, id: &str) -> Result<(), Problem> {
    call_object(&call.app.env, id, &WebhookCall::Look)
        .await
        .map(drop)
}

/// The tenant of the path, if there is one in it.
async fn tenant_of(call: &Context) -> Result<Option<String>, Problem> {
    match call.param("tenant") {
        "" => Ok(None),
        _ => Ok(Some(call.tenant().await?.id)),
    }
}

async fn find(call: &Context) -> Result<WebhookRow, Problem> {
    let tenant_id = Some(call.param("tenant")).filter(|id| !id.is_empty());
    webhooks::find(&call.app.db, tenant_id, call.param("webhook"))
        .await?
        .ok_or_else(|| Problem::not_found("webhook"))
}

fn path(row: &WebhookRow) -> String {
    format!("webhooks/{}", row.id)
}

fn audited(row: &WebhookRow) -> Value {
    let json = |text: &str| ringfence_json::from_str::<Value>(text).unwrap_or_default();
    json!({
        "name": row.name,
        "url": row.url,
        "kinds": json(&row.kinds),
        "options": json(&row.options),
        "disabled": row.disabled != 0,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_message_is_shown_with_its_next_try_until_it_has_ended() {
        let row = |state: &str, ended_at| MessageRow {
            id: "M".into(),
            kind: "file.broken".into(),
            body: r#"{"type":"file.broken"}"#.into(),
            state: state.into(),
            created_at: 1,
            due_at: 2,
            tries: 3,
            status: Some(500),
            error: Some("status".into()),
            ended_at,
        };
        let waiting = MessageView::from(row("waiting", None));
        assert_eq!(
            (waiting.next_at, waiting.state),
            (Some(2), MessageState::Waiting)
        );
        let dead = MessageView::from(row("dead", Some(4)));
        assert_eq!((dead.next_at, dead.state), (None, MessageState::Dead));
        assert_eq!(dead.body, json!({ "type": "file.broken" }));
        for state in [
            MessageState::Waiting,
            MessageState::Delivered,
            MessageState::Dead,
        ] {
            assert_eq!(MessageState::parse(state.as_str()), state);
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }
}
