//! The file and the environment become one table, and that becomes a [`File`].

use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;
use toml::{Table, Value};

use super::file::File;

/// `RINGFENCE_RELAY_<SECTION>_<KEY>` overrides the key of the section: `RINGFENCE_RELAY_POOL_URL`.
pub const ENV_PREFIX: &str = "RINGFENCE_RELAY_";

const SECTIONS: [&str; 7] = ["pool", "sip", "destinations", "pace", "dns", "http", "log"];

/// Why there is no configuration at all.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error(
        "cannot read {path}: {error}. --config names the file; ringfence-relay.example.toml is one to begin with"
    )]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{0}")]
    Toml(String),
    /// A key is unknown, or its value is of the wrong type.
    #[error("{0}")]
    Shape(String),
    /// A variable with our prefix names no section.
    #[error("{0} names no section: write RINGFENCE_RELAY_<SECTION>_<KEY>")]
    Variable(String),
}

/// Reads `path`, if there is one, and puts the variables of `env` over it.
pub fn load(
    path: Option<&Path>,
    env: impl IntoIterator<Item = (String, String)>,
) -> Result<File, ConfigError> {
    let text = match path {
        None => String::new(),
        Some(path) => std::fs::read_to_string(path).map_err(|error| ConfigError::Read {
            path: path.to_owned(),
            error,
        })?,
    };
    let mut table = text.parse::<Table>().map_err(|error| {
        let path = path.map_or_else(String::new, |path| path.display().to_string());
        ConfigError::Toml(format!("{path}, {}", syntax(&text, &error)))
    })?;
    for (name, value) in env {
        if let Some(rest) = name.strip_prefix(ENV_PREFIX) {
            overlay(&mut table, rest, &value).ok_or(ConfigError::Variable(name))?;
        }
    }
    File::deserialize(table).map_err(|error| {
        ConfigError::Shape(match path {
            Some(path) => format!("{}: {}", path.display(), shape(&error.to_string())),
            None => shape(&error.to_string()),
        })
    })
}

/// Where the file is no TOML, and why. The library's own words quote the line, which may be the credential's.
fn syntax(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.unwrap_or_default().matches('\n').count() + 1;
    let why = error.message().lines().next().unwrap_or_default();
    format!(
        "line {line}: {why}. Mend that line; ringfence-relay.example.toml shows how it is written"
    )
}

/// The library's words in one line, and how the value is written where they do not say.
fn shape(error: &str) -> String {
    let (message, key) = error
        .trim_end()
        .rsplit_once("\nin `")
        .map_or((error.trim_end(), ""), |(message, key)| {
            (message, key.trim_end_matches('`'))
        });
    let at = if key.is_empty() {
        String::new()
    } else {
        format!("{key}: ")
    };
    let hint = match key.split('[').next().unwrap_or(key) {
        // Those errors list the keys that there are.
        _ if message.starts_with("unknown field") => "",
        "sip.bind" => {
            ". Write a list of ADDRESS:PORT, for example bind = [\"198.51.100.20:5070\", \"[2001:db8::20]:5070\"]"
        }
        "destinations.allow" | "destinations.deny" => {
            ". Write a list of networks, for example [\"198.51.100.0/24\"]; one address is \"198.51.100.7/32\""
        }
        "destinations.domains" => ". Write a list of names, for example [\"pbx.example\"]",
        "dns.servers" => {
            ". Write a list of addresses without ports, for example [\"198.51.100.53\"]"
        }
        "http.listen" => ". Write ADDRESS:PORT, for example \"127.0.0.1:9470\", or \"\" for none",
        "destinations.port_min" | "destinations.port_max" | "dns.port" => {
            ". Write a number from 1 to 65535"
        }
        _ => "",
    };
    format!("{at}{message}{hint}")
}

fn overlay(table: &mut Table, name: &str, value: &str) -> Option<()> {
    let name = name.to_ascii_lowercase();
    let (section, key) = name.split_once('_')?;
    if !SECTIONS.contains(&section) || key.is_empty() {
        return None;
    }
    let section = table
        .entry(section)
        .or_insert_with(|| Value::Table(Table::new()))
        .as_table_mut()?;
    section.insert(key.to_owned(), typed(key, value));
    Some(())
}

/// A variable is a text: keys that are lists take commas, whole numbers are numbers, and nothing is
/// none at all.
fn typed(key: &str, value: &str) -> Value {
    const LISTS: [&str; 5] = ["bind", "allow", "deny", "domains", "servers"];
    if LISTS.contains(&key) {
        let items = value
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty());
        return Value::Array(items.map(|item| Value::String(item.to_owned())).collect());
    }
    // A credential may be all digits.
    match value.parse::<i64>() {
        Ok(number) if !key.starts_with("credential") => Value::Integer(number),
        _ => Value::String(value.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
    use super::*;

    fn with(env: &[(&str, &str)]) -> Result<File, ConfigError> {
        load(
            None,
            env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())),
        )
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("relay.toml");
        std::fs::write(
            &path,
            "[pool]\nurl = \"wss://a.example/relay/v1\"\ncapacity = 7\n",
        )
        .unwrap();
        let env = [(
            "RINGFENCE_RELAY_POOL_URL".to_owned(),
            "wss://b.example/relay/v1".to_owned(),
        )];
        let file = load(Some(&path), env).unwrap();
        assert_eq!(file.pool.url.as_deref(), Some("wss://b.example/relay/v1"));
        assert_eq!(file.pool.capacity, 7);
    }

    #[test]
    fn a_file_that_is_no_toml_is_named_with_its_line_and_without_what_stands_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("relay.toml");
        std::fs::write(
            &path,
            "[pool]\nurl = \"wss://a.example\"\ncredential = rfr_5ecret\n",
        )
        .unwrap();
        let said = load(Some(&path), []).unwrap_err().to_string();
        assert!(said.contains("relay.toml, line 3: "), "{said}");
        assert!(said.contains("Mend that line"), "{said}");
        assert!(!said.contains("5ecret"), "{said}");
    }

    #[test]
    fn variables_are_lists_numbers_and_texts() {
        let file = with(&[
            ("RINGFENCE_RELAY_SIP_BIND", "127.0.0.1:5070, [::1]:5070"),
            ("RINGFENCE_RELAY_SIP_OUTBOUND_PROXY", "sip:proxy.example"),
            ("RINGFENCE_RELAY_DESTINATIONS_ALLOW", "198.51.100.0/24"),
            ("RINGFENCE_RELAY_PACE_TOTAL", "500"),
            ("RINGFENCE_RELAY_POOL_CREDENTIAL", "12345"),
            ("PATH", "/bin"),
        ])
        .unwrap();
        assert_eq!(file.sip.bind.len(), 2);
        assert_eq!(
            file.sip.outbound_proxy.as_deref(),
            Some("sip:proxy.example")
        );
        assert_eq!(file.destinations.allow.len(), 1);
        assert_eq!(file.pace.total, 500);
        assert_eq!(file.pool.credential.unwrap().expose(), "12345");
    }

    #[test]
    fn a_mistyped_key_is_named() {
        let error = with(&[("RINGFENCE_RELAY_POOL_CAPACTY", "1")]).unwrap_err();
        assert!(error.to_string().contains("capacty"), "{error}");
        let error = with(&[("RINGFENCE_RELAY_COLOUR", "red")]).unwrap_err();
        assert!(
            error.to_string().contains("RINGFENCE_RELAY_COLOUR"),
            "{error}"
        );
    }

    #[test]
    fn a_value_of_another_shape_is_told_with_its_key_and_how_to_write_it() {
        for (text, message) in [
            (
                "[sip]\nbind = [\"::1:5070\"]",
                "sip.bind: invalid socket address syntax. Write a list of ADDRESS:PORT",
            ),
            ("[sip]\nbind = \"127.0.0.1:5070\"", "bind = ["),
            (
                "[destinations]\nallow = [\"198.51.100.7\"]",
                "\"198.51.100.7/32\"",
            ),
            (
                "[http]\nlisten = \"9470\"",
                "\"127.0.0.1:9470\", or \"\" for none",
            ),
            ("[destinations]\nport_min = 70000", "from 1 to 65535"),
            ("[destinations]\nports = 5", "expected one of `allow`"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("relay.toml");
            std::fs::write(&path, text).unwrap();
            let error = load(Some(&path), []).unwrap_err().to_string();
            assert!(error.contains(message), "{text}: {error}");
            assert!(
                error.contains("relay.toml: ") && !error.contains('\n'),
                "{error}"
            );
        }
    }

    #[test]
    fn the_metrics_can_be_switched_off() {
        assert!(with(&[]).unwrap().http.listen.is_some());
        let off = with(&[("RINGFENCE_RELAY_HTTP_LISTEN", "")]).unwrap();
        assert_eq!(off.http.listen, None);
    }

    #[test]
    fn the_example_file_is_one() {
        let example = include_str!("../../ringfence-relay.example.toml");
        File::deserialize(example.parse::<Table>().unwrap()).unwrap();
    }
}
