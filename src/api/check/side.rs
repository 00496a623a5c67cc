//! A tenant as it is beside what it would be: what a change replaces is kept, the rest is the same.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use ringfence_provision::layers::LayerSettings;

use crate::model::device::DeviceRow;
use crate::model::tenant::TenantOptions;
use crate::store::models::ModelRow;
use crate::store::object::TemplateKey;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// As it is.
    Before,
    /// With the change.
    After,
}

impl Side {
    /// What is on the side of something that a change may have replaced.
    pub(super) fn of<'a, K: Ord + ?Sized, O: Ord + Borrow<K>, V>(
        self,
        was: &'a BTreeMap<O, Option<V>>,
        is: Option<&'a V>,
        key: &K,
    ) -> Option<&'a V> {
        match (self, was.get(key)) {
            (Self::Before, Some(before)) => before.as_ref(),
            _ => is,
        }
    }
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
