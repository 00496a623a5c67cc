//! What KV said beside sealed files a moment ago, kept by the isolate: a phone that has the very file is told so without
//! the file being read.
//!
//! KV itself gives an answer again for a minute before it asks its store. What is kept here is kept for no longer, so what
//! it says is at most twice as old as KV's. The tenant's value is read all the same, and has the last word.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::model::published::FileMeta;

/// As long as KV gives an answer again.
const MAX_AGE_MS: u64 = 60_000;

/// More are not kept, at some 400 bytes each.
const MAX_KNOWN: usize = 5_000;

thread_local! {
    /// By the file's key in KV: what was beside it, and when it was read.
    static KNOWN: RefCell<BTreeMap<String, (FileMeta, u64)>> = const { RefCell::new(BTreeMap::new()) };
}

/// Keeps what KV said beside a sealed file whose key is confirmed: to take another one once more changes nothing.
pub fn remember(key: &str, meta: &FileMeta, now: u64) {
    if !meta.confirmed || meta.etag.is_empty() {
        return;
    }
    KNOWN.with_borrow_mut(|known| {
        if known.len() >= MAX_KNOWN {
            known.retain(|_, (_, at)| now < *at + MAX_AGE_MS);
        }
        if known.len() < MAX_KNOWN {
            known.insert(key.to_owned(), (meta.clone(), now));
        }
    });
}

/// What KV said beside a file, if `fits` holds.
pub fn known(key: &str, now: u64, fits: impl FnOnce(&FileMeta) -> bool) -> Option<FileMeta> {
    KNOWN.with_borrow(|known| {
        let (meta, at) = known.get(key)?;
        (now < at + MAX_AGE_MS && fits(meta)).then(|| meta.clone())
    })
}

/// The file is another one, or gone.
pub(super) fn forget(key: &str) {
    KNOWN.with_borrow_mut(|known| known.remove(key));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(etag: &str, confirmed: bool) -> FileMeta {
        FileMeta {
            version: 1,
            generation: 1,
            etag: etag.into(),
            confirmed,
            device: "D".into(),
            extension: "enc".into(),
            content_type: String::new(),
            content_encoding: String::new(),
            length: 1,
            master: String::new(),
            family: None,
            place: None,
        }
    }

    #[test]
    fn it_is_known_for_a_minute_and_until_it_changes() {
        remember("a", &meta("\"1\"", true), 1_000);
        let etag = |now| known("a", now, |_| true).map(|meta| meta.etag);
        assert_eq!(etag(1_000 + MAX_AGE_MS - 1).as_deref(), Some("\"1\""));
        assert_eq!(etag(1_000 + MAX_AGE_MS), None);
        assert!(known("a", 1_000, |meta| meta.etag == "\"2\"").is_none());
        forget("a");
        assert_eq!(etag(1_000), None);
    }

    #[test]
    fn what_has_something_to_say_or_no_etag_is_not_kept() {
        remember("b", &meta("\"1\"", false), 1_000);
        remember("c", &meta("", true), 1_000);
        assert!(known("b", 1_000, |_| true).is_none());
        assert!(known("c", 1_000, |_| true).is_none());
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_old_makes_room() {
        for number in 0..MAX_KNOWN * 2 {
            remember(&format!("d{number}"), &meta("\"1\"", true), 1_000);
        }
        assert_eq!(KNOWN.with_borrow(BTreeMap::len), MAX_KNOWN);
        remember("e", &meta("\"1\"", true), 1_000 + MAX_AGE_MS);
        assert!(known("e", 1_000 + MAX_AGE_MS, |_| true).is_some());
        assert_eq!(KNOWN.with_borrow(BTreeMap::len), 1);
    }
}
