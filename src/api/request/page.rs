//! Paged lists: `?limit=` and an opaque `?cursor=`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::http::problem::Problem;

/// How many items a page has unless it is told.
pub const DEFAULT: u32 = 50;
/// How many items a page has at most.
pub const MAX_PAGE: u32 = 200;

/// Which part of a list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PageQuery {
    /// How many items; 1 to 200, by default 50.
    pub limit: Option<u32>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

/// A part of a list.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Page<T> {
    /// The items of this page, in the order of the list.
    pub items: Vec<T>,
    /// The cursor of the next page; null at the end.
    pub next: Option<String>,
}

/// A page that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window<const PARTS: usize = 1> {
    pub limit: u32,
    /// The key of the last item of the page before.
    pub after: Option<[String; PARTS]>,
}

impl<const PARTS: usize> Window<PARTS> {
    /// Reads what a query says.
    ///
    /// # Errors
    /// The limit is out of bounds, or the cursor was not made by this list.
    pub fn new(limit: Option<u32>, cursor: Option<&str>) -> Result<Self, Problem> {
        let limit = limit.unwrap_or(DEFAULT);
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(Problem::invalid_request(format!(
                "`limit` is 1 to {MAX_PAGE}."
            )));
        }
        let after = match cursor {
            None => None,
            Some(cursor) => Some(read(cursor).ok_or_else(|| {
                Problem::invalid_request(
                    "`cursor` takes `next` of this list's page before, as it was.",
                )
            })?),
        };
        Ok(Self { limit, after })
    }

    /// How many rows to read: one more than asked for tells whether there is a next page.
    pub fn rows(&self) -> u32 {
        self.limit + 1
    }

    /// The page of the rows that were read.
    pub fn page<R, T>(
        &self,
        mut rows: Vec<R>,
        key: impl Fn(&R) -> [String; PARTS],
        view: impl Fn(R) -> T,
    ) -> Page<T> {
        let limit = self.limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| cursor(&key(row)));
        Page {
            items: rows.into_iter().map(view).collect(),
            next,
        }
    }
}

impl Window {
    /// The key of the last item of the page before; empty at the beginning.
    pub fn after_text(&self) -> &str {
        match &self.after {
            Some([key]) => key,
            None => "",
        }
    }
}

impl PageQuery {
    /// What the query says, for a list with one key.
    ///
    /// # Errors
    /// As [`Window::new`].
    pub fn window(&self) -> Result<Window, Problem> {
        Window::new(self.limit, self.cursor.as_deref())
    }
}

/// A cursor that leads to what comes after `key`.
pub fn cursor(key: &[String]) -> String {
    URL_SAFE_NO_PAD.encode(key.join("\n"))
}

fn read<const PARTS: usize>(cursor: &str) -> Option<[String; PARTS]> {
    let bytes = URL_SAFE_NO_PAD
        .decode(cursor.get(..cursor.len().min(400))?)
        .ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let parts: Vec<String> = text.split('\n').map(str::to_owned).collect();
    parts.try_into().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::request::page::*;

    fn page(window: &Window, rows: &[&str]) -> Page<String> {
        let rows = rows.iter().map(|row| (*row).to_owned()).collect();
        window.page(rows, |row: &String| [row.clone()], |row| row)
    }

    #[test]
    fn a_cursor_leads_to_what_comes_after_the_last_item() {
        let window = Window::new(Some(2), None).unwrap();
        assert_eq!(window.rows(), 3);
        let first = page(&window, &["a", "b", "c"]);
        assert_eq!(first.items, ["a", "b"]);
        let second: Window = Window::new(Some(2), first.next.as_deref()).unwrap();
        assert_eq!(second.after_text(), "b");
        assert_eq!(page(&second, &["c"]).next, None);
    }

    #[test]
    fn a_full_page_without_more_is_the_last() {
        let window = Window::new(Some(2), None).unwrap();
        assert_eq!(page(&window, &["a", "b"]).next, None);
    }

    #[test]
    fn limits_and_foreign_cursors_are_refused() {
        assert_eq!(Window::<1>::new(Some(0), None).unwrap_err().status(), 400);
        assert_eq!(
            Window::<1>::new(Some(MAX_PAGE + 1), None)
                .unwrap_err()
                .kind
                .status(),
            400
        );
        for cursor in ["!", "é", "_w", &cursor(&["a".into(), "b".into()])] {
            assert_eq!(
                Window::<1>::new(None, Some(cursor))
                    .unwrap_err()
                    .kind
                    .status(),
                400,
                "{cursor}"
            );
        }
    }

    #[test]
    fn page_json_format_unchanged() {
        let window = Window::new(Some(1), None).unwrap();
        let json = serde_json::to_string(&page(&window, &["a", "b"])).unwrap();
        assert_eq!(json, r#"{"items":["a"],"next":"YQ"}"#);
    }
}
