//! What the Worker reads off every request: in one call, for each call out of the module costs as much whatever it brings.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::prelude::*;
use worker::Url;

use super::conditional::Conditions;
use crate::app::Origin;

#[wasm_bindgen(module = "/src/http/head.js")]
extern "C" {
    fn head(request: &web_sys::Request) -> String;
}

/// The head of a request, as far as phones and operators have it in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// As it was sent: `worker::Method` takes every name that it does not know for GET.
    pub method: String,
    pub origin: Rc<Origin>,
    /// Of the URL: it begins with a slash, and is still percent-encoded.
    pub path: String,
    /// The address of whoever asked, as the runtime saw it.
    pub address: String,
    pub user_agent: String,
    pub country: String,
    pub conditions: Conditions,
}

impl Head {
    /// Reads it.
    ///
    /// # Errors
    /// The URL is none.
    pub fn of(request: &web_sys::Request) -> worker::Result<Self> {
        Self::read(&head(request))
    }

    /// Of the lines of `head.js`.
    fn read(text: &str) -> worker::Result<Self> {
        let mut lines = text.split('\n');
        let method = lines.next().unwrap_or_default().to_owned();
        let (origin, path) = split(lines.next().unwrap_or_default())?;
        let mut header = || Some(lines.next()?.strip_prefix('=')?.to_owned());
        Ok(Self {
            method,
            origin,
            path: path.to_owned(),
            address: header().unwrap_or_default(),
            user_agent: header().unwrap_or_default(),
            country: header().unwrap_or_default(),
            conditions: Conditions {
                if_match: header(),
                if_none_match: header(),
                range: header(),
                if_range: header(),
            },
        })
    }
}

thread_local! {
    /// The origin of the last request, as it was written and as it was read: most requests of an isolate have the same.
    static LAST: RefCell<Option<(String, Rc<Origin>)>> = const { RefCell::new(None) };
}

/// Origin and path of a URL as the runtime writes it: a slash always follows the host, and what ends the path is never in it.
fn split(url: &str) -> worker::Result<(Rc<Origin>, &str)> {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url
        .get(host..)
        .and_then(|rest| rest.find('/'))
        .map_or(url.len(), |at| host + at);
    let (origin, rest) = url.split_at(end);
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let last = LAST.with_borrow(|last| {
        let (text, read) = last.as_ref()?;
        (text == origin).then(|| Rc::clone(read))
    });
    if let Some(last) = last {
        return Ok((last, path));
    }
    let read = Rc::new(Origin::of(&Url::parse(origin)?));
    LAST.set(Some((origin.to_owned(), Rc::clone(&read))));
    Ok((read, path))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_header_that_is_empty_differs_from_one_that_was_not_sent() {
        let text =
            "PROPFIND\nhttps://phones.example/a/b?c\n=192.0.2.1\n=x=y\n\n=\n=\"e\", *\n\n=\"e\"";
        let head = Head::read(text).unwrap();
        assert_eq!(head.method, "PROPFIND");
        assert_eq!(
            (&*head.origin.text, &*head.path),
            ("https://phones.example", "/a/b")
        );
        assert_eq!(
            (&*head.address, &*head.user_agent, &*head.country),
            ("192.0.2.1", "x=y", "")
        );
        let expected = Conditions {
            if_match: Some(String::new()),
            if_none_match: Some("\"e\", *".into()),
            range: None,
            if_range: Some("\"e\"".into()),
        };
        assert_eq!(head.conditions, expected);
        assert!(Head::read("GET\n/a\n").is_err());
    }

    proptest! {
        #[test]
        fn a_url_is_split_as_the_library_reads_it(
            scheme in "https?",
            host in "([a-z]{1,8}\\.example|127\\.0\\.0\\.1|\\[::1\\]|ü\\.example)(:[1-9][0-9]{0,3})?",
            rest in "(/[a-zA-Z0-9%:@.;,ü ]{0,9}){0,4}(\\?[a-z/#?]{0,9})?",
        ) {
            let Ok(url) = Url::parse(&format!("{scheme}://{host}{rest}")) else {
                return Ok(());
            };
            let (origin, path) = split(url.as_str()).unwrap();
            prop_assert_eq!(&*origin, &Origin::of(&url));
            prop_assert_eq!(path, url.path());
            prop_assert_eq!(&*split(url.as_str()).unwrap().0, &Origin::of(&url));
        }
    }
}
