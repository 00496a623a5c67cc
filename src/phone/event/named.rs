//! What a request that got nothing was meant for: which name it nearly wrote, and which device it is.
//!
//! Found out after the answer, and only where the event will be written, so that neither the answer's
//! time nor a flood is any the dearer for it.

use std::rc::Rc;

use ringfence_provision::mac::Mac;
use ringfence_provision::url_template::{NearMiss, RouteTable, Slip, shown};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::phone::event::Event;
use crate::phone::{PhoneRequest, Reason};
use crate::platform::log::warn;
use crate::store::devices;

/// How many texts of a path that may be a MAC are looked up.
const MAX_MACS: usize = 8;

/// What there is to find out about one event.
pub(super) struct Puzzle {
    path: String,
    access_path: String,
    /// The names to hold the path against, if the name was the trouble.
    names: Option<Rc<RouteTable>>,
    /// What may be the MAC of the device that asked.
    macs: Vec<Mac>,
}

impl Event {
    /// What there is to find out about it, if anything.
    pub(super) fn puzzle(&self, request: &PhoneRequest) -> Option<Puzzle> {
        let shown = self.path.as_deref()?;
        let names = self.record.names.clone();
        let names = names.filter(|_| self.reason.may_be_near_miss());
        let macs = match self.record.mac {
            _ if self.record.device.is_some() || self.reason == Reason::Storage => Vec::new(),
            // It was looked up before the answer.
            Some(_) if self.reason == Reason::UnknownDevice => Vec::new(),
            Some(mac) => vec![mac],
            None => Mac::find_in(shown, MAX_MACS),
        };
        (names.is_some() || !macs.is_empty()).then(|| Puzzle {
            path: request.path.clone(),
            access_path: request.access_path.clone(),
            names,
            macs,
        })
    }
}

impl Puzzle {
    /// Writes into the event what can be found out. One look-up in D1 at most.
    pub(super) async fn solve(mut self, event: &mut Event, app: &App) {
        let near = self.names.and_then(|names| names.near_miss(&self.path));
        if let Some(near) = near {
            event.detail = Some(explained(&near, &self.access_path).to_string());
            event.reason = near.slip.into();
            if self.macs.is_empty() {
                // A blank in the middle of it, for example.
                self.macs = Mac::find_in(&near.expected, MAX_MACS);
            }
        }
        if let [mac] = *self.macs {
            // Whether it is a device's or not.
            event.record.mac = Some(mac);
        }
        let macs: Vec<String> = self.macs.iter().map(|mac| mac.upper()).collect();
        let Some(tenant) = event.record.tenant.as_ref().filter(|_| !macs.is_empty()) else {
            return;
        };
        match devices::first_among(&app.db, tenant, &macs).await {
            Ok(Some((id, mac))) => {
                event.record.mac = Mac::parse(&mac).ok();
                event.record.device = Some(id);
            }
            Ok(None) => {}
            Err(error) => warn(
                "device_not_found_out",
                &[
                    ("request_id", &app.request_id),
                    ("error", &error.to_string()),
                ],
            ),
        }
    }
}

/// The event's `detail`: `expected`, and `also` where more than one thing is wrong.
fn explained(near: &NearMiss, access_path: &str) -> Value {
    let mut detail = Map::new();
    let expected = shown(&near.expected, access_path);
    detail.insert("expected".into(), expected.into());
    if !near.also.is_empty() {
        let also: Vec<&str> = near.also.iter().copied().map(Slip::as_str).collect();
        detail.insert("also".into(), json!(also));
    }
    detail.into()
}

#[cfg(test)]
mod tests {
    use crate::phone::event::named::*;

    #[test]
    fn near_miss_detail_format_unchanged() {
        let near = NearMiss {
            slip: Slip::BlankInName,
            also: Vec::new(),
            expected: "Config0080F0000104.cfg".into(),
        };
        let one = explained(&near, "path");
        assert_eq!(one.to_string(), r#"{"expected":"Config0080F0000104.cfg"}"#);
        let more = NearMiss {
            also: vec![Slip::WrongExtension, Slip::WrongCase],
            expected: "0123456789abcdef0123456789abcdef.cfg".into(),
            ..near
        };
        assert_eq!(
            explained(&more, "path").to_string(),
            r#"{"also":["wrong_extension","wrong_case"],"expected":"….cfg"}"#
        );
    }
}
