//! Profiles: which installation a command is for, and where its token is.
//!
//! ```toml
//! default = "harbour"
//!
//! [profiles.harbour]
//! url = "https://phones.operator.example"
//! tenant = "Harbour"
//! token = "rf_…"                # then the file is for its owner alone (mode 600)
//! # token_from = "command:pass show ringfence"     instead: env:NAME, file:PATH or command:LINE
//! ```

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use ringfence_provision::secret::SecretString;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::secret;

/// The file of profiles.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profiles {
    /// The profile of a command that names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub profiles: BTreeMap<String, Profile>,
}

/// An installation, and the token for it.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// Where the Worker is.
    pub url: String,
    /// The tenant of a command that names none: an id or a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// Where the token is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_from: Option<String>,
}

// The token is not for a log.
impl std::fmt::Debug for Profile {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Profile")
            .field("url", &self.url)
            .field("tenant", &self.tenant)
            .field("has_token", &self.token.is_some())
            .finish()
    }
}

impl Profile {
    /// A profile whose token is in the file itself, or wherever `token_from` says.
    pub fn new(
        url: String,
        tenant: Option<String>,
        token: Option<String>,
        token_from: Option<String>,
    ) -> Self {
        Self {
            url,
            tenant,
            token,
            token_from,
        }
    }

    /// The token, if the profile leads to one.
    ///
    /// # Errors
    /// `token_from` leads to nothing.
    pub fn token(&self) -> Result<Option<SecretString>, Failure> {
        match (&self.token, &self.token_from) {
            (Some(token), _) => Ok(Some(SecretString::new(token.trim()))),
            (None, Some(reference)) => secret::read(reference).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// Where the token is, for people.
    pub fn token_place(&self) -> &str {
        match (&self.token, &self.token_from) {
            (Some(_), _) => "in the file",
            (None, Some(reference)) => reference,
            (None, None) => "",
        }
    }
}

/// Where the profiles are: `RINGFENCE_CONFIG`, or `ringfence/config.toml` where the system keeps configuration.
pub fn path() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(path) = set("RINGFENCE_CONFIG") {
        return path.into();
    }
    let folder = set("XDG_CONFIG_HOME").map(PathBuf::from);
    let home = || set("HOME").map(|home| Path::new(&home).join(".config"));
    let folder = folder.or_else(home).unwrap_or_default();
    folder.join("ringfence/config.toml")
}

/// Reads the profiles; none where there is no file.
///
/// # Errors
/// The file cannot be read, is none of profiles, or holds a token and is open to others.
pub fn load(path: &Path) -> Result<Profiles, Failure> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Profiles::default());
        }
        Err(error) => return Err(Failure::file(path, &error)),
    };
    // The message of the parser quotes the line, which may be the token's.
    let profiles: Profiles = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(0, |span| {
            text.get(..span.start).unwrap_or_default().lines().count().max(1)
        });
        Failure::Usage(format!(
            "{}, line {line}: {}. The file has default = \"NAME\" and tables [profiles.NAME] with url, tenant, token or token_from.",
            path.display(),
            error.message().lines().next().unwrap_or_default()
        ))
    })?;
    if profiles.profiles.values().any(|it| it.token.is_some()) {
        check_mode(path)?;
    }
    Ok(profiles)
}

#[cfg(unix)]
fn check_mode(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    let data = std::fs::metadata(path).map_err(|error| Failure::file(path, &error))?;
    let mode = data.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "{} holds a token and others may read it (mode {mode:o}). Run chmod 600 on it; if others were on the machine, make a new token.",
        path.display()
    )))
}

#[cfg(not(unix))]
fn check_mode(_: &Path) -> Result<(), Failure> {
    Ok(())
}

/// Writes the profiles, for their owner alone: a file beside, which then takes the place of the one before.
///
/// # Errors
/// The file cannot be written.
pub fn save(path: &Path, profiles: &Profiles) -> Result<(), Failure> {
    let text = toml::to_string(profiles)
        .map_err(|error| Failure::Usage(format!("the profiles cannot be written: {error}")))?;
    write_private(path, text.as_bytes())
}

/// Writes a file that its owner alone may read, whole or not at all.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let wrong = |error: std::io::Error| Failure::file(path, &error);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(wrong)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let fresh = PathBuf::from(name);
    let _ = std::fs::remove_file(&fresh);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(&fresh).map_err(wrong)?;
    file.write_all(bytes).map_err(wrong)?;
    std::fs::rename(&fresh, path).map_err(wrong)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn a_token_in_a_file_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/config.toml");
        let mut profiles = Profiles::default();
        let token = "rf_1_Harbour-77".to_owned();
        let profile = Profile::new("https://a.example".into(), None, Some(token), None);
        profiles.profiles.insert("a".into(), profile);
        save(&path, &profiles).unwrap();
        let loaded = load(&path).unwrap();
        let found = loaded.profiles["a"].token().unwrap().unwrap();
        assert_eq!(found.expose(), "rf_1_Harbour-77");
        assert!(!format!("{loaded:?}").contains("Harbour"));

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let said = load(&path).unwrap_err().to_string();
        assert!(said.contains("chmod 600"), "{said}");
        assert!(!said.contains("Harbour"));
    }

    #[test]
    fn a_file_that_is_none_is_named_by_its_line_and_not_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, "[profiles.a]\nurl = 'x'\ntoken = rf_1_Harbour-77\n").unwrap();
        let said = load(&path).unwrap_err().to_string();
        assert!(said.contains("line 3"), "{said}");
        assert!(!said.contains("Harbour"), "{said}");
    }
}
