//! How an operation is answered: the status, the headers and the content, by the type of the answer.

use serde::Serialize;

/// The body of an answer, as an operation gives it.
#[cfg(not(feature = "schema"))]
pub trait Output: Serialize {}
#[cfg(not(feature = "schema"))]
impl<T: Serialize> Output for T {}

/// The body of an answer, as an operation gives it and the OpenAPI document describes it.
#[cfg(feature = "schema")]
pub trait Output: Serialize + schemars::JsonSchema {}
#[cfg(feature = "schema")]
impl<T: Serialize + schemars::JsonSchema> Output for T {}

/// The content type of JSON.
pub const JSON: &str = "application/json";

/// What the type of an answer says about it.
pub trait Answer {
    /// The status.
    const STATUS: u16 = 200;
    /// Whether it carries an ETag for `If-Match`.
    const ETAG: bool = false;
    /// The type of its content.
    const CONTENT_TYPE: &'static str = JSON;
    /// The body.
    type Body: Output;
}

/// 200 with a body.
#[derive(Clone, Debug)]
pub struct Shown<T>(pub T);

/// 200 with a body that has a revision.
#[derive(Clone, Debug)]
pub struct Revised<T>(pub T, pub u64);

/// 201 with a body.
#[derive(Clone, Debug)]
pub struct Created<T>(pub T);

/// 201 with a body that has a revision.
#[derive(Clone, Debug)]
pub struct CreatedRevised<T>(pub T, pub u64);

/// 202 with a body: it was ordered, and goes on by itself.
#[derive(Clone, Debug)]
pub struct Accepted<T>(pub T);

/// 204.
#[derive(Clone, Copy, Debug)]
pub struct Done;

/// 200 with JSON that is written already.
#[derive(Clone, Debug)]
pub struct Verbatim(pub String);

/// 200 with JSON values, one a line.
#[derive(Clone, Debug)]
pub struct Lines<T>(pub T);

/// 200 with a table (RFC 4180).
#[derive(Clone, Debug)]
pub struct Csv {
    pub text: String,
    /// The cursor of the next table, if there is one.
    pub next: Option<String>,
}

/// 200 with metrics in Prometheus' text format.
#[derive(Clone, Debug)]
pub struct Metrics(pub String);

impl<T: Output> Answer for Shown<T> {
    type Body = T;
}

impl<T: Output> Answer for Revised<T> {
    const ETAG: bool = true;
    type Body = T;
}

impl<T: Output> Answer for Created<T> {
    const STATUS: u16 = 201;
    type Body = T;
}

impl<T: Output> Answer for CreatedRevised<T> {
    const STATUS: u16 = 201;
    const ETAG: bool = true;
    type Body = T;
}

impl<T: Output> Answer for Accepted<T> {
    const STATUS: u16 = 202;
    type Body = T;
}

impl Answer for Done {
    const STATUS: u16 = 204;
    type Body = ();
}

impl Answer for Verbatim {
    type Body = serde_json::Value;
}

impl<T: Output> Answer for Lines<T> {
    const CONTENT_TYPE: &'static str = "application/x-ndjson";
    type Body = T;
}

impl Answer for Csv {
    const CONTENT_TYPE: &'static str = "text/csv; charset=utf-8";
    type Body = String;
}

impl Answer for Metrics {
    const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";
    type Body = String;
}
