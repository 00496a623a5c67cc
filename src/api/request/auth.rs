//! Who calls: the token of a request.

use crate::api::request::allowance::{self, Spent};
use crate::api::request::known;
use crate::api::request::token::Token;
use crate::app::App;
use crate::http::problem::{Problem, ProblemKind};
use crate::platform::config;
use crate::platform::credential::{self, Sent, bearer, is_same};
use crate::store::tokens;
use crate::throttle::{self, Guessed};
use crate::witness;

/// Finds out who calls, from `address`, to spend something.
///
/// # Errors
/// There is no token, or not a valid one, or there were too many wrong ones from there; or the token's
/// allowance is known to be spent.
pub async fn authenticate(
    app: &App,
    header: Option<&str>,
    address: &str,
    spent: Spent,
) -> Result<Token, Problem> {
    let text = bearer(header)
        .ok_or_else(|| unauthorized("Send an API token: `Authorization: Bearer rf_…`."))?;
    if config::admin_token(&app.env).is_some_and(|admin| is_same(&admin, text)) {
        return Ok(Token::admin());
    }
    // Too many wrong ones came from there. What is right is known without a question for each.
    if throttle::is_barred(Guessed::Token, address, app.now) && !known::is_good(app, text).await {
        return Err(Problem::new(
            ProblemKind::TooManyRequests,
            "Too many wrong tokens came from this address, and this one is not valid either. Wait a \
             minute; tokens that are valid work all the time.",
        ));
    }
    let refused = || {
        throttle::wrong_guess(app, Guessed::Token, address);
        unauthorized(
            "The token is not valid: it was removed, has expired, or was not copied whole.",
        )
    };
    let sent = Sent::parse(credential::TOKEN, text).ok_or_else(refused)?;
    // Whoever goes on after that costs no look-up for each call.
    if let Some(problem) = allowance::over(sent.id, spent, app.now)
        && known::is_good(app, text).await
    {
        return Err(problem);
    }
    let (row, standing) = tokens::find_vouched(&app.db, sent.id).await?;
    witness::vouch(app, &standing).await?;
    let matches = sent.matches(row.as_ref().map(|row| row.hash.as_str()));
    row.filter(|row| matches && row.expires_at.is_none_or(|end| app.now < end))
        .map(Token::of_row)
        .ok_or_else(refused)
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(ProblemKind::Unauthorized, detail)
}
