//! The Ringfence Worker: phones on one side, operators on the other.
//!
//! `phone` answers phones, `api` answers operators' programs, `console` operators themselves, by way of the API; all stand on `files` (from settings to bytes),
//! `store` (D1) and `edge` (KV). The pure crates know nothing of any of them.

// Nothing uses this crate but the runtime: `pub` says "to the rest of the Worker".
#![allow(unreachable_pub)]

mod api;
mod app;
mod audit;
mod console;
mod db;
mod edge;
mod files;
mod http;
mod kv;
mod maintenance;
mod model;
mod phone;
mod platform;
mod pool;
mod relay_door;
mod store;
mod throttle;
mod webhooks;
mod witness;

use worker::{Context, Env, ScheduleContext, ScheduledEvent, event};

use app::{App, Caller};
use http::head::Head;
use http::problem::Problem;
use platform::log;

#[event(fetch)]
async fn fetch(
    request: web_sys::Request,
    env: Env,
    context: Context,
) -> worker::Result<web_sys::Response> {
    let now = platform::now();
    let request_id = platform::new_id(now);
    route(request, env, context, now, &request_id).await
}

/// Every answer carries the request's id and says that its type is what it is: a phone's is made with
/// them, an operator's gets them here.
fn stamped(response: worker::Response, id: &str) -> worker::Result<web_sys::Response> {
    let response = web_sys::Response::from(response);
    let headers = response.headers();
    headers.set(http::REQUEST_ID, id)?;
    headers.set(http::CONTENT_TYPE_OPTIONS, http::AS_IT_SAYS)?;
    Ok(response)
}

async fn route(
    request: web_sys::Request,
    env: Env,
    context: Context,
    now: u64,
    request_id: &str,
) -> worker::Result<web_sys::Response> {
    let head = Head::of(&request)?;
    let path = &*head.path;
    let operator = path.starts_with("/api/") || matches!(path, "/healthz" | "/metrics");
    let app = match App::new(env, context, now, request_id) {
        Ok(app) => app,
        Err(error) => {
            log::warn(
                "not_set_up",
                &[("request_id", request_id), ("error", &error.to_string())],
            );
            return if operator {
                stamped(Problem::from(error).into_response(request_id)?, request_id)
            } else {
                phone::unavailable(head.method == "HEAD", request_id)
            };
        }
    };
    let caller = Caller::at(
        &head.origin,
        app.is_local,
        &head.address,
        &head.user_agent,
        &head.country,
    );
    #[cfg(feature = "panic-route")]
    if path == "/__panic" {
        panic!("a panic on purpose, to show what it costs");
    }
    #[cfg(all(feature = "panic-route", target_arch = "wasm32"))]
    if path == "/__abort" {
        core::arch::wasm32::unreachable();
    }
    if console::has(path) {
        stamped(
            console::answer(request.into(), app, caller).await?,
            request_id,
        )
    } else if path == relay_door::PATH {
        Ok(relay_door::answer(&request.into(), &app, &caller)
            .await?
            .into())
    } else if operator {
        stamped(api::answer(request.into(), app, caller).await?, request_id)
    } else {
        phone::answer(head, app, caller).await
    }
}

#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    let now = platform::now();
    if let Err(error) = maintenance::run(&env, now).await {
        log::warn("maintenance_failed", &[("error", &error.to_string())]);
    }
    // Whose alarm was lost: those that it wakes in vain find nothing to do.
    let woken = match db::Db::new(&env) {
        Ok(db) => api::wake_operations(&env, &db).await,
        Err(error) => Err(error),
    };
    if let Err(error) = woken {
        log::warn("operations_not_woken", &[("error", &error.to_string())]);
    }
    let woken = match db::Db::new(&env) {
        Ok(db) => webhooks::wake_all(&env, &db).await,
        Err(error) => Err(error),
    };
    if let Err(error) = woken {
        log::warn("webhooks_not_woken", &[("error", &error.to_string())]);
    }
}
