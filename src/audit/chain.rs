//! The chain over the audit log: each entry's hash covers the entry and the hash before it, so an
//! entry that is changed, taken out or moved changes every hash after it.
//!
//! The hash of an entry is SHA-256 of two lines: the hash before it, 64 hexadecimal digits, and the
//! entry as the export writes it. Before the first entry are 64 zeros. So an export can be checked
//! without Ringfence: `printf '%s\n%s\n' "$before" "$line" | sha256sum`.
//!
//! Whoever writes to the database could make all hashes anew. The end of the chain therefore has a
//! tag under the master key ([`Head::tag`]), which only the Worker can make.

use ringfence_api::admin::audit_chain::Link;
use ringfence_provision::wrap::MasterKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::AuditRow;
use crate::platform::hash::hex;

/// What stands for the hash before the first entry.
pub const START: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The link before the first entry.
pub fn first_link() -> Link {
    Link {
        number: 0,
        hash: START.into(),
    }
}

/// The link of the entry after that of `link`.
pub fn next_link(link: &Link, row: &AuditRow) -> Link {
    let mut hash = Sha256::new();
    for line in [link.hash.as_str(), &line(row)] {
        hash.update(line.as_bytes());
        hash.update(b"\n");
    }
    Link {
        number: row.number,
        hash: hex(&hash.finalize()),
    }
}

/// The end of the chain, and the last cut.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Head {
    /// Of the last entry in the chain.
    pub number: u64,
    pub hash: String,
    /// Of the last entry that was cut; 0: none.
    pub cut_number: u64,
    pub cut_hash: String,
}

impl Head {
    /// The head of a chain without entries.
    pub fn start() -> Self {
        Self {
            number: 0,
            hash: START.into(),
            cut_number: 0,
            cut_hash: START.into(),
        }
    }

    /// The last entry in the chain.
    pub fn end(&self) -> Link {
        Link {
            number: self.number,
            hash: self.hash.clone(),
        }
    }

    /// What the first entry that is left builds on.
    pub fn cut(&self) -> Link {
        Link {
            number: self.cut_number,
            hash: self.cut_hash.clone(),
        }
    }

    /// What only the Worker can say of this head.
    pub fn tag(&self, key: &MasterKey) -> String {
        key.audit_tag(&[
            "audit-head",
            &self.number.to_string(),
            &self.hash,
            &self.cut_number.to_string(),
            &self.cut_hash,
        ])
    }
}

#[derive(Serialize)]
struct ChainLine<'a> {
    number: u64,
    id: &'a str,
    at: u64,
    tenant: Option<&'a str>,
    token: &'a str,
    action: &'a str,
    object: &'a str,
    before: Option<Value>,
    after: Option<Value>,
    address: &'a str,
    request_id: &'a str,
}

/// An entry as one line of JSON, without the newline. Two entries with different columns have
/// different lines.
pub fn line(row: &AuditRow) -> String {
    let line = ChainLine {
        number: row.number,
        id: &row.id,
        at: row.at,
        tenant: row.tenant_id.as_deref(),
        token: &row.token_id,
        action: &row.action,
        object: &row.object,
        before: row.before.as_deref().map(side),
        after: row.after.as_deref().map(side),
        address: &row.address,
        request_id: &row.request_id,
    };
    // Texts and numbers alone always serialise.
    serde_json::to_string(&line).unwrap_or_default()
}

/// A side of an entry: as JSON where it is an object or a list, written as this program writes it;
/// else its text, so that no two texts look the same.
fn side(text: &str) -> Value {
    let value: Option<Value> = ringfence_json::from_str(text)
        .ok()
        .filter(|value: &Value| value.is_object() || value.is_array())
        .filter(|value| serde_json::to_string(value).is_ok_and(|written| written == text));
    value.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// What is wrong with an entry of the chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("entry {0} is missing: it was taken out of the log")]
    Missing(u64),
    #[error("entry {0} is not what it was when it was chained: it, or its hash, was changed")]
    Changed(u64),
}

/// Follows the chain from `from` through entries in the order of their numbers, each with the hash
/// that is stored for it, if one is.
///
/// # Errors
/// An entry is missing, or is not what its stored hash covers.
pub fn follow(from: Link, entries: &[(AuditRow, Option<String>)]) -> Result<Link, Fault> {
    let mut link = from;
    for (row, stored) in entries {
        if row.number != link.number + 1 {
            return Err(Fault::Missing(link.number + 1));
        }
        link = next_link(&link, row);
        if stored.as_ref().is_some_and(|stored| *stored != link.hash) {
            return Err(Fault::Changed(row.number));
        }
    }
    Ok(link)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use crate::audit::digest::tests::keyring;

    fn row(number: u64) -> AuditRow {
        AuditRow {
            number,
            id: "01JD0000000000000000000000".into(),
            tenant_id: Some("01JC0000000000000000000000".into()),
            token_id: "admin".into(),
            action: "device.disable".into(),
            object: "devices/0080F0C571EB".into(),
            before: Some(r#"{"disabled":false}"#.into()),
            after: None,
            address: "192.0.2.7".into(),
            request_id: "01JD0000000000000000000001".into(),
            at: 1000,
        }
    }

    fn chained(count: u64) -> Vec<(AuditRow, Option<String>)> {
        let mut link = first_link();
        (1..=count)
            .map(|number| {
                link = next_link(&link, &row(number));
                (row(number), Some(link.hash.clone()))
            })
            .collect()
    }

    #[test]
    fn audit_line_format_unchanged() {
        assert_eq!(
            line(&row(7)),
            r#"{"number":7,"id":"01JD0000000000000000000000","at":1000,"tenant":"01JC0000000000000000000000","token":"admin","action":"device.disable","object":"devices/0080F0C571EB","before":{"disabled":false},"after":null,"address":"192.0.2.7","request_id":"01JD0000000000000000000001"}"#
        );
    }

    #[test]
    fn audit_chain_hash_format_unchanged() {
        // printf '%s\n%s\n' "$before" "$line" | sha256sum, twice.
        let first = next_link(&first_link(), &row(1));
        assert_eq!(
            first.hash,
            "a91450122905990c835901eca2342e637ae2e9df31f726d08167ea4e6286a052"
        );
        assert_eq!(
            next_link(&first, &row(2)).hash,
            "689dd3d7b1ac6e59d6b9d925f1eeb4414c7bc5e9870e28ec325e540ddbb11784"
        );
    }

    #[test]
    fn audit_head_tag_format_unchanged() {
        let head = Head {
            number: 7,
            hash: "ab".repeat(32),
            ..Head::start()
        };
        assert_eq!(
            head.tag(keyring().current()),
            "4ec5ca86239281a328c978f11a846efed84177f2fa665c055dda743e42a2da90"
        );
    }

    #[test]
    fn no_two_texts_of_a_side_look_the_same() {
        let texts = [
            r#"{"a":1}"#,
            r#"{ "a":1}"#,
            r#""{\"a\":1}""#,
            "x",
            r#""x""#,
            "1",
            "null",
        ];
        let mut seen = std::collections::BTreeSet::new();
        for text in texts {
            let row = AuditRow {
                before: Some(text.into()),
                ..row(1)
            };
            assert!(seen.insert(line(&row)), "{text}");
        }
    }

    #[test]
    fn a_chain_that_nobody_touched_is_followed_to_its_end() {
        let entries = chained(5);
        let end = follow(first_link(), &entries).unwrap();
        assert_eq!(Some(&end.hash), entries[4].1.as_ref());
        let half = follow(first_link(), &entries[..2]).unwrap();
        assert_eq!(follow(half, &entries[2..]).unwrap(), end);
    }

    #[test]
    fn every_column_of_an_entry_is_covered() {
        let changes: [fn(&mut AuditRow); 10] = [
            |row| row.id.push('x'),
            |row| row.tenant_id = None,
            |row| row.token_id.push('x'),
            |row| row.action.push('x'),
            |row| row.object.push('x'),
            |row| row.before = None,
            |row| row.after = Some("{}".into()),
            |row| row.address.push('x'),
            |row| row.request_id.push('x'),
            |row| row.at += 1,
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut entries = chained(5);
            change(&mut entries[2].0);
            assert_eq!(
                follow(first_link(), &entries),
                Err(Fault::Changed(3)),
                "change {number}"
            );
        }
    }

    #[test]
    fn what_is_taken_out_or_moved_is_found() {
        let mut entries = chained(5);
        entries.remove(2);
        assert_eq!(follow(first_link(), &entries), Err(Fault::Missing(3)));
        let mut entries = chained(5);
        // Entries of the same columns would be the same in another order: make them differ.
        let moved = AuditRow {
            number: 2,
            ..entries[2].0.clone()
        };
        entries[1] = (AuditRow { at: 9, ..moved }, entries[1].1.clone());
        assert_eq!(follow(first_link(), &entries), Err(Fault::Changed(2)));
    }
}
