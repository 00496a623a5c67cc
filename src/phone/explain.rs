//! What a request would get now, and from what: the same decision as for a phone, of which nothing is done.

use std::collections::BTreeMap;

use serde_json::Value;

use super::decide::{Located, decide, locate};
use super::event::{Event, Record, without};
use super::shared::{self, Found};
use super::{Copy, Facts, PhoneOutcome, PhoneRequest, Reason, Taking};
use crate::edge::FoundTenant;
use crate::files::inputs::FileInputs;
use crate::files::render;
use crate::model::published::PublishedTenant;

/// What is shorter is no access path, and may be a word of any text.
const MIN_SECRET: usize = 8;

/// A request whose access path was looked up.
pub struct Asking {
    pub request: PhoneRequest,
    located: Result<Located, PhoneOutcome>,
    record: Record,
}

/// What a request would get.
pub struct Explained {
    pub request: PhoneRequest,
    /// What an event says of such a request: how it ends, why, and whose it is.
    pub event: Event,
    /// What the decision was made from.
    pub facts: Facts,
    /// The headers of the answer, by their names in small letters.
    pub headers: BTreeMap<&'static str, String>,
    /// How many bytes the body has, or would have if `HEAD` were `GET`; `None` where there is none to tell.
    pub length: Option<u64>,
}

impl Asking {
    /// Looks the access path up. A tenant that is not `seen` by whoever wants to know is not there.
    pub async fn new(request: PhoneRequest, seen: impl Fn(&str) -> bool) -> Self {
        let mut record = Record {
            facts: Some(Box::default()),
            ..Record::default()
        };
        let located = locate(&request, &mut record).await;
        let located = located.map_err(|error| PhoneOutcome::of(Err(error)));
        let mut asking = Self {
            request,
            located,
            record,
        };
        if asking.tenant().is_some_and(|it| !seen(&it.tenant)) {
            asking.forget_tenant();
        }
        asking
    }

    /// The tenant behind the access path.
    pub fn tenant(&self) -> Option<&PublishedTenant> {
        let located = self.located.as_ref().ok()?;
        let FoundTenant { known, .. } = located.found.as_ref()?;
        Some(&known.tenant)
    }

    fn forget_tenant(&mut self) {
        if let Ok(located) = &mut self.located {
            located.found = None;
        }
        self.record = Record {
            facts: Some(Box::default()),
            ..Record::default()
        };
    }

    /// Decides about the request, and does nothing about it.
    pub async fn explain(self) -> Explained {
        let Self {
            request,
            located,
            mut record,
        } = self;
        let outcome = match located {
            Ok(located) => {
                PhoneOutcome::of(decide(&request, located, Taking::Look, &mut record).await)
            }
            Err(outcome) => outcome,
        };
        record.deeds.clear();
        let mut facts = record.facts.take().map(|facts| *facts).unwrap_or_default();
        if facts.inputs.is_none() {
            facts.inputs = shared_inputs(&request, &facts).await;
        }
        let reply = outcome.reply(&request);
        let headers: BTreeMap<&str, String> = reply
            .headers
            .iter()
            .map(|(name, value)| (*name, value.to_string()))
            .collect();
        let (status, bytes) = (reply.status, reply.bytes);
        let event = Event::found_out(&request, record, &outcome, status, bytes).await;
        let length = headers
            .get("content-length")
            .and_then(|text| text.parse().ok());
        Explained {
            request,
            event,
            facts,
            headers,
            length,
        }
    }
}

/// What a file is made from that came from KV and is no one device's.
async fn shared_inputs(request: &PhoneRequest, facts: &Facts) -> Option<FileInputs> {
    let (known, _) = facts.tenant.as_ref().filter(|_| facts.came_from_kv)?;
    let named = facts.named.as_ref().filter(|named| named.mac.is_none())?;
    match shared::find(request, &known.tenant, named).await {
        Ok(Found::Inputs(inputs)) => Some(*inputs),
        Ok(Found::Nothing(_)) | Err(_) => None,
    }
}

impl Explained {
    /// Whether the file names its own URL, so that another access path makes it another file.
    pub fn names_its_url(&self) -> bool {
        let of_copy = |copy: &Copy| copy.meta.place.is_some();
        let kind = self.event.record.kind;
        let inputs = self.facts.inputs.as_ref().zip(kind);
        self.facts.copies.iter().any(of_copy)
            || inputs.is_some_and(|(inputs, kind)| render::may_name_urls(inputs, kind))
    }

    /// A text without the access path, where that is long enough to be one.
    pub fn without_access_path(&self, text: &str) -> String {
        let known = Some(self.request.access_path.as_str()).filter(|it| it.len() >= MIN_SECRET);
        known.map_or_else(|| text.to_owned(), |it| without(text, it))
    }

    pub fn reason(&self) -> Reason {
        self.event.reason
    }

    /// What the event would have as its detail.
    pub fn detail(&self) -> Option<Value> {
        let text = self.event.detail.as_deref()?;
        ringfence_json::from_str(text).ok()
    }
}
