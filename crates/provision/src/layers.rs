//! The layers that settings come from.

use serde::{Deserialize, Serialize};

/// Where a setting was made; the nearer to the device, the stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// A provider's customer.
    Tenant,
    /// A place of a tenant.
    Site,
    /// A model of phone.
    Model,
    /// One phone.
    Device,
}
