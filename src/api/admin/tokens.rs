//! API tokens as resources. Making one takes a token for all tenants, and nobody gives away more
//! than they have.

use ringfence_api::admin::tokens::{Access, TokenInput, TokenQuery, TokenView};
use ringfence_api::answer::{Created, Done, Shown};
use ringfence_api::changing::{About, TrialQuery};
use ringfence_api::page::Page;
use serde_json::json;

use crate::api::request::call::{Call, Context};
use crate::api::request::commit::{self, Failure};
use crate::api::request::page::PageWindow;
use crate::api::request::token::Token;
use crate::api::request::valid;
use crate::app::App;
use crate::http::problem::{Problem, ProblemKind};
use crate::platform;
use crate::platform::credential::{self, NewCredential};
use crate::store::tenants;
use crate::store::tokens::{self, TokenRow};

impl From<TokenRow> for TokenView {
    fn from(row: TokenRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            tenant: row.tenant_id,
            access: match row.access.as_str() {
                "write" => Access::Write,
                tokens::METRICS => Access::Metrics,
                _ => Access::Read,
            },
            reveal: row.reveal == 1,
            created_at: row.created_at,
            expires_at: row.expires_at,
            email: row.email,
            token: None,
        }
    }
}

/// `listTokens`.
pub async fn list(call: Call<TokenQuery>) -> Result<Shown<Page<TokenView>>, Problem> {
    let query = &call.query;
    let window: PageWindow = PageWindow::new(query.limit, query.cursor.as_deref())?;
    let (db, after, limit) = (&call.app.db, window.after_text(), window.rows());
    let rows = match &query.tenant {
        Some(tenant) => tokens::of_tenant(db, tenant, after, limit).await?,
        None => tokens::list(db, after, limit).await?,
    };
    Ok(Shown(window.page(
        rows,
        |row| [row.id.clone()],
        TokenView::from,
    )))
}

/// Those of these tokens that there are, with their names for whoever may see the token: one of a tenant sees its
/// tenant's. For the pages of the console, which have ids from other answers.
///
/// # Errors
/// D1 does not answer.
pub async fn named(
    app: &App,
    token: &Token,
    ids: &[&str],
) -> Result<Vec<(String, Option<String>)>, Problem> {
    let found = tokens::named(&app.db, ids).await?;
    let is_seen = |of: &Option<String>| token.tenant.is_none() || *of == token.tenant;
    let named = found.into_iter().map(|it| {
        let name = is_seen(&it.tenant_id).then_some(it.name);
        (it.id, name)
    });
    Ok(named.collect())
}

/// `getToken`.
pub async fn show(call: Call) -> Result<Shown<TokenView>, Problem> {
    Ok(Shown(find(&call).await?.into()))
}

/// `createToken`.
pub async fn create(call: Call<TrialQuery, TokenInput>) -> Result<Created<TokenView>, Failure> {
    let input = &call.body;
    let name = valid::name("name", &input.name)?;
    check(&call).await?;
    call.tried_saying(
        About::Added,
        "A token is made. The text of the token is in the answer that makes it, and nowhere else.",
    )?;
    let id = call.app.new_id();
    let new = NewCredential::new(credential::TOKEN, &id, platform::random_array()?);
    let row = TokenRow {
        id,
        hash: new.hash,
        name: name.to_owned(),
        tenant_id: input.tenant.clone(),
        access: input.access.as_str().to_owned(),
        reveal: i64::from(input.reveal),
        created_at: call.app.now,
        expires_at: input.expires_at,
        email: input.email.as_deref().map(email).transpose()?,
    };
    let mut entry = call.entry(
        "token.create",
        format!("tokens/{}", row.id),
        None,
        Some(audited(&row)),
    );
    entry.tenant_id.clone_from(&row.tenant_id);
    tokens::insert(&call.app.db, &row, &entry)
        .await
        .map_err(|error| {
            commit::failed(error, call.if_match, TAKEN).with("tenant", &row.tenant_id)
        })?;
    Ok(Created(TokenView {
        token: Some(new.text),
        ..row.into()
    }))
}

/// Checks that the token that makes it may make it, and that it is one.
async fn check(call: &Call<TrialQuery, TokenInput>) -> Result<(), Problem> {
    let input = &call.body;
    if input.reveal && !call.token.reveal {
        return Err(Problem::new(
            ProblemKind::Forbidden,
            "This token may not see secrets, so it cannot make one that may. Leave `reveal` out, or use a token that was made with `reveal`.",
        ));
    }
    let for_people = input.reveal || input.tenant.is_some() || input.email.is_some();
    if input.access == Access::Metrics && for_people {
        return Err(Problem::invalid_value(
            "A token for metrics is for the whole installation, sees no secrets and is nobody's: leave `tenant`, `reveal` and `email` out.",
        ));
    }
    if input.expires_at.is_some_and(|end| end <= call.app.now) {
        return Err(Problem::invalid_value(
            "`expires_at` is in the past: name a time that is to come.",
        ));
    }
    check_expiry(call.token.expires_at, input.expires_at)?;
    if let Some(tenant) = &input.tenant
        && tenants::find(&call.app.db, tenant).await?.is_none()
    {
        return Err(Problem::invalid_value(
            "`tenant` is not the id of a tenant: the list of tenants has them.",
        ));
    }
    Ok(())
}

/// What is said when an address is another token's.
const TAKEN: &[(&str, &str)] = &[(
    "tokens.email",
    "Another token has this `email`. A person signs in as one token: remove the other, or leave `email` out.",
)];

/// The longest e-mail address, in bytes (RFC 5321 §4.5.3.1.3).
const MAX_EMAIL: usize = 254;

/// An e-mail address, in small letters, as an assertion of Access is compared with it.
fn email(text: &str) -> Result<String, Problem> {
    let plain = |byte: u8| byte.is_ascii_graphic() || !byte.is_ascii();
    let parts = text.split_once('@');
    let is_one = parts.is_some_and(|(name, domain)| !name.is_empty() && domain.contains('.'));
    if !is_one || text.len() > MAX_EMAIL || !text.bytes().all(plain) {
        return Err(Problem::invalid_value(
            "`email` is one e-mail address, as Cloudflare Access names the person, such as ada@example.org.",
        ));
    }
    Ok(text.to_lowercase())
}

/// Checks that a token does not outlive the one that makes it.
fn check_expiry(own: Option<u64>, wanted: Option<u64>) -> Result<(), Problem> {
    match (own, wanted) {
        (Some(own), wanted) if wanted.is_none_or(|wanted| wanted > own) => Err(Problem::new(
            ProblemKind::Forbidden,
            format!(
                "This token ends at {own}, so it cannot make one that ends later. Give `expires_at`, at most that, or use a token that does not end."
            ),
        )),
        _ => Ok(()),
    }
}

/// `deleteToken`.
pub async fn delete(call: Call<TrialQuery>) -> Result<Done, Failure> {
    let row = find(&call).await?;
    call.tried_saying(
        About::Removed,
        "The token is worth nothing from then on, and the sessions of the console that it opened are over.",
    )?;
    let mut entry = call.entry(
        "token.delete",
        format!("tokens/{}", row.id),
        Some(audited(&row)),
        None,
    );
    entry.tenant_id.clone_from(&row.tenant_id);
    tokens::delete(&call.app.db, &row.id, &entry)
        .await
        .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    Ok(Done)
}

async fn find(call: &Context) -> Result<TokenRow, Problem> {
    tokens::find(&call.app.db, call.param("token"))
        .await?
        .ok_or_else(|| Problem::not_found("token"))
}

fn audited(row: &TokenRow) -> serde_json::Value {
    json!({
        "name": row.name,
        "tenant": row.tenant_id,
        "access": row.access,
        "reveal": row.reveal == 1,
        "expires_at": row.expires_at,
        "email": row.email,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::admin::tokens::*;

    fn row() -> TokenRow {
        TokenRow {
            id: "01JD0000000000000000000000".into(),
            hash: "ab".repeat(32),
            name: "Console".into(),
            tenant_id: None,
            access: "write".into(),
            reveal: 0,
            created_at: 1000,
            expires_at: None,
            email: None,
        }
    }

    #[test]
    fn token_json_format_unchanged() {
        assert_eq!(
            serde_json::to_string(&TokenView::from(row())).unwrap(),
            r#"{"id":"01JD0000000000000000000000","name":"Console","tenant":null,"access":"write","reveal":false,"created_at":1000,"expires_at":null,"email":null}"#
        );
    }

    #[test]
    fn a_token_does_not_outlive_its_maker() {
        for wanted in [None, Some(1), Some(u64::MAX)] {
            assert!(check_expiry(None, wanted).is_ok());
        }
        assert!(check_expiry(Some(5), Some(5)).is_ok());
        for wanted in [None, Some(6)] {
            assert_eq!(check_expiry(Some(5), wanted).unwrap_err().status(), 403);
        }
    }

    #[test]
    fn an_address_is_one_and_compared_in_small_letters() {
        assert_eq!(email("Ada@Example.org").unwrap(), "ada@example.org");
        for text in [
            "",
            "ada",
            "@example.org",
            "ada@host",
            "a b@example.org",
            "a@b.c\n",
        ] {
            assert!(email(text).is_err(), "{text:?}");
        }
        assert!(email(&format!("{}@example.org", "a".repeat(250))).is_err());
    }

    #[test]
    fn neither_a_list_nor_the_audit_log_shows_a_hash() {
        assert!(
            !serde_json::to_string(&TokenView::from(row()))
                .unwrap()
                .contains("abab")
        );
        assert!(!audited(&row()).to_string().contains("abab"));
    }
}
