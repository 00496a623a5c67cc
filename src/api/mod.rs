//! stub
use crate::app::{App, Caller};
use worker::{Request, Response};
pub async fn answer(_r: Request, _a: App, _c: Caller) -> worker::Result<Response> {
    Response::ok("{}")
}
