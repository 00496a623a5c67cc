//! `ETag` and `If-Match`: a resource's revision in quotes, so that nobody overwrites what they have
//! not seen.

use crate::http::problem::{Problem, ProblemKind};

/// The ETag of a revision.
pub fn of(revision: u64) -> String {
    format!("\"{revision}\"")
}

/// What a request said about the revision it was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// Nothing.
    Absent,
    /// `*`: whatever there is, but something.
    Any,
    /// This one.
    Revision(u64),
}

impl IfMatch {
    /// Reads the header.
    ///
    /// # Errors
    /// The header is not `*` or one ETag of this API.
    pub fn parse(header: Option<&str>) -> Result<Self, Problem> {
        let Some(text) = header.map(str::trim) else {
            return Ok(Self::Absent);
        };
        if text == "*" {
            return Ok(Self::Any);
        }
        text.strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .map(Self::Revision)
            .ok_or_else(|| {
                Problem::invalid_request(
                    "If-Match takes the ETag of an answer as it was, one number in quotes, or *.",
                )
            })
    }

    /// Lets a change of what is at `revision` go on; 0 says that there is nothing yet.
    ///
    /// # Errors
    /// The request was made for another revision.
    pub fn check(self, revision: u64) -> Result<(), Problem> {
        match self {
            Self::Absent => Ok(()),
            Self::Any if revision > 0 => Ok(()),
            Self::Revision(wanted) if wanted == revision => Ok(()),
            Self::Any | Self::Revision(_) => Err(mismatch()),
        }
    }

    /// The problem of a change that was overtaken between its check and its write.
    pub fn overtaken(self) -> Problem {
        match self {
            Self::Absent => Problem::conflict(
                "Somebody else changed this at the same moment, and nothing was written. Read it again and repeat the request.",
            ),
            Self::Any | Self::Revision(_) => mismatch(),
        }
    }
}

fn mismatch() -> Problem {
    Problem::new(
        ProblemKind::RevisionMismatch,
        "This was changed since you read it. Read it again, look at the difference and repeat the request with the new ETag.",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::request::etag::*;

    #[test]
    fn an_etag_reads_back() {
        assert_eq!(IfMatch::parse(Some(&of(7))).unwrap(), IfMatch::Revision(7));
        assert_eq!(IfMatch::parse(Some(" * ")).unwrap(), IfMatch::Any);
        assert_eq!(IfMatch::parse(None).unwrap(), IfMatch::Absent);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "7",
            "\"",
            "\"\"",
            "W/\"7\"",
            "\"7\", \"8\"",
            "\"-1\"",
            "\"+7\"",
        ] {
            assert_eq!(
                IfMatch::parse(Some(text)).unwrap_err().status(),
                400,
                "{text}"
            );
        }
    }

    #[test]
    fn only_the_revision_that_was_read_may_be_changed() {
        assert!(IfMatch::Revision(7).check(7).is_ok());
        assert_eq!(IfMatch::Revision(6).check(7).unwrap_err().status(), 412);
        assert_eq!(IfMatch::Any.check(0).unwrap_err().status(), 412);
        assert!(IfMatch::Any.check(1).is_ok());
        assert!(IfMatch::Absent.check(0).is_ok());
        assert_eq!(IfMatch::Revision(7).overtaken().status(), 412);
        assert_eq!(IfMatch::Absent.overtaken().status(), 409);
    }
}
