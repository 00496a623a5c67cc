//! What a page is to whoever calls it: where pages are, for whom one is, and how it ends.

use std::future::Future;
use std::pin::Pin;

use ringfence_console::problem::Problem;

use crate::console::reply::Reply;
use crate::console::visit::Visit;

/// Where the console is.
pub const PATH: &str = "/console";

/// Whether a path is the console's.
pub fn has(path: &str) -> bool {
    path.strip_prefix(PATH)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A page, or why there is none.
pub type PageResult = Result<Reply, Problem>;

/// Makes a page for a visit.
pub type Run = fn(Visit) -> Pin<Box<dyn Future<Output = PageResult>>>;

/// For whom a page is.
#[derive(Clone, Copy)]
pub enum Open {
    ToAll(Run),
    SignedIn(Run),
}
