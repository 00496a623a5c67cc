//! The layers that settings come from.
//!
//! A setting is a variable for templates: a name, and a text or a secret. The same name may be set
//! on several layers; the nearest to the device wins, and what it shadows stays visible to an
//! operator who asks why a phone got what it got.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::secret::SecretString;
use crate::vocabulary;

/// The longest name of a setting, in characters.
pub const MAX_NAME_LEN: usize = 96;

/// The longest value of a setting, in bytes. More than any format takes in one parameter (500
/// characters in text), so that what is longer is a mistake.
pub const MAX_VALUE_LEN: usize = 2048;

/// Names that a template already gives another meaning.
const RESERVED: [&str; 25] = [
    "and",
    "device",
    "elif",
    "else",
    "endfor",
    "endif",
    "False",
    "false",
    "for",
    "if",
    "import",
    "in",
    "is",
    "loop",
    "None",
    "none",
    "not",
    "or",
    "parameters",
    "range",
    "self",
    "setting",
    "True",
    "true",
    "urls",
];

/// Where a setting was made; the nearer to the device, the stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Layer {
    /// The layer of a tenant, a provider's customer.
    Tenant,
    /// The layer of a site, a place of a tenant.
    Site,
    /// The layer of a model of phones.
    Model,
    /// The layer of a device, one phone.
    Device,
}

/// The value of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Anyone who may see the device may see it.
    Text(String),
    /// Wrapped at rest, masked in previews.
    Secret(SecretString),
}

/// The settings of one layer, by name.
pub type LayerSettings = BTreeMap<String, Value>;

/// The settings that bear on one file.
///
/// A layer that does not apply (the device's in a file for all devices) is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layers {
    /// The tenant's.
    pub tenant: LayerSettings,
    /// The site's.
    pub site: LayerSettings,
    /// The model's.
    pub model: LayerSettings,
    /// The device's.
    pub device: LayerSettings,
}

/// Why a setting is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SettingError {
    /// Not a name: its first characters. It may be a value that stands in the wrong place.
    #[error(
        "{0:?} is not a name for a setting: one letter or underscore, then up to 95 letters, \
         digits, underscores, dots or hyphens"
    )]
    Name(String),
    /// A word that templates use for something else.
    #[error("{0:?} means something else in a template; choose another name")]
    Reserved(String),
    /// A value that a setting of the [vocabulary] cannot have.
    #[error("{name}: {reason}")]
    Wrong {
        /// The setting.
        name: String,
        /// What its value must be.
        reason: String,
    },
    /// Too long a value.
    #[error("the value of {name} is {bytes} bytes long; at most {MAX_VALUE_LEN} are stored")]
    TooLong {
        /// The setting.
        name: String,
        /// How long its value is.
        bytes: usize,
    },
}

impl Layer {
    /// Every layer, the strongest first: the order in which a name is looked up.
    pub const ALL: [Self; 4] = [Self::Device, Self::Model, Self::Site, Self::Tenant];

    /// The word used in URLs of the API, in storage and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Site => "site",
            Self::Model => "model",
            Self::Device => "device",
        }
    }

    /// The layer that [`as_str`](Self::as_str) names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layer| layer.as_str() == word)
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Value {
    /// The text itself, secret or not.
    pub fn expose(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Secret(secret) => secret.expose(),
        }
    }

    /// Whether it is masked where masking is asked for.
    pub fn is_secret(&self) -> bool {
        matches!(self, Self::Secret(_))
    }
}

impl Layers {
    /// The settings of one layer.
    pub fn layer(&self, layer: Layer) -> &LayerSettings {
        match layer {
            Layer::Tenant => &self.tenant,
            Layer::Site => &self.site,
            Layer::Model => &self.model,
            Layer::Device => &self.device,
        }
    }

    /// The value that counts, and the layer it is from.
    pub fn lookup(&self, name: &str) -> Option<(Layer, &Value)> {
        self.all(name).next()
    }

    /// The values that the one that counts hides, the strongest first.
    pub fn shadowed(&self, name: &str) -> Vec<(Layer, &Value)> {
        self.all(name).skip(1).collect()
    }

    /// Every name with the value that counts and the layer it is from.
    pub fn effective(&self) -> BTreeMap<&str, (Layer, &Value)> {
        // Weakest first: what comes later replaces it.
        Layer::ALL
            .into_iter()
            .rev()
            .flat_map(|layer| {
                let settings = self.layer(layer).iter();
                settings.map(move |(name, value)| (name.as_str(), (layer, value)))
            })
            .collect()
    }

    fn all<'a, 'n>(
        &'a self,
        name: &'n str,
    ) -> impl Iterator<Item = (Layer, &'a Value)> + use<'a, 'n> {
        Layer::ALL
            .into_iter()
            .filter_map(move |layer| Some((layer, self.layer(layer).get(name)?)))
    }
}

/// Checks the name of a setting: `[A-Za-z_][A-Za-z0-9_.-]{0,95}` and no word of the template
/// language. Dots and hyphens are for vendors' parameters that have them, which a template reads by
/// `parameters("…")`.
///
/// # Errors
/// [`SettingError::Name`] and [`SettingError::Reserved`].
pub fn check_name(name: &str) -> Result<(), SettingError> {
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let goes_on_well = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
    if !starts_well || !goes_on_well || name.len() > MAX_NAME_LEN {
        return Err(SettingError::Name(beginning(name)));
    }
    if RESERVED.contains(&name) {
        return Err(SettingError::Reserved(name.to_owned()));
    }
    Ok(())
}

/// The first characters of what is no name.
fn beginning(name: &str) -> String {
    const MAX_SHOWN: usize = 5;
    match name.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()),
        None => name.to_owned(),
    }
}

/// Checks a setting as a whole, before it is stored: one of the [vocabulary] has a value of its
/// kind, or none to take back what a weaker layer says. Whether the value fits a file is known only when the file
/// is rendered.
///
/// # Errors
/// Those of [`check_name`], [`SettingError::TooLong`] and [`SettingError::Wrong`].
pub fn check_setting(name: &str, value: &Value) -> Result<(), SettingError> {
    check_name(name)?;
    let bytes = value.expose().len();
    if bytes > MAX_VALUE_LEN {
        let name = name.to_owned();
        return Err(SettingError::TooLong { name, bytes });
    }
    if let Some((setting, _)) = vocabulary::find(name)
        && !value.expose().is_empty()
    {
        setting.kind.read(value.expose()).map_err(|reason| {
            let name = name.to_owned();
            SettingError::Wrong { name, reason }
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn text(value: &str) -> Value {
        Value::Text(value.to_owned())
    }

    #[test]
    fn the_nearest_layer_wins_and_the_others_are_shadowed() {
        let mut layers = Layers::default();
        layers.tenant.insert("NTP".into(), text("tenant"));
        layers.model.insert("NTP".into(), text("model"));
        assert_eq!(layers.lookup("NTP"), Some((Layer::Model, &text("model"))));
        layers.device.insert("NTP".into(), text("device"));
        assert_eq!(layers.lookup("NTP"), Some((Layer::Device, &text("device"))));
        assert_eq!(
            layers.shadowed("NTP"),
            [
                (Layer::Model, &text("model")),
                (Layer::Tenant, &text("tenant"))
            ]
        );
        assert_eq!(layers.effective().get("NTP"), layers.lookup("NTP").as_ref());
        assert_eq!(layers.lookup("ntp"), None);
    }

    #[test]
    fn names_are_checked() {
        for name in [
            "A",
            "_",
            "SIP_AUTHID_1",
            "a1",
            "A-B",
            "A.1.b",
            &"n".repeat(96),
        ] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in ["", "1A", ".A", "-A", "Ä", "A B", "A/B", &"n".repeat(97)] {
            assert!(
                matches!(check_name(name), Err(SettingError::Name(_))),
                "{name}"
            );
        }
        for name in ["device", "urls", "setting", "not", "loop"] {
            assert!(
                matches!(check_name(name), Err(SettingError::Reserved(_))),
                "{name}"
            );
        }
    }

    #[test]
    fn an_endless_value_is_refused_without_being_shown() {
        let secret = Value::Secret("s3cret".repeat(400).into());
        let error = check_setting("PASS", &secret).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the value of PASS is 2400 bytes long; at most 2048 are stored"
        );
    }

    #[test]
    fn a_setting_of_the_vocabulary_has_a_value_of_its_kind() {
        assert_eq!(check_setting("line_1_transport", &text("TLS")), Ok(()));
        assert_eq!(check_setting("line_1_transport", &text("")), Ok(()));
        assert_eq!(check_setting("line_1_transports", &text("tsl")), Ok(()));
        let error = check_setting("line_1_transport", &text("tsl")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "line_1_transport: the value must be udp, tcp or tls"
        );
    }

    #[test]
    fn a_layer_is_named_by_its_word() {
        for layer in Layer::ALL {
            assert_eq!(Layer::parse(layer.as_str()), Some(layer));
        }
        assert_eq!(Layer::parse("Device"), None);
    }
}
