//! How far an import is, kept in a small file so that one that was cut off goes on where it stopped.

use std::path::PathBuf;

use ringfence_provision::hex;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Counts;
use crate::failure::Failure;
use crate::given::Given;
use crate::profile::write_private;
use crate::words::field;

/// How many digits of the digest are in the name of an import's file.
const NAME_DIGITS: usize = 32;

/// How far an import is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// Whether the whole table was checked, and is to be written.
    pub is_checked: bool,
    /// How many rows are done.
    pub written: u64,
    pub counts: Counts,
}

/// The file of an import: by what it is about, the very bytes of the table and what the command says of them.
/// Its name is a digest, and it has numbers alone in it.
pub(super) fn name(base: &str, tenant: &str, table: &[u8], given: &Given<'_>) -> PathBuf {
    let mut digest = Sha256::new();
    let mut part = |bytes: &[u8]| {
        digest.update((bytes.len() as u64).to_be_bytes());
        digest.update(bytes);
    };
    part(base.as_bytes());
    part(tenant.as_bytes());
    part(table);
    for name in ["model", "site", "delimiter"] {
        part(given.text(name).unwrap_or_default().as_bytes());
    }
    for text in given.many("map") {
        part(text.as_bytes());
    }
    part(&[u8::from(given.flag("continue_on_error"))]);
    let mut name = hex(&digest.finalize());
    name.truncate(NAME_DIGITS);
    folder().join(format!("import-{name}.json"))
}

/// Where the system keeps what programs remember.
fn folder() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let folder = set("XDG_STATE_HOME").map(PathBuf::from);
    let home = || set("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    folder
        .or_else(home)
        .unwrap_or_else(std::env::temp_dir)
        .join("ringfence")
}

impl State {
    /// Reads how far an import is; not begun, where there is no file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn load(path: &std::path::Path) -> Result<Self, Failure> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => return Err(Failure::file(path, &error)),
        };
        // One that was not written to its end is as none: what is written twice changes nothing.
        let value: Value = serde_json::from_slice(&text).unwrap_or_default();
        let number = |name: &str| field(&value, name).as_u64().unwrap_or(0);
        Ok(Self {
            is_checked: field(&value, "checked").as_bool().unwrap_or(false),
            written: number("written"),
            counts: Counts {
                created: number("created"),
                changed: number("changed"),
                unchanged: number("unchanged"),
                refused: number("refused"),
                no_phone: number("no_phone"),
            },
        })
    }

    /// Writes how far it is.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn save(&self, path: &std::path::Path) -> Result<(), Failure> {
        let text = json!({
            "checked": self.is_checked,
            "written": self.written,
            "created": self.counts.created,
            "changed": self.counts.changed,
            "unchanged": self.counts.unchanged,
            "refused": self.counts.refused,
            "no_phone": self.counts.no_phone,
        });
        write_private(path, text.to_string().as_bytes())
    }

    /// The import is done.
    pub(super) fn remove(path: &std::path::Path) {
        let _ = std::fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_import_goes_on_where_its_file_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("import.json");
        assert_eq!(State::load(&path).unwrap(), State::default());
        let state = State {
            is_checked: true,
            written: 1_500,
            counts: Counts {
                created: 1_400,
                refused: 100,
                ..Counts::default()
            },
        };
        state.save(&path).unwrap();
        assert_eq!(State::load(&path).unwrap(), state);
        std::fs::write(&path, "{\"written\":15").unwrap();
        assert_eq!(State::load(&path).unwrap(), State::default());
        State::remove(&path);
        assert!(!path.exists());
    }
}
