//! What an operator writes and versions are kept of, as the tables name it: layers of settings, templates, options.

use ringfence_provision::family::Family;
use ringfence_provision::kind::FileKind;
use serde::Deserialize;

use crate::model::device::DeviceRow;

/// One layer of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    Tenant,
    /// A site's id.
    Site(String),
    /// A model's name.
    Model(String),
    /// A device's id, and its MAC for people.
    Device {
        id: String,
        mac: String,
    },
}

impl Scope {
    /// The layer of a device.
    pub fn of_device(device: &DeviceRow) -> Self {
        Self::Device {
            id: device.id.clone(),
            mac: device.mac.clone(),
        }
    }

    /// How the scope is written in the table; part of the associated data of secrets.
    pub fn key(&self) -> String {
        match self {
            Self::Tenant => "tenant".to_owned(),
            Self::Site(id) => format!("site:{id}"),
            Self::Model(name) => format!("model:{name}"),
            Self::Device { id, .. } => Self::device_key(id),
        }
    }

    /// The [`key`](Self::key) of the layer of the device of that id.
    pub(super) fn device_key(id: &str) -> String {
        format!("device:{id}")
    }

    /// What the audit log calls it: a path of the API below its tenant.
    pub fn path(&self) -> String {
        match self {
            Self::Tenant => "settings".to_owned(),
            Self::Site(id) => format!("sites/{id}/settings"),
            Self::Model(name) => format!("models/{name}/settings"),
            Self::Device { mac, .. } => format!("devices/{mac}/settings"),
        }
    }
}

/// A setting as it is stored.
#[derive(Clone, Debug, Deserialize)]
pub struct SettingRow {
    pub scope: String,
    pub name: String,
    pub value: String,
    pub master: Option<String>,
}

/// Which files a template is for: a kind, a family, and one model of it or (empty) every one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TemplateKey {
    pub kind: FileKind,
    pub family: Family,
    pub model: String,
}

impl TemplateKey {
    /// What the audit log calls it: a path of the API below its tenant.
    pub fn path(&self) -> String {
        let path = format!("templates/{}/{}", self.kind.as_str(), self.family.as_str());
        if self.model.is_empty() {
            path
        } else {
            format!("{path}/{}", self.model)
        }
    }
}

/// Something of which versions are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// A tenant's options.
    Options,
    Template(TemplateKey),
    /// A layer's settings.
    Layer(Scope),
}

impl Object {
    /// How it is written in the table.
    pub fn key(&self) -> String {
        match self {
            Self::Options => "options".to_owned(),
            Self::Template(key) => template_key(key),
            Self::Layer(scope) => layer_key(&scope.key()),
        }
    }
}

fn template_key(key: &TemplateKey) -> String {
    let (kind, family) = (key.kind.as_str(), key.family.as_str());
    format!("template:{kind}/{family}/{}", key.model)
}

/// The object of the scope of a layer.
pub(super) fn layer_key(scope: &str) -> String {
    format!("layer:{scope}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scope_format_unchanged() {
        let device = Scope::Device {
            id: "01JD".into(),
            mac: "0080F0C571EB".into(),
        };
        let site = Scope::Site("01JC".into());
        let model = Scope::Model("KX-UTG300B".into());
        let keys = [Scope::Tenant.key(), site.key(), model.key(), device.key()];
        assert_eq!(
            keys,
            ["tenant", "site:01JC", "model:KX-UTG300B", "device:01JD"]
        );
        assert_eq!(device.path(), "devices/0080F0C571EB/settings");
    }
}
