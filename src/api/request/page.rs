//! Paged lists: `?limit=` and an opaque `?cursor=`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ringfence_api::page::{MAX_PAGE, Page, PageQuery};

use crate::http::problem::Problem;

/// How many items a page has unless the request says otherwise.
pub const DEFAULT: u32 = 50;

/// A page that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageWindow<const PARTS: usize = 1> {
    pub limit: u32,
    /// The key of the last item of the page before.
    pub after: Option<[String; PARTS]>,
}

impl<const PARTS: usize> PageWindow<PARTS> {
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
            Some(cursor) => Some(read(cursor).ok_or_else(foreign_cursor)?),
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

impl PageWindow {
    /// Reads what a query says, for a list with one key.
    ///
    /// # Errors
    /// As [`PageWindow::new`].
    pub fn of(query: &PageQuery) -> Result<Self, Problem> {
        Self::new(query.limit, query.cursor.as_deref())
    }

    /// The page of rows that were read in the order of one key; `ended_at` is where their reading stopped before
    /// there were enough.
    pub fn page_until<R, T>(
        &self,
        rows: Vec<R>,
        ended_at: Option<String>,
        key: impl Fn(&R) -> [String; 1],
        view: impl Fn(R) -> T,
    ) -> Page<T> {
        let page = self.page(rows, key, view);
        let next = page.next.or_else(|| ended_at.map(|key| cursor(&[key])));
        Page { next, ..page }
    }

    /// The key of the last item of the page before; empty at the beginning.
    pub fn after_text(&self) -> &str {
        match &self.after {
            Some([key]) => key,
            None => "",
        }
    }
}

/// Longer cursors are none: a label of 100 characters and what stands beside it take less.
const MAX_CURSOR: usize = 800;

/// A cursor that leads to what comes after `key`.
pub fn cursor(key: &[String]) -> String {
    URL_SAFE_NO_PAD.encode(key.join("\n"))
}

/// What is said of a cursor that another list made, or nobody.
pub fn foreign_cursor() -> Problem {
    Problem::invalid_request("`cursor` takes `next` of this list's page before, as it was.")
}

fn read<const PARTS: usize>(cursor: &str) -> Option<[String; PARTS]> {
    let bytes = URL_SAFE_NO_PAD
        .decode(cursor.get(..cursor.len().min(MAX_CURSOR))?)
        .ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let parts: Vec<String> = text.split('\n').map(str::to_owned).collect();
    parts.try_into().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::request::page::*;

    fn page(window: &PageWindow, rows: &[&str]) -> Page<String> {
        let rows = rows.iter().map(|row| (*row).to_owned()).collect();
        window.page(rows, |row: &String| [row.clone()], |row| row)
    }

    #[test]
    fn a_cursor_leads_to_what_comes_after_the_last_item() {
        let window = PageWindow::new(Some(2), None).unwrap();
        assert_eq!(window.rows(), 3);
        let first = page(&window, &["a", "b", "c"]);
        assert_eq!(first.items, ["a", "b"]);
        let second: PageWindow = PageWindow::new(Some(2), first.next.as_deref()).unwrap();
        assert_eq!(second.after_text(), "b");
        assert_eq!(page(&second, &["c"]).next, None);
    }

    #[test]
    fn a_full_page_without_more_is_the_last() {
        let window = PageWindow::new(Some(2), None).unwrap();
        assert_eq!(page(&window, &["a", "b"]).next, None);
    }

    #[test]
    fn a_page_whose_reading_stopped_goes_on_there() {
        let window = PageWindow::new(Some(2), None).unwrap();
        let page = |rows: &[&'static str], ended_at: Option<&str>| {
            let ended_at = ended_at.map(str::to_owned);
            window.page_until(
                rows.to_vec(),
                ended_at,
                |row| [(*row).to_owned()],
                |row| row,
            )
        };
        assert_eq!(page(&["a"], None).next, None);
        assert_eq!(page(&["a"], Some("k")).next, Some(cursor(&["k".into()])));
        assert_eq!(
            page(&["a", "b", "c"], Some("k")).next,
            Some(cursor(&["b".into()]))
        );
    }

    #[test]
    fn limits_and_foreign_cursors_are_refused() {
        assert_eq!(
            PageWindow::<1>::new(Some(0), None).unwrap_err().status(),
            400
        );
        assert_eq!(
            PageWindow::<1>::new(Some(MAX_PAGE + 1), None)
                .unwrap_err()
                .kind
                .status(),
            400
        );
        for cursor in ["!", "é", "_w", &cursor(&["a".into(), "b".into()])] {
            assert_eq!(
                PageWindow::<1>::new(None, Some(cursor))
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
        let window = PageWindow::new(Some(1), None).unwrap();
        let json = serde_json::to_string(&page(&window, &["a", "b"])).unwrap();
        assert_eq!(json, r#"{"items":["a"],"next":"YQ"}"#);
    }
}
