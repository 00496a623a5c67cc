//! What a template may read, and a record of what it read and where it wrote.
//!
//! Where a value is written is known by its address: a setting's text is one shared allocation, so
//! that it is recognised after `{% set x = NAME %}`, too.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::eval::Why;
use super::meter::{FUEL, Meter};
use super::value::{Item, Value};
use super::{DeviceVars, RenderContext, SecretsMode, UsedSetting};
use crate::kind::FileKind;
use crate::layers::{self, Layer};
use crate::secret::MASK;
use crate::vocabulary::{Translation, WrongValue, translate};

/// What the names of settings begin with that are parameters of a standard file.
const STANDARD: &str = "standard_";

/// More than anyone reads.
const MAX_MISSING: usize = 1000;

/// The most characters of a computed name that are shown.
pub(super) const MAX_NAME_SHOWN: usize = 100;

/// A setting as a template sees it.
struct Setting<'c> {
    name: &'c str,
    layer: Layer,
    value: Cow<'c, layers::Value>,
    /// Whether the template sees the mask.
    masked: bool,
    /// What it sees, once it has looked.
    text: Option<Arc<str>>,
    /// After how many written values it was read last, counted from 1.
    read_at: usize,
}

/// Without the value.
impl fmt::Debug for Setting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.layer)
    }
}

/// What one rendering reads and has read.
#[derive(Debug)]
pub(super) struct Record<'c> {
    settings: Vec<Setting<'c>>,
    by_name: BTreeMap<&'c str, usize>,
    /// What the vocabulary's settings are called in the family's files, behind `standard_`.
    translated: BTreeMap<String, usize>,
    /// Settings of the vocabulary that are a part of what others of it write: name, layer, whether a secret.
    joined: Vec<(&'c str, Layer, bool)>,
    /// Settings of the vocabulary that the family has no parameter for.
    left_out: Vec<&'c str>,
    /// Those that are in no parameter though it has one for them.
    unsaid: Vec<WrongValue>,
    /// Those that are said of some lines alone.
    partly: Vec<WrongValue>,
    by_address: BTreeMap<usize, usize>,
    device: BTreeMap<&'static str, Arc<str>>,
    urls: BTreeMap<&'c str, Arc<str>>,
    /// How many lines are complete.
    lines: u32,
    /// How many values have been written.
    values: usize,
    /// Settings read since a value was last written.
    recent: Vec<usize>,
    /// Variables that were asked for and are not there, in that order.
    missing: Vec<String>,
    used: BTreeSet<(u32, usize)>,
}

impl<'c> Record<'c> {
    pub(super) fn new(meter: &mut Meter, context: &RenderContext<'c>) -> Result<Self, Why> {
        let layers = context.layers;
        let count = Layer::ALL
            .into_iter()
            .map(|layer| layers.layer(layer).len());
        meter.pay(count.sum::<usize>() as u64 * (FUEL / 4))?;
        let mut settings: Vec<Setting<'c>> = layers
            .effective()
            .into_iter()
            .map(|(name, (layer, value))| Setting {
                name,
                layer,
                masked: context.secrets == SecretsMode::Mask && value.is_secret(),
                value: Cow::Borrowed(value),
                text: None,
                read_at: 0,
            })
            .collect();
        let by_name = settings
            .iter()
            .enumerate()
            .map(|(at, one)| (one.name, at))
            .collect();
        let mut translated = BTreeMap::new();
        let translation = match context.kind {
            FileKind::Standard => {
                let model = context.device.as_ref().map_or("", |device| device.model);
                translate(layers, context.vocabulary, model)?
            }
            _ => Translation::default(),
        };
        for (name, one) in translation.parameters {
            meter.bytes(name.len().saturating_add(one.value.expose().len()))?;
            meter.places(2)?;
            translated.insert(name, settings.len());
            settings.push(Setting {
                name: one.setting,
                layer: one.layer,
                masked: context.secrets == SecretsMode::Mask && one.value.is_secret(),
                value: Cow::Owned(one.value),
                text: None,
                read_at: 0,
            });
        }
        Ok(Self {
            by_name,
            translated,
            joined: translation.joined,
            left_out: translation.left_out,
            unsaid: translation.unsaid,
            partly: translation.partly,
            settings,
            by_address: BTreeMap::new(),
            device: context
                .device
                .as_ref()
                .map(device_members)
                .unwrap_or_default(),
            urls: context
                .urls
                .iter()
                .map(|(name, url)| (name.as_str(), Arc::from(url.as_str())))
                .collect(),
            lines: 0,
            values: 0,
            recent: Vec::new(),
            missing: Vec::new(),
            used: BTreeSet::new(),
        })
    }

    /// The value of a setting, which is recorded as used in the line being written.
    pub(super) fn read(&mut self, meter: &mut Meter, name: &str) -> Result<Option<Value>, Why> {
        match self.by_name.get(name) {
            Some(&at) => self.read_at(meter, at).map(Some),
            None => Ok(None),
        }
    }

    pub(super) fn read_at(&mut self, meter: &mut Meter, at: usize) -> Result<Value, Why> {
        let Some(setting) = self.settings.get_mut(at) else {
            return Ok(Value::Undefined);
        };
        let text = match &setting.text {
            Some(text) => Arc::clone(text),
            None => {
                let seen = if setting.masked {
                    MASK
                } else {
                    setting.value.expose()
                };
                meter.bytes(seen.len())?;
                let text: Arc<str> = Arc::from(seen);
                if !text.is_empty() {
                    self.by_address.insert(text.as_ptr().addr(), at);
                }
                setting.text = Some(Arc::clone(&text));
                text
            }
        };
        if setting.read_at != self.values + 1 {
            setting.read_at = self.values + 1;
            self.recent.push(at);
        }
        self.uses(at);
        Ok(Value::text(text))
    }

    /// A member of `device`.
    pub(super) fn device(&self, name: &str) -> Option<Arc<str>> {
        self.device.get(name).cloned()
    }

    /// A member of `urls`.
    pub(super) fn url(&self, name: &str) -> Option<Arc<str>> {
        self.urls.get(name).cloned()
    }

    /// Notes that a variable is not there. Its name may be computed, and long.
    pub(super) fn miss(&mut self, group: &str, name: &str) {
        if self.missing.len() < MAX_MISSING {
            let name = group
                .chars()
                .chain(name.chars())
                .take(MAX_NAME_SHOWN)
                .collect();
            self.missing.push(name);
        }
    }

    /// The variables that were asked for and are not there, in that order.
    pub(super) fn missing(&self) -> &[String] {
        &self.missing
    }

    /// The settings whose names begin with `prefix` and go on; in a standard file those of the vocabulary,
    /// too, by the names of the family's parameters, where no setting has such a name itself.
    pub(super) fn parameters(&self, meter: &mut Meter, prefix: &str) -> Result<Value, Why> {
        let mut found: BTreeMap<&str, usize> = BTreeMap::new();
        if let Some(group) = prefix.strip_prefix(STANDARD) {
            let translated = self.translated.range(group.to_owned()..);
            gather(
                meter,
                &mut found,
                group,
                translated.map(|(name, at)| (name.as_str(), *at)),
            )?;
        }
        let set = self.by_name.range(prefix..);
        gather(
            meter,
            &mut found,
            prefix,
            set.map(|(name, at)| (*name, *at)),
        )?;
        let items = found.into_iter();
        let items = items.map(|(rest, at)| Item::Parameter(Arc::from(rest), at));
        Ok(Value::List(items.collect()))
    }

    /// Settings of the vocabulary that the family has no parameter for.
    pub(super) fn left_out(&self) -> Vec<String> {
        self.left_out
            .iter()
            .map(|name| (*name).to_owned())
            .collect()
    }

    /// Settings of the vocabulary that are in no parameter though the family has one for them.
    pub(super) fn unsaid(&self) -> Vec<WrongValue> {
        self.unsaid.clone()
    }

    /// Settings of the vocabulary that are said of some lines alone.
    pub(super) fn partly(&self) -> Vec<WrongValue> {
        self.partly.clone()
    }

    /// The setting whose text this very string is, recorded as used in the line being written.
    pub(super) fn origin(&mut self, text: &str) -> Option<usize> {
        let at = *self.by_address.get(&text.as_ptr().addr())?;
        // A string may begin where a setting's does and end earlier.
        let whole = self.settings.get(at)?.text.as_deref()?.len() == text.len();
        if !whole {
            return None;
        }
        self.uses(at);
        Some(at)
    }

    pub(super) fn name(&self, at: usize) -> Option<&str> {
        self.settings.get(at).map(|setting| setting.name)
    }

    /// The name and the value behind a mask.
    pub(super) fn hidden(&self, at: usize) -> Option<(&'c str, &str)> {
        let setting = self.settings.get(at).filter(|setting| setting.masked)?;
        Some((setting.name, setting.value.expose()))
    }

    /// The settings that were read since a value was last written, and what the template saw.
    pub(super) fn recent(&self) -> impl Iterator<Item = (&str, &str)> {
        self.recent
            .iter()
            .filter_map(|&at| self.settings.get(at))
            .map(|setting| (setting.name, setting.text.as_deref().unwrap_or_default()))
    }

    /// A value has been written.
    pub(super) fn written(&mut self) {
        self.values += 1;
        self.recent.clear();
    }

    /// Counts `lines` further lines that are complete.
    pub(super) fn line_ends(&mut self, lines: usize) {
        let lines = u32::try_from(lines).unwrap_or(u32::MAX);
        self.lines = self.lines.saturating_add(lines);
    }

    /// Whether there are secrets in the open.
    pub(super) fn reveals(&self) -> bool {
        self.settings
            .iter()
            .any(|setting| setting.value.is_secret() && !setting.masked)
    }

    pub(super) fn used(&self) -> BTreeSet<UsedSetting> {
        self.used
            .iter()
            .filter_map(|&(line, at)| {
                let setting = self.settings.get(at)?;
                Some(UsedSetting {
                    line,
                    name: setting.name.to_owned(),
                    layer: setting.layer,
                    secret: setting.value.is_secret(),
                })
            })
            .chain(
                self.joined
                    .iter()
                    .map(|&(name, layer, secret)| UsedSetting {
                        line: 0,
                        name: name.to_owned(),
                        layer,
                        secret,
                    }),
            )
            .collect()
    }

    fn uses(&mut self, setting: usize) {
        self.used.insert((self.lines.saturating_add(1), setting));
    }
}

/// Takes those of sorted names that begin with `prefix` and go on, by what is left of them.
fn gather<'n>(
    meter: &mut Meter,
    found: &mut BTreeMap<&'n str, usize>,
    prefix: &str,
    names: impl Iterator<Item = (&'n str, usize)>,
) -> Result<(), Why> {
    for (name, at) in names {
        let Some(rest) = name.strip_prefix(prefix) else {
            break;
        };
        meter.places(2)?;
        if !rest.is_empty() {
            found.insert(rest, at);
        }
    }
    Ok(())
}

fn device_members(device: &DeviceVars<'_>) -> BTreeMap<&'static str, Arc<str>> {
    let members = [
        ("mac", Some(device.mac.upper())),
        ("mac_lower", Some(device.mac.lower())),
        ("model", Some(device.model.to_owned())),
        (
            "sealed_extension",
            device.sealed_extension.map(str::to_owned),
        ),
    ];
    let given = members.into_iter();
    given
        .filter_map(|(name, value)| Some((name, value?.into())))
        .collect()
}
