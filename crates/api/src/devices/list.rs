//! The filters and orders of a list of devices.

use ringfence_provision::family::Family;
use ringfence_provision::lifecycle::KeyState;
use serde::Deserialize;

/// Which devices, and in which order.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeviceQuery {
    /// Only devices that this text fits: words of three characters or more, each a part of a MAC in
    /// any notation, of a label, of a model, of a site's name or of a setting of the device's own that is no
    /// secret, such as the user of a line. Found devices have an order of their own.
    pub q: Option<String>,
    /// Only devices whose key is in this state.
    pub state: Option<KeyState>,
    /// Only devices of this model.
    pub model: Option<String>,
    /// Only devices of this family.
    pub family: Option<Family>,
    /// Only devices of this vendor, as `listFamilies` names it.
    pub vendor: Option<String>,
    /// Only devices of the site with this id.
    pub site: Option<String>,
    /// Only devices one of whose lines has exactly this user in the device's own settings, unless it is a secret.
    pub extension: Option<String>,
    /// Only devices that are out of service, or only those that are in service.
    pub disabled: Option<bool>,
    /// Only devices that never asked for anything.
    pub never_seen: bool,
    /// Only devices whose last request is before this time in Unix milliseconds.
    pub last_seen_before: Option<u64>,
    /// Only devices whose last request is at or after this time in Unix milliseconds.
    pub last_seen_after: Option<u64>,
    /// Only devices that took their standard file and lack the last version of it.
    pub stale: bool,
    /// Only devices whose last request was refused, or for a file that is broken.
    pub failing: bool,
    /// Only devices whose bootstrap was taken from none of the tenant's `expected_networks`.
    pub unexpected_network: bool,
    /// The order: by what, the smallest first, or with `-` before it the greatest first. Left out, it is the one
    /// in which the other filters are answered soonest. Not together with `q`.
    pub sort: Option<SortBy>,
    /// How many items; 1 to 200, by default 50. With several filters a page may be shorter and still not the last:
    /// `next` tells.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

/// What a list of devices is sorted by. Devices that are equal in it are in the order in which they were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[rustfmt::skip]
pub enum SortBy {
    #[serde(rename = "added")] Added,
    #[serde(rename = "-added")] AddedLast,
    #[serde(rename = "mac")] Mac,
    #[serde(rename = "-mac")] MacLast,
    #[serde(rename = "label")] Label,
    #[serde(rename = "-label")] LabelLast,
    #[serde(rename = "model")] Model,
    #[serde(rename = "-model")] ModelLast,
    #[serde(rename = "last_seen")] LastSeen,
    #[serde(rename = "-last_seen")] LastSeenLast,
    #[serde(rename = "changed")] Changed,
    #[serde(rename = "-changed")] ChangedLast,
}
