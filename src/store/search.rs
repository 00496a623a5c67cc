//! Devices by a part of their MAC, label, model, site's name or of what their own settings say that are no
//! secrets: in a tenant, or in all of them.
//!
//! The schema's triggers keep an index of trigrams (FTS5) in step with devices, sites and settings. A tenant's
//! devices have numbers next to each other there, so a search in one tenant reads that range alone,
//! and numbers give a page its order.

use ringfence_sql::args;
use serde::Deserialize;

use super::device_list::{Condition, Draft, Filter};
use super::devices::{DEVICE_COLUMNS, DEVICE_TABLES};
use crate::db::{Db, StorageError};
use crate::model::device::DeviceRow;

/// Fewer characters are no trigram.
pub const MIN_CHARS: usize = 3;
/// The longest text that is searched for, in characters.
pub const MAX_CHARS: usize = 100;

/// What is searched for, as an expression of FTS5. Everything that was typed is quoted in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needle(String);

impl Needle {
    /// The expression of FTS5.
    pub(super) fn expression(&self) -> &str {
        &self.0
    }

    /// Reads what an operator types: words that are all there, in any order, each a part of a MAC in any
    /// notation, of a label, of a model, of a site's name or of a setting. Where a word has less than three
    /// characters, the text is searched for as it is. `None` if it has less than [`MIN_CHARS`] or more than
    /// [`MAX_CHARS`] characters, or is not on one line.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let length = text.chars().count();
        if !(MIN_CHARS..=MAX_CHARS).contains(&length) || text.chars().any(char::is_control) {
            return None;
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let long = words.iter().all(|word| word.chars().count() >= MIN_CHARS);
        let mut expression = if long {
            let words: Vec<String> = words.iter().map(|word| part(word)).collect();
            words.join(" AND ")
        } else {
            part(text)
        };
        // Six pairs with blanks between them are one MAC.
        if long
            && words.len() > 1
            && let Some(digits) = mac_digits(text)
        {
            expression = format!("({expression}) OR mac : \"{digits}\"");
        }
        Some(Self(expression))
    }
}

/// A text that may be anywhere; without its separators in a MAC.
fn part(text: &str) -> String {
    let quoted = text.replace('"', "\"\"");
    match mac_digits(text) {
        Some(digits) => format!("(\"{quoted}\" OR mac : \"{digits}\")"),
        None => format!("\"{quoted}\""),
    }
}

/// The digits of what reads as a part of a MAC, in any notation.
fn mac_digits(text: &str) -> Option<String> {
    let digits: String = text
        .chars()
        .filter(|c| !matches!(c, ':' | '-' | '.' | ' '))
        .collect();
    let fits =
        (MIN_CHARS..=12).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    fits.then(|| digits.to_ascii_uppercase())
}

/// A device that was found.
#[derive(Clone, Debug, Deserialize)]
pub struct SearchHit {
    /// Its place in the order of a search.
    pub number: u64,
    /// Name of its tenant.
    pub tenant_name: String,
    #[serde(rename = "$device")]
    pub device: DeviceRow,
}

/// A device that was found, by its id alone.
#[derive(Clone, Debug, Deserialize)]
pub struct Numbered {
    /// Its place in the order of a search.
    pub number: u64,
    pub id: String,
}

/// The devices of a tenant that a needle fits, after a number, by their ids alone: as many as one answer of D1 would
/// not take whole.
pub async fn numbered(
    db: &Db,
    tenant_id: &str,
    needle: &Needle,
    filter: &Filter,
    after: u64,
    limit: u32,
) -> Result<Vec<Numbered>, StorageError> {
    let conditions = filter.conditions();
    let draft = query(ID, Some(tenant_id), needle, &conditions, after, limit);
    db.rows(&draft.sql, &draft.args).await
}

/// Devices that a needle fits, after a number: of one tenant, or of all.
pub async fn find(
    db: &Db,
    tenant_id: Option<&str>,
    needle: &Needle,
    filter: &Filter,
    after: u64,
    limit: u32,
) -> Result<Vec<SearchHit>, StorageError> {
    let conditions = filter.conditions();
    let columns = format!("t.name AS tenant_name, {DEVICE_COLUMNS}");
    let what = [columns.as_str(), DEVICE_TABLES];
    let draft = query(what, tenant_id, needle, &conditions, after, limit);
    db.rows(&draft.sql, &draft.args).await
}

/// The id alone, as [`query`] takes it.
const ID: [&str; 2] = ["d.id", "devices d"];

/// `columns` beside the number, of `tables`, in which the device is `d`.
fn query<'a>(
    [columns, tables]: [&str; 2],
    tenant_id: Option<&'a str>,
    needle: &'a Needle,
    conditions: &'a [Condition],
    after: u64,
    limit: u32,
) -> Draft<'a> {
    let mut draft = Draft {
        sql: format!(
            "SELECT f.rowid AS number, {columns} \
             FROM device_search_text f CROSS JOIN search_devices x ON x.number = f.rowid \
             CROSS JOIN {tables} WHERE device_search_text MATCH ?1 AND d.id = x.device_id"
        ),
        args: vec![needle.0.as_str().into(), after.into()],
    };
    match tenant_id {
        Some(tenant_id) => {
            draft.args.push(tenant_id.into());
            draft.sql.push_str(
                " AND f.rowid > max(?2, (SELECT number << 24 FROM search_tenants WHERE tenant_id = ?3)) \
                 AND f.rowid < (SELECT (number + 1) << 24 FROM search_tenants WHERE tenant_id = ?3)",
            );
        }
        None => draft.sql.push_str(" AND f.rowid > ?2"),
    }
    draft.also(conditions);
    let limit = draft.bind(limit);
    draft
        .sql
        .push_str(&format!(" ORDER BY f.rowid LIMIT {limit}"));
    draft
}

/// Devices of all tenants in the order of their ids, after `after`.
pub async fn all(db: &Db, after: &str, limit: u32) -> Result<Vec<SearchHit>, StorageError> {
    db.rows(
        &format!(
            "SELECT 0 AS number, t.name AS tenant_name, {DEVICE_COLUMNS} FROM {DEVICE_TABLES} \
             WHERE d.id > ?1 ORDER BY d.id LIMIT ?2"
        ),
        args![after, limit],
    )
    .await
}

/// Devices with that very MAC, of all tenants, in the order of their ids after `after`.
pub async fn with_mac(
    db: &Db,
    mac: &str,
    after: &str,
    limit: u32,
) -> Result<Vec<SearchHit>, StorageError> {
    db.rows(
        &format!(
            "SELECT 0 AS number, t.name AS tenant_name, {DEVICE_COLUMNS} FROM {DEVICE_TABLES} \
             WHERE d.mac = ?1 AND d.id > ?2 ORDER BY d.id LIMIT ?3"
        ),
        args![mac, after, limit],
    )
    .await
}

/// Devices whose MAC another tenant has too, in the order of MAC and id, after `after`.
pub async fn doubled(
    db: &Db,
    after: [&str; 2],
    limit: u32,
) -> Result<Vec<SearchHit>, StorageError> {
    let [mac, id] = after;
    db.rows(
        &format!(
            "SELECT 0 AS number, t.name AS tenant_name, {DEVICE_COLUMNS} FROM {DEVICE_TABLES} \
             WHERE d.mac IN (SELECT mac FROM devices WHERE mac >= ?1 GROUP BY mac \
             HAVING count(*) > 1 ORDER BY mac LIMIT ?3) AND (d.mac, d.id) > (?1, ?2) \
             ORDER BY d.mac, d.id LIMIT ?3"
        ),
        args![mac, id, limit],
    )
    .await
}

/// Another tenant's device with the same MAC.
#[derive(Clone, Debug, Deserialize)]
pub struct Double {
    pub id: String,
    pub tenant_id: String,
    pub tenant_name: String,
}

/// The most other tenants that are named.
const MAX_DOUBLES: u32 = 20;

/// Who else has that MAC.
pub async fn doubles(db: &Db, tenant_id: &str, mac: &str) -> Result<Vec<Double>, StorageError> {
    db.rows(
        "SELECT d.id, d.tenant_id, t.name AS tenant_name FROM devices d \
         JOIN tenants t ON t.id = d.tenant_id WHERE d.mac = ?2 AND d.tenant_id <> ?1 \
         ORDER BY d.id LIMIT ?3",
        args![tenant_id, mac, MAX_DOUBLES],
    )
    .await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn expression(text: &str) -> String {
        Needle::parse(text).unwrap().0
    }

    #[test]
    fn a_part_of_a_mac_is_found_in_any_notation() {
        for text in ["F0C571", "f0:c5:71", "F0-C5-71", "f0c5.71"] {
            assert!(expression(text).ends_with("OR mac : \"F0C571\")"), "{text}");
        }
        assert_eq!(expression("f0 c5 71"), "(\"f0 c5 71\" OR mac : \"F0C571\")");
        assert_eq!(
            expression("0080 f0c5 71eb"),
            "((\"0080\" OR mac : \"0080\") AND (\"f0c5\" OR mac : \"F0C5\") AND \
             (\"71eb\" OR mac : \"71EB\")) OR mac : \"0080F0C571EB\""
        );
        assert_eq!(expression("0080F0C571EB0"), "\"0080F0C571EB0\"");
    }

    #[test]
    fn words_are_all_there_and_short_ones_belong_to_their_neighbours() {
        assert_eq!(expression(" front  desk "), "\"front\" AND \"desk\"");
        assert_eq!(expression("desk 4"), "\"desk 4\"");
        assert_eq!(expression("Würzburg"), "\"Würzburg\"");
    }

    #[test]
    fn nothing_that_is_typed_is_syntax() {
        for (text, quoted) in [
            ("a\" OR \"b", "\"a\"\" OR \"\"b\""),
            ("NEAR(desk)", "\"NEAR(desk)\""),
            ("label:x*", "\"label:x*\""),
            ("-%_^{}", "\"-%_^{}\""),
        ] {
            assert_eq!(expression(text), quoted);
        }
    }

    #[test]
    fn what_has_no_trigram_or_is_too_long_is_not_searched_for() {
        for text in [
            "",
            "ab",
            "  ab  ",
            "a\nbc",
            "a\0bc",
            &"x".repeat(MAX_CHARS + 1),
        ] {
            assert_eq!(Needle::parse(text), None, "{text:?}");
        }
        assert!(Needle::parse(&"ü".repeat(MAX_CHARS)).is_some());
    }

    #[test]
    fn a_search_in_a_tenant_stays_in_its_range() {
        let needle = Needle::parse("desk").unwrap();
        let filter = Filter {
            disabled: Some(false),
            model: Some("KX-UTG300B".into()),
            ..Filter::default()
        };
        let conditions = filter.conditions();
        let draft = query(ID, Some("T"), &needle, &conditions, 7, 51);
        assert!(draft.sql.contains("WHERE tenant_id = ?3"), "{}", draft.sql);
        assert!(
            draft
                .sql
                .ends_with("AND d.model = ?4 AND d.disabled = 0 ORDER BY f.rowid LIMIT ?5"),
            "{}",
            draft.sql
        );
        assert_eq!(draft.args.len(), 5);
        let draft = query(ID, None, &needle, &[], 0, 51);
        assert!(
            draft
                .sql
                .ends_with("AND f.rowid > ?2 ORDER BY f.rowid LIMIT ?3"),
            "{}",
            draft.sql
        );
        assert_eq!(draft.args.len(), 3);
    }
}
