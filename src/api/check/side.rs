//! A tenant as it is beside what it would be: what a change replaces is kept, the rest is the same.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_provision::family::Family;
use ringfence_provision::kind::FileKind;
use ringfence_provision::layers::LayerSettings;

use crate::api::check::candidate::Candidate;
use crate::model::device::DeviceRow;
use crate::model::tenant::TenantOptions;
use crate::store::models::ModelRow;
use crate::store::templates::TemplateKey;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// As it is.
    Before,
    /// With the change.
    After,
}

/// Which access path files name on a side, of the one that the change is about and all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// The one under which a file was asked for.
    Asked,
    /// The one that the change is about, whichever was asked under.
    This,
    /// Another one, whichever was asked under.
    Another,
}

/// The access paths that files name, where the change is about these. Their segments are secrets, so stand-ins are
/// shown for them.
#[derive(Clone, Debug)]
pub(super) struct AccessPaths {
    pub(super) before: Named,
    pub(super) after: Named,
    /// Ids of the devices that ask under the one that the change is about.
    pub(super) there: BTreeSet<String>,
}

/// The stand-in of the access path that a change is about, and of any other.
const THIS: &str = "target-access-path";
const OTHER: &str = "other-access-path";

impl AccessPaths {
    /// What stands for the access path in the files of a device, or in those of no device.
    pub(super) fn stand_in(&self, side: Side, device: Option<&str>) -> &'static str {
        let named = match side {
            Side::Before => self.before,
            Side::After => self.after,
        };
        match named {
            Named::This => THIS,
            Named::Another => OTHER,
            Named::Asked if device.is_some_and(|id| self.there.contains(id)) => THIS,
            Named::Asked => OTHER,
        }
    }
}

/// What a change replaces; `None` in a map: nothing was there.
#[derive(Debug, Default)]
pub struct Was {
    pub(super) options: Option<TenantOptions>,
    /// Names, in the order in which files have them.
    pub(super) certificates: Option<Vec<String>>,
    pub(super) models: BTreeMap<String, Option<ModelRow>>,
    /// By scope.
    pub(super) layers: BTreeMap<String, Option<LayerSettings>>,
    pub(super) templates: BTreeMap<TemplateKey, Option<String>>,
    /// By id.
    pub(super) devices: BTreeMap<String, Option<DeviceRow>>,
}

/// What is on a side of something that a change may have replaced.
fn of<'a, K: Ord + ?Sized, O: Ord + std::borrow::Borrow<K>, V>(
    side: Side,
    was: &'a BTreeMap<O, Option<V>>,
    is: Option<&'a V>,
    key: &K,
) -> Option<&'a V> {
    match (side, was.get(key)) {
        (Side::Before, Some(before)) => before.as_ref(),
        _ => is,
    }
}

impl Candidate {
    pub(super) fn options(&self, side: Side) -> &TenantOptions {
        match (side, &self.was.options) {
            (Side::Before, Some(options)) => options,
            _ => &self.options,
        }
    }

    pub(super) fn certificates(&self, side: Side) -> &[String] {
        match (side, &self.was.certificates) {
            (Side::Before, Some(names)) => names,
            _ => &self.certificates,
        }
    }

    pub(super) fn model(&self, side: Side, name: &str) -> Option<&ModelRow> {
        of(side, &self.was.models, self.models.get(name), name)
    }

    pub(super) fn layer(&self, side: Side, scope: &str) -> Option<&LayerSettings> {
        of(side, &self.was.layers, self.layers.get(scope), scope)
    }

    /// What an operator wrote for a kind, a family, and a model or (empty) every one.
    pub(super) fn template(
        &self,
        side: Side,
        kind: FileKind,
        family: Family,
        model: &str,
    ) -> Option<&String> {
        let key = TemplateKey {
            kind,
            family,
            model: model.to_owned(),
        };
        of(side, &self.was.templates, self.templates.get(&key), &key)
    }

    /// What a device is on a side; `None`: it is not there yet.
    pub(super) fn device<'a>(&'a self, side: Side, device: &'a DeviceRow) -> Option<&'a DeviceRow> {
        of(side, &self.was.devices, Some(device), device.id.as_str())
    }
}
