//! What the token of whoever calls is good for.

use ringfence_api::operation::Needs;

use crate::http::problem::{Problem, ProblemKind};
use crate::store::tokens::{self, TokenRow};

/// What stands for the id of `ADMIN_TOKEN`. No row has it: theirs are ULIDs.
pub const ADMIN: &str = "admin";

/// What the caller's token is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The row's id, or `admin`; empty where no token was needed.
    pub id: String,
    /// The one tenant it sees; `None`: every one.
    pub tenant: Option<String>,
    pub write: bool,
    /// Whether it may see secrets.
    pub reveal: bool,
    /// Whether it reads the metrics, and nothing else.
    pub metrics: bool,
    /// When it ends, in Unix milliseconds, if it does.
    pub expires_at: Option<u64>,
}

impl Token {
    /// The deployment's own, `ADMIN_TOKEN`.
    pub fn admin() -> Self {
        Self {
            id: ADMIN.to_owned(),
            tenant: None,
            write: true,
            reveal: true,
            metrics: false,
            expires_at: None,
        }
    }

    /// Whether it is the deployment's own, `ADMIN_TOKEN`.
    pub fn is_admin(&self) -> bool {
        self.id == ADMIN
    }

    /// The token of somebody who needs none.
    pub fn nobody() -> Self {
        Self {
            id: String::new(),
            tenant: Some(String::new()),
            write: false,
            reveal: false,
            metrics: false,
            expires_at: None,
        }
    }

    /// What a row is good for.
    pub fn of_row(row: TokenRow) -> Self {
        Self {
            write: row.access == "write",
            reveal: row.reveal == 1,
            metrics: row.access == tokens::METRICS,
            expires_at: row.expires_at,
            id: row.id,
            tenant: row.tenant_id,
        }
    }

    /// Whether a tenant exists as far as this token is concerned.
    pub fn sees(&self, tenant_id: &str) -> bool {
        self.tenant.as_deref().is_none_or(|own| own == tenant_id)
    }

    /// Lets an operation go on. Another tenant is not there, so this says 404 before it says 403.
    ///
    /// # Errors
    /// The token is not good for it.
    pub fn check(&self, needs: Needs, tenant_id: Option<&str>) -> Result<(), Problem> {
        if needs == Needs::Nothing {
            return Ok(());
        }
        self.check_purpose(needs)?;
        if tenant_id.is_some_and(|id| !self.sees(id)) {
            return Err(Problem::not_found("tenant"));
        }
        if matches!(needs, Needs::ReadAll | Needs::WriteAll) && self.tenant.is_some() {
            return Err(Problem::new(
                ProblemKind::Forbidden,
                "This takes a token for all tenants, and this one is for a single tenant.",
            ));
        }
        if matches!(needs, Needs::Write | Needs::WriteAll) && !self.write {
            return Err(Problem::new(
                ProblemKind::Forbidden,
                "This token may only read. Use one whose access is `write`.",
            ));
        }
        Ok(())
    }
}

impl Token {
    /// Metrics take a token of their own, which opens nothing else: what a scraper's configuration holds is
    /// read by many.
    fn check_purpose(&self, needs: Needs) -> Result<(), Problem> {
        let detail = match (self.metrics, needs == Needs::Metrics) {
            (true, false) => {
                "This token reads the metrics and nothing else. Use one whose access is `read` or `write`."
            }
            (false, true) => {
                "Metrics take a token of their own. Make one whose access is `metrics`."
            }
            _ => return Ok(()),
        };
        Err(Problem::new(ProblemKind::Forbidden, detail))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::request::token::*;

    const ID: &str = "01JD0000000000000000000000";

    fn token(tenant: Option<&str>, write: bool) -> Token {
        Token {
            id: ID.into(),
            tenant: tenant.map(Into::into),
            write,
            reveal: false,
            metrics: false,
            expires_at: None,
        }
    }

    #[test]
    fn another_tenant_is_not_there_whatever_the_token_may() {
        let own = token(Some("A"), true);
        assert!(own.check(Needs::Write, Some("A")).is_ok());
        assert_eq!(
            own.check(Needs::Write, Some("B"))
                .unwrap_err()
                .kind
                .status(),
            404
        );
        assert_eq!(
            token(Some("A"), false)
                .check(Needs::Write, Some("B"))
                .unwrap_err()
                .status(),
            404
        );
        assert_eq!(own.check(Needs::ReadAll, None).unwrap_err().status(), 403);
    }

    #[test]
    fn a_token_that_reads_does_not_write() {
        let reader = token(None, false);
        assert!(reader.check(Needs::Read, Some("A")).is_ok());
        assert!(reader.check(Needs::ReadAll, None).is_ok());
        assert_eq!(
            reader
                .check(Needs::Write, Some("A"))
                .unwrap_err()
                .kind
                .status(),
            403
        );
        assert_eq!(
            reader
                .check(Needs::WriteAll, None)
                .unwrap_err()
                .kind
                .status(),
            403
        );
    }

    #[test]
    fn a_token_for_metrics_opens_nothing_else_and_no_other_opens_metrics() {
        let scraper = Token {
            metrics: true,
            ..token(None, false)
        };
        assert!(scraper.check(Needs::Metrics, None).is_ok());
        for needs in [Needs::Read, Needs::Write, Needs::ReadAll, Needs::WriteAll] {
            assert_eq!(scraper.check(needs, None).unwrap_err().status(), 403);
            assert_eq!(scraper.check(needs, Some("A")).unwrap_err().status(), 403);
        }
        for other in [
            Token::admin(),
            Token::nobody(),
            token(None, true),
            token(Some("A"), false),
        ] {
            assert_eq!(other.check(Needs::Metrics, None).unwrap_err().status(), 403);
        }
    }

    #[test]
    fn nobody_sees_nothing() {
        let nobody = Token::nobody();
        assert!(nobody.check(Needs::Nothing, None).is_ok());
        assert!(!nobody.sees("A"));
        assert_eq!(
            nobody
                .check(Needs::ReadAll, None)
                .unwrap_err()
                .kind
                .status(),
            403
        );
    }
}
