//! Tenants as KV's text gave them, kept from request to request.
//!
//! KV is asked every time; what is spared is reading the same text again. The text itself is what
//! is compared, so nothing kept can be older than the answer of KV.

use std::cell::RefCell;
use std::rc::Rc;

use ringfence_provision::url_template::RouteTable;

use super::routes;
use crate::model::published::PublishedTenant;

/// As many access paths as an isolate usually serves at a time; the oldest goes first.
const MAX_CACHED: usize = 64;

/// A tenant, ready to look its files up.
#[derive(Debug)]
pub struct CachedTenant {
    pub tenant: PublishedTenant,
    /// `None` if its names contradict each other, which is refused when they are saved.
    pub table: Option<Rc<RouteTable>>,
}

struct CachedEntry {
    hash: String,
    text: String,
    known: Rc<CachedTenant>,
}

thread_local! {
    static KNOWN: RefCell<Vec<CachedEntry>> = const { RefCell::new(Vec::new()) };
}

impl From<PublishedTenant> for CachedTenant {
    fn from(tenant: PublishedTenant) -> Self {
        Self {
            table: routes::table(&tenant.options),
            tenant,
        }
    }
}

/// What KV last had for an access path: for a guess only, which KV's next answer confirms or not.
pub fn last_known(hash: &str) -> Option<Rc<CachedTenant>> {
    KNOWN.with_borrow(|entries| {
        let entry = entries.iter().find(|entry| entry.hash == hash)?;
        Some(Rc::clone(&entry.known))
    })
}

/// The tenant that KV has for an access path; `None` if the text is none of this version's.
pub(super) fn read(hash: &str, text: String) -> Option<Rc<CachedTenant>> {
    let kept = KNOWN.with_borrow(|entries| {
        entries
            .iter()
            .find(|entry| entry.hash == hash && entry.text == text)
            .map(|entry| Rc::clone(&entry.known))
    });
    if kept.is_some() {
        return kept;
    }
    let tenant: PublishedTenant = ringfence_json::from_str(&text).ok()?;
    let known = Rc::new(CachedTenant::from(tenant));
    KNOWN.with_borrow_mut(|entries| {
        entries.retain(|entry| entry.hash != hash);
        if entries.len() >= MAX_CACHED {
            entries.remove(0);
        }
        entries.push(CachedEntry {
            hash: hash.to_owned(),
            text,
            known: Rc::clone(&known),
        });
    });
    Some(known)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn text(version: u64) -> String {
        format!(r#"{{"tenant":"T","version":{version},"options":{{}}}}"#)
    }

    #[test]
    fn the_same_text_is_read_once_and_another_text_at_once() {
        let first = read("a", text(1)).unwrap();
        assert!(first.table.is_some());
        assert!(Rc::ptr_eq(&first, &read("a", text(1)).unwrap()));
        let next = read("a", text(2)).unwrap();
        assert_eq!(next.tenant.version, 2);
        assert_eq!(last_known("a").unwrap().tenant.version, 2);
        assert_eq!(read("a", text(1)).unwrap().tenant.version, 1);
        assert!(last_known("nobody").is_none());
    }

    #[test]
    fn access_paths_do_not_share_a_value() {
        let first = read("b", text(1)).unwrap();
        let second = read("c", text(1)).unwrap();
        assert!(!Rc::ptr_eq(&first, &second));
    }

    #[test]
    fn what_is_kept_is_bounded_and_nonsense_is_not_kept() {
        assert!(read("d", "{".into()).is_none());
        for number in 0..MAX_CACHED * 2 {
            read(&number.to_string(), text(1)).unwrap();
        }
        assert_eq!(KNOWN.with_borrow(Vec::len), MAX_CACHED);
    }
}
