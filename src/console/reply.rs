//! What a browser gets: a page or a way on, with the headers that keep it to itself.

use ringfence_console::part::Page;
use ringfence_console::problem::Problem;
use ringfence_console::shell::Shell;
use ringfence_console::{href, sign_in as form};
use serde_json::Value;
use worker::{Headers, Response, ResponseBuilder};

use crate::console::cookie;
use crate::http::problem::Problem as Told;

/// Nothing but the console's own parts is loaded, no script or style stands in the page, no other site shows it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A file that a browser keeps and does not show.
struct File {
    name: String,
    content_type: &'static str,
    bytes: Vec<u8>,
}

/// What an answer carries.
enum Body {
    Page(Box<Page>),
    /// For a script of a page.
    Json(Value),
    /// To be kept.
    File(File),
    Nothing,
}

/// An answer.
pub struct Reply {
    status: u16,
    body: Body,
    location: Option<String>,
    cookie: Option<String>,
}

impl Reply {
    fn new(status: u16, body: Body) -> Self {
        Self {
            status,
            body,
            location: None,
            cookie: None,
        }
    }

    /// A page.
    pub fn page(page: Page) -> Self {
        Self::refused(200, page)
    }

    /// A page that says what was wrong.
    pub fn refused(status: u16, page: Page) -> Self {
        Self::new(status, Body::Page(Box::new(page)))
    }

    /// What a script of a page asked for.
    pub fn json(value: Value) -> Self {
        Self::new(200, Body::Json(value))
    }

    /// A file to be kept.
    pub fn file(name: String, content_type: &'static str, bytes: Vec<u8>) -> Self {
        let file = File {
            name,
            content_type,
            bytes,
        };
        Self::new(200, Body::File(file))
    }

    /// The way to another page (RFC 9110 §15.4.4).
    pub fn see(location: &str) -> Self {
        Self {
            location: Some(location.to_owned()),
            ..Self::new(303, Body::Nothing)
        }
    }

    /// The same, with the cookie of a session.
    pub fn with_cookie(mut self, cookie: String) -> Self {
        self.cookie = Some(cookie);
        self
    }

    /// The same; with `over`, the browser forgets its session.
    pub fn forgetting(self, over: bool) -> Self {
        if over {
            self.with_cookie(cookie::unset())
        } else {
            self
        }
    }

    /// The response.
    ///
    /// # Errors
    /// The runtime refuses a header, or the page cannot be written down.
    pub fn into_response(self) -> worker::Result<Response> {
        let headers = Headers::new();
        headers.set("cache-control", "no-store")?;
        headers.set("content-security-policy", POLICY)?;
        headers.set("x-frame-options", "DENY")?;
        headers.set("x-content-type-options", "nosniff")?;
        // `no-referrer` would also take the origin off the console's own forms, which look at it.
        headers.set("referrer-policy", "same-origin")?;
        headers.set("cross-origin-opener-policy", "same-origin")?;
        headers.set("cross-origin-resource-policy", "same-origin")?;
        headers.set(
            "permissions-policy",
            "camera=(), geolocation=(), microphone=()",
        )?;
        if let Some(cookie) = &self.cookie {
            headers.set("set-cookie", cookie)?;
        }
        if let Some(location) = &self.location {
            headers.set("location", location)?;
        }
        let response = ResponseBuilder::new().with_status(self.status);
        let (content_type, bytes) = match self.body {
            Body::Nothing => return Ok(response.with_headers(headers).empty()),
            Body::Json(value) => ("application/json", value.to_string().into_bytes()),
            Body::File(file) => {
                let disposition = format!("attachment; filename=\"{}\"", file.name);
                headers.set("content-disposition", &disposition)?;
                (file.content_type, file.bytes)
            }
            Body::Page(page) => {
                let html = page
                    .html()
                    .map_err(|error| worker::Error::RustError(error.to_string()))?;
                ("text/html; charset=utf-8", html.into_bytes())
            }
        };
        headers.set("content-type", content_type)?;
        Ok(response.with_headers(headers).fixed(bytes))
    }
}

/// A problem, for somebody who is not signed in.
pub fn outside(problem: Problem) -> Reply {
    let shell = Shell::outside(&problem.title);
    Reply::refused(problem.status, Page::new(shell).with_problem(Some(problem)))
}

/// A problem, for somebody who is.
pub fn inside(shell: Shell, problem: Problem) -> Reply {
    Reply::refused(problem.status, Page::new(shell).with_problem(Some(problem)))
}

/// The way to the form that one signs in with, and from there to `next`.
pub fn sign_in(next: &str, over: bool) -> String {
    let said = if over { "over" } else { "" };
    let next = if next == "/console" { "" } else { next };
    format!(
        "/console/sign-in{}",
        href::query(&[("said", said), ("next", next)])
    )
}

/// The form again, with what was wrong.
pub fn not_signed_in(next: &str, problem: Problem) -> Reply {
    let status = problem.status;
    Reply::refused(status, form::page(next, None, Some(problem), None))
}

/// A problem of the console itself, as a page shows it.
pub fn own(problem: &Told, request_id: &str) -> Problem {
    Problem {
        request_id: request_id.to_owned(),
        ..Problem::new(
            problem.status(),
            problem.kind.title(),
            problem.detail.as_str(),
        )
    }
}
