//! What can be wrong with a request: the kinds of problem documents (RFC 9457).

/// What a problem is, whatever request it is about: the last part of the `type` URI, for example
/// `not-found`. It is stable: clients may match on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    InvalidRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    OverQuota,
    RevisionMismatch,
    TooLarge,
    InvalidFiles,
    FailedTests,
    InvalidValue,
    TooManyRequests,
    Internal,
    Unavailable,
    DatabaseRestored,
    DatabaseMigrating,
    Misconfigured,
}

impl ProblemKind {
    /// Every kind, in the order of their statuses.
    pub const ALL: [Self; 18] = [
        Self::InvalidRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::OverQuota,
        Self::RevisionMismatch,
        Self::TooLarge,
        Self::InvalidFiles,
        Self::FailedTests,
        Self::InvalidValue,
        Self::TooManyRequests,
        Self::Internal,
        Self::Unavailable,
        Self::DatabaseRestored,
        Self::DatabaseMigrating,
        Self::Misconfigured,
    ];

    /// The word in the `type` URI.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid-request",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::Conflict => "conflict",
            Self::OverQuota => "over-quota",
            Self::RevisionMismatch => "revision-mismatch",
            Self::TooLarge => "too-large",
            Self::InvalidFiles => "invalid-files",
            Self::FailedTests => "failed-tests",
            Self::InvalidValue => "invalid-value",
            Self::TooManyRequests => "too-many-requests",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::DatabaseRestored => "database-restored",
            Self::DatabaseMigrating => "database-migrating",
            Self::Misconfigured => "misconfigured",
        }
    }

    /// The status of the answer.
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidRequest => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict | Self::OverQuota => 409,
            Self::RevisionMismatch => 412,
            Self::TooLarge => 413,
            Self::InvalidFiles | Self::FailedTests | Self::InvalidValue => 422,
            Self::TooManyRequests => 429,
            Self::Internal => 500,
            Self::Unavailable
            | Self::DatabaseRestored
            | Self::DatabaseMigrating
            | Self::Misconfigured => 503,
        }
    }

    /// What it means, for the `title` member and the description of the API.
    pub fn title(self) -> &'static str {
        match self {
            Self::InvalidRequest => "The request cannot be understood",
            Self::Unauthorized => "A valid API token is needed",
            Self::Forbidden => "The token may not do this",
            Self::NotFound => "There is no such thing",
            Self::MethodNotAllowed => "The resource does not take this method",
            Self::Conflict => "The state of the resource does not allow this",
            Self::OverQuota => "The tenant uses all that it may of something",
            Self::RevisionMismatch => "The resource has changed since it was read",
            Self::TooLarge => "The body is too large",
            Self::InvalidFiles => "The change would break files of phones",
            Self::FailedTests => "The change would break tests of files",
            Self::InvalidValue => "A value is not acceptable",
            Self::TooManyRequests => "Too many requests",
            Self::Internal => "The server failed",
            Self::Unavailable => "Storage does not answer; nothing was changed",
            Self::DatabaseRestored => "The database was put back to an earlier point",
            Self::DatabaseMigrating => "The database is not up to date yet; nothing was changed",
            Self::Misconfigured => "The deployment is not configured",
        }
    }
}
