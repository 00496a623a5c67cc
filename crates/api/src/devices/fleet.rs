//! Devices of all tenants.

use serde::{Deserialize, Serialize};

use crate::devices::DeviceView;

/// Which devices: at most one of `q`, `mac` and `doubled`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FleetQuery {
    /// Only devices that this text fits: words of three characters or more, each a part of a MAC in
    /// any notation, of a label, of a model, of a site's name or of a setting of the device's own that is no secret.
    pub q: Option<String>,
    /// Only devices with this MAC, in any notation.
    pub mac: Option<String>,
    /// Only devices whose MAC another tenant has too, in the order of their MACs.
    pub doubled: bool,
    /// How many items; 1 to 200, by default 50.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

/// A device, with the tenant that has the device.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FoundDevice {
    /// Id of the tenant that has the device.
    pub tenant: String,
    /// Name of the tenant that has the device.
    pub tenant_name: String,
    #[serde(flatten)]
    pub device: DeviceView,
}

/// A device, and after it was added which other tenants have a device with the same MAC.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WithDoubles {
    #[serde(flatten)]
    pub device: DeviceView,
    /// Other tenants that have a device with this MAC: told to tokens for all tenants, when a device is
    /// added. Unless both are meant to have it, move the device instead, or remove it there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub also_in: Vec<AlsoIn>,
}

impl WithDoubles {
    /// A device after which nobody looked.
    pub fn none(device: DeviceView) -> Self {
        Self {
            device,
            also_in: Vec::new(),
        }
    }
}

/// Another tenant's device with the same MAC.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlsoIn {
    /// Id of the tenant.
    pub tenant: String,
    /// The name of the other tenant.
    pub tenant_name: String,
    /// Id of the device.
    pub device: String,
}
