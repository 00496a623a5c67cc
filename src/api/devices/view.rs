//! A device as an operator sees it.

use ringfence_api::devices::{DeviceView, FailingView, KeyView, SeenView};
use ringfence_provision::vendor;

use crate::model::device::DeviceRow;

/// A row as it is shown at a time.
pub fn device_view(row: DeviceRow, now: u64) -> DeviceView {
    DeviceView {
        key: KeyView {
            bootstrap_waits: row.disabled == 0 && row.key().bootstrap_waits(now),
            state: row.key_state,
            generation: row.generation,
            ever_delivered: row.ever_delivered == 1,
            armed_at: row.armed_at,
            armed_until: row.armed_until,
            last_taken_by: delivered(&row),
            from_unexpected_network: row.unexpected_network == 1,
            confirmed_at: row.confirmed_at,
        },
        stale: row.is_stale(),
        failing: failing(&row),
        file_version: row.file_version(),
        id: row.id,
        mac: row.mac,
        model: row.model,
        family: row.family,
        profile_grade: row.profile.as_deref().and_then(vendor::grade),
        profile: row.profile,
        site: row.site_id,
        label: row.label,
        disabled: row.disabled == 1,
        version: row.version,
        fetched_version: row.fetched_version,
        fetched_at: row.fetched_at,
        last_seen: row.last_seen_at.map(|at| SeenView {
            at,
            address: row.last_seen_address,
            user_agent: row.last_seen_user_agent,
            country: None,
        }),
        forwarded_until: row.forward_until.filter(|until| now < *until),
        revision: row.revision,
        created_at: row.created_at,
        updated_at: row.updated_at,
        checked: None,
    }
}

/// Who took the bootstrap last, if anybody did.
pub fn delivered(row: &DeviceRow) -> Option<SeenView> {
    row.delivered_at.map(|at| SeenView {
        at,
        address: row.delivered_address.clone(),
        user_agent: row.delivered_user_agent.clone(),
        country: row.delivered_country.clone(),
    })
}

fn failing(row: &DeviceRow) -> Option<FailingView> {
    let at = row.failed_at.filter(|_| row.is_failing())?;
    Some(FailingView {
        at,
        reason: row.failed_reason.clone().unwrap_or_default(),
    })
}
