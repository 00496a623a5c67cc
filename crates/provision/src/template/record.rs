//! What a template may read, and a record of what it read and where it wrote.
//!
//! minijinja asks a context object for each variable; that is where reading is recorded. Where a
//! value is written is told by its address: a setting's text is one shared allocation, so that it
//! is recognised after `{% set x = NAME %}`, too.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minijinja::value::{Object, Value};

use super::{DeviceVars, RenderContext, SecretsMode, UsedSetting};
use crate::layers::{self, Layer};
use crate::secret::MASK;

/// Names that are asked for on the way to something else, and thus never missing.
const FUNCTIONS: [&str; 3] = ["parameters", "range", "setting"];

/// More than anyone reads.
const MAX_MISSING: usize = 1000;

/// A setting as a template sees it.
pub(super) struct Setting {
    pub(super) name: String,
    pub(super) layer: Layer,
    /// The value, or the mask.
    pub(super) text: Arc<str>,
    /// The value behind a mask.
    pub(super) masked: Option<layers::Value>,
    secret: bool,
}

/// Without the value.
impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.layer)
    }
}

/// What one rendering reads and has read.
#[derive(Debug)]
pub(super) struct Record {
    settings: Vec<Setting>,
    by_name: BTreeMap<String, usize>,
    by_address: BTreeMap<usize, usize>,
    progress: Mutex<Progress>,
}

/// What changes while a template is rendered.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// How many bytes have been written.
    pub(super) written: usize,
    /// How many lines are complete.
    pub(super) lines: u32,
    /// Settings read since a value was last written.
    pub(super) recent: Vec<usize>,
    /// Variables that were asked for and are not there, in that order.
    pub(super) missing: Vec<String>,
    /// Why the formatter or a function failed.
    pub(super) problem: Option<Problem>,
    used: BTreeSet<(u32, usize)>,
}

/// What minijinja's own errors cannot carry.
#[derive(Clone, Debug)]
pub(super) enum Problem {
    Missing(String),
    Unrepresentable(Vec<String>, crate::format::EscapeError),
    NotText(String),
}

impl Record {
    pub(super) fn new(context: &RenderContext<'_>) -> Arc<Self> {
        let mask = |value: &layers::Value| {
            (context.secrets == SecretsMode::Mask && value.is_secret()).then(|| value.clone())
        };
        let settings: Vec<Setting> = context
            .layers
            .effective()
            .into_iter()
            .map(|(name, (layer, value))| {
                let masked = mask(value);
                let text = masked.as_ref().map_or(value.expose(), |_| MASK);
                Setting {
                    name: name.to_owned(),
                    layer,
                    text: Arc::from(text),
                    masked,
                    secret: value.is_secret(),
                }
            })
            .collect();
        let each = || settings.iter().enumerate();
        Arc::new(Self {
            by_name: each().map(|(at, one)| (one.name.clone(), at)).collect(),
            by_address: each()
                .filter(|(_, one)| !one.text.is_empty())
                .map(|(at, one)| (one.text.as_ptr().addr(), at))
                .collect(),
            settings,
            progress: Mutex::default(),
        })
    }

    pub(super) fn progress(&self) -> MutexGuard<'_, Progress> {
        // A panic while it is held cannot leave it half changed in a way that matters.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value of a setting, which is noted as used in the line being written.
    pub(super) fn read(&self, name: &str) -> Option<Value> {
        self.read_at(*self.by_name.get(name)?)
    }

    /// Notes that a variable is not there.
    pub(super) fn miss(&self, name: String) {
        let mut progress = self.progress();
        if progress.missing.len() < MAX_MISSING {
            progress.missing.push(name);
        }
    }

    /// The settings whose names begin with `prefix` and go on.
    pub(super) fn parameters(self: &Arc<Self>, prefix: &str) -> Vec<Value> {
        let from = self.by_name.range(prefix.to_owned()..);
        from.take_while(|(name, _)| name.starts_with(prefix))
            .filter_map(|(name, &setting)| {
                let name = name.strip_prefix(prefix).filter(|rest| !rest.is_empty())?;
                Some(Value::from_object(Parameter {
                    record: Arc::clone(self),
                    name: name.to_owned(),
                    setting,
                }))
            })
            .collect()
    }

    /// The setting whose text this very string is, noted as used in the line being written.
    pub(super) fn origin(&self, text: &str) -> Option<&Setting> {
        let at = *self.by_address.get(&text.as_ptr().addr())?;
        let setting = self.settings.get(at)?;
        // A string may begin where a setting's does and end earlier.
        if *setting.text != *text {
            return None;
        }
        self.progress().uses(at);
        Some(setting)
    }

    /// The settings that were read since a value was last written.
    pub(super) fn recent(&self) -> Vec<&Setting> {
        let recent = self.progress().recent.clone();
        recent
            .into_iter()
            .filter_map(|at| self.settings.get(at))
            .collect()
    }

    /// Whether there are secrets in the open.
    pub(super) fn reveals(&self) -> bool {
        self.settings
            .iter()
            .any(|setting| setting.secret && setting.masked.is_none())
    }

    pub(super) fn used(&self) -> BTreeSet<UsedSetting> {
        let progress = self.progress();
        progress
            .used
            .iter()
            .filter_map(|&(line, at)| {
                let setting = self.settings.get(at)?;
                Some(UsedSetting {
                    line,
                    name: setting.name.clone(),
                    layer: setting.layer,
                    secret: setting.secret,
                })
            })
            .collect()
    }

    fn read_at(&self, at: usize) -> Option<Value> {
        let setting = self.settings.get(at)?;
        let mut progress = self.progress();
        progress.uses(at);
        if !progress.recent.contains(&at) {
            progress.recent.push(at);
        }
        Some(Value::from(Arc::clone(&setting.text)))
    }
}

impl Progress {
    fn uses(&mut self, setting: usize) {
        self.used.insert((self.lines + 1, setting));
    }
}

/// The outermost names of a template.
#[derive(Debug)]
pub(super) struct Root {
    record: Arc<Record>,
    device: Value,
    urls: Value,
}

impl Root {
    pub(super) fn new(record: &Arc<Record>, context: &RenderContext<'_>) -> Self {
        let group = |name, members| {
            Value::from_object(Group {
                record: Arc::clone(record),
                name,
                members,
            })
        };
        let device = context.device.as_ref().map(device_members);
        Self {
            record: Arc::clone(record),
            device: group("device", device.unwrap_or_default()),
            urls: group("urls", context.urls.clone()),
        }
    }
}

impl Object for Root {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match key {
            "device" => Some(self.device.clone()),
            "urls" => Some(self.urls.clone()),
            _ if FUNCTIONS.contains(&key) => None,
            _ => {
                let value = self.record.read(key);
                if value.is_none() {
                    self.record.miss(key.to_owned());
                }
                value
            }
        }
    }
}

/// `device.…` and `urls.…`
#[derive(Debug)]
struct Group {
    record: Arc<Record>,
    name: &'static str,
    members: BTreeMap<String, String>,
}

impl Object for Group {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let value = self.members.get(key).map(Value::from);
        if value.is_none() {
            self.record.miss(format!("{}.{key}", self.name));
        }
        value
    }
}

/// One of `parameters(…)`.
#[derive(Debug)]
struct Parameter {
    record: Arc<Record>,
    name: String,
    setting: usize,
}

impl Object for Parameter {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        match key {
            "name" => Some(Value::from(&self.name)),
            "value" => self.record.read_at(self.setting),
            _ => None,
        }
    }
}

fn device_members(device: &DeviceVars<'_>) -> BTreeMap<String, String> {
    let members = [
        ("mac", device.mac.upper()),
        ("mac_lower", device.mac.lower()),
        ("model", device.model.to_owned()),
    ];
    members.map(|(name, value)| (name.to_owned(), value)).into()
}
