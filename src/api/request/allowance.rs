//! What a token may spend: reads, changes and checks of each token are limited by the minute, since all
//! tenants share one database and one thread.

use crate::api::request::token::Token;
use crate::app::App;
use crate::http::problem::{Problem, ProblemKind};
use crate::platform::log;
use crate::throttle::{bar, is_barred_key, within_limit};

/// What a call of the API costs, by what it makes the Worker and its database do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// It looks something up.
    Read,
    /// It changes something, or shows secrets, which leaves an entry in the audit log.
    Write,
    /// It renders or checks files: perhaps many.
    Check,
}

impl Spent {
    /// The limiter of `wrangler.toml` that counts it for tokens of one tenant.
    fn binding(self) -> &'static str {
        match self {
            Self::Read => "TOKEN_READS",
            Self::Write => "TOKEN_WRITES",
            Self::Check => "TOKEN_CHECKS",
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::Read => "look things up",
            Self::Write => "change something or show secrets",
            Self::Check => "render or check files",
        }
    }
}

/// Counts what a token spends, before the work. `ADMIN_TOKEN` is not counted, so that an operator
/// always gets in; tokens for all tenants have one large allowance for everything, for imports.
///
/// # Errors
/// The token has spent this minute's allowance at this Cloudflare location.
pub async fn spend(app: &App, token: &Token, spent: Spent) -> Result<(), Problem> {
    if token.is_admin() {
        return Ok(());
    }
    let (binding, message) = match token.tenant {
        Some(_) => (spent.binding(), spent.message()),
        None => ALL_TENANTS,
    };
    // Without the secret part a token cannot be spent by others.
    let key = key(binding, &token.id);
    if is_barred_key(&key, app.now) {
        return Err(too_many(message));
    }
    match within_limit(&app.env, binding, &token.id).await {
        Ok(true) => Ok(()),
        Ok(false) => {
            log::warn(
                "token_over_limit",
                &[("token", &token.id), ("limit", binding)],
            );
            bar(key, app.now);
            Err(too_many(message))
        }
        // A limiter that does not work locks nobody out.
        Err(_) => {
            log::warn("rate_limit_failed", &[]);
            Ok(())
        }
    }
}

/// The limiter of tokens for all tenants, and what it counts.
const ALL_TENANTS: (&str, &str) = ("TOKEN_ALL_TENANTS", "are made with a token for all tenants");

fn key(binding: &str, id: &str) -> String {
    format!("{binding}:{id}")
}

/// The refusal, if the token of that id has spent its allowance as far as this isolate remembers.
/// Nothing is counted, and nobody has looked whether there is such a token.
pub fn over(id: &str, spent: Spent, now: u64) -> Option<Problem> {
    [(spent.binding(), spent.message()), ALL_TENANTS]
        .into_iter()
        .find(|(binding, _)| is_barred_key(&key(binding, id), now))
        .map(|(_, message)| too_many(message))
}

fn too_many(message: &str) -> Problem {
    Problem::new(
        ProblemKind::TooManyRequests,
        format!(
            "This token made too many calls in a minute that {message}. Wait a minute and go on more slowly, or do it with a token for all tenants."
        ),
    )
}
