//! What is above a tenant's devices, kept by the isolate: settings of tenant, sites and models, and the templates that
//! operators wrote, as the database has them. After a change every device's file is made anew; what they share is read once for
//! each isolate and version then, not once for each device.
//!
//! D1 itself says whether what is kept still holds: the statements that read a device compare the version and leave out
//! what is known of it ([`KnownAbove`]). So nothing here is ever too old, however long it is kept. Secrets stay wrapped.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::model::standing::Standing;
use crate::store::file_inputs::{DeviceParts, KnownAbove, TemplateSource};
use crate::store::object::{Scope, SettingRow};

/// The most bytes that are kept of all tenants together; the tenant that was asked for longest ago goes first.
const MAX_BYTES: usize = 4 << 20;

/// What of a tenant is known, all of one version.
#[derive(Debug, Default)]
pub struct Above {
    version: u64,
    era: u64,
    settings: BTreeMap<String, Rc<[SettingRow]>>,
    /// By model; those of its family are among them.
    templates: BTreeMap<String, Rc<[TemplateSource]>>,
    /// The scopes of `settings`, as a JSON list.
    scopes: String,
    bytes: usize,
}

/// What the files of a device are made from, wherever it was read.
pub struct Inputs {
    pub settings: Vec<Rc<[SettingRow]>>,
    pub templates: Rc<[TemplateSource]>,
}

#[derive(Default)]
struct Tenants {
    /// By the tenant's id: what is known, and when it was asked for, in turns.
    known: BTreeMap<String, (Rc<Above>, u64)>,
    turn: u64,
    bytes: usize,
}

thread_local! {
    static TENANTS: RefCell<Tenants> = RefCell::default();
}

/// What is known of a tenant now.
pub fn of(tenant_id: &str) -> Rc<Above> {
    TENANTS.with_borrow_mut(|tenants| tenants.of(tenant_id))
}

impl Above {
    /// What need not be read.
    pub fn known(&self) -> KnownAbove<'_> {
        KnownAbove {
            version: self.version,
            era: self.era,
            scopes: &self.scopes,
        }
    }
}

/// Completes what was read of a device by what was known when it was asked for, and keeps what is above the device.
/// Where the condition of its reading did not hold, there is nothing.
pub fn complete(
    known: &Above,
    tenant_id: &str,
    standing: &Standing,
    parts: &mut DeviceParts,
) -> Inputs {
    let device = &parts.device;
    let own = Scope::Device {
        id: device.id.clone(),
        mac: device.mac.clone(),
    };
    let own = own.key();
    // The device's own scope is always read, if anything is.
    let Some(of_device) = parts.settings.remove(&own) else {
        return Inputs {
            settings: Vec::new(),
            templates: Rc::from([]),
        };
    };
    let mut read = Above {
        version: device.tenant_version,
        era: standing.era,
        ..Above::default()
    };
    for (scope, settings) in std::mem::take(&mut parts.settings) {
        read.settings.insert(scope, settings.into());
    }
    if let Some(templates) = parts.templates.take() {
        read.templates
            .insert(device.model.clone(), templates.into());
    }
    if known.is_of(&read) {
        read.add(known);
    }
    let scopes = [
        Some(Scope::Tenant),
        device.site_id.clone().map(Scope::Site),
        Some(Scope::Model(device.model.clone())),
    ];
    let mut settings = vec![Rc::from(of_device)];
    for scope in scopes.into_iter().flatten() {
        settings.extend(read.settings.get(&scope.key()).cloned());
    }
    let templates = read.templates.get(&device.model).cloned();
    TENANTS.with_borrow_mut(|tenants| tenants.keep(tenant_id, read));
    Inputs {
        settings,
        templates: templates.unwrap_or_else(|| Rc::from([])),
    }
}

impl Above {
    fn is_of(&self, other: &Self) -> bool {
        (self.era, self.version) == (other.era, other.version)
    }

    /// What the other one has and this one has not.
    fn add(&mut self, other: &Self) {
        for (scope, settings) in &other.settings {
            let of_scope = self.settings.entry(scope.clone());
            of_scope.or_insert_with(|| settings.clone());
        }
        for (model, templates) in &other.templates {
            let of_model = self.templates.entry(model.clone());
            of_model.or_insert_with(|| templates.clone());
        }
    }

    /// Says what it has and how much it is.
    fn measured(mut self) -> Self {
        let mut bytes = 0;
        for (scope, settings) in &self.settings {
            bytes += scope.len();
            for row in settings.iter() {
                bytes +=
                    size_of::<SettingRow>() + row.scope.len() + row.name.len() + row.value.len();
            }
        }
        for (model, templates) in &self.templates {
            bytes += model.len();
            for row in templates.iter() {
                bytes += size_of::<TemplateSource>() + row.source.len();
            }
        }
        self.scopes =
            serde_json::Value::from_iter(self.settings.keys().map(String::as_str)).to_string();
        self.bytes = bytes + self.scopes.len();
        self
    }
}

impl Tenants {
    fn of(&mut self, tenant_id: &str) -> Rc<Above> {
        self.turn += 1;
        let turn = self.turn;
        self.known
            .get_mut(tenant_id)
            .map(|(above, asked)| {
                *asked = turn;
                above.clone()
            })
            .unwrap_or_default()
    }

    /// Keeps what was read, unless another request has brought a newer version meanwhile.
    fn keep(&mut self, tenant_id: &str, mut read: Above) {
        let there = self.of(tenant_id);
        if (there.era, there.version) > (read.era, read.version) {
            return;
        }
        if there.is_of(&read) {
            if read
                .settings
                .keys()
                .all(|scope| there.settings.contains_key(scope))
            {
                return;
            }
            read.add(&there);
        }
        let read = read.measured();
        self.bytes = self.bytes - there.bytes + read.bytes;
        self.known
            .insert(tenant_id.to_owned(), (Rc::new(read), self.turn));
        while self.bytes > MAX_BYTES {
            let oldest = self.known.iter().min_by_key(|(_, (_, asked))| *asked);
            let Some(oldest) = oldest.map(|(tenant_id, _)| tenant_id.clone()) else {
                return;
            };
            if let Some((gone, _)) = self.known.remove(&oldest) {
                self.bytes -= gone.bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ringfence_provision::lifecycle::KeyState;

    use super::*;
    use crate::model::device::tests::device;
    use crate::store::file_inputs::Addresses;

    fn standing(era: u64) -> Standing {
        Standing {
            number: 1,
            mark: "m".into(),
            previous: "l".into(),
            era,
        }
    }

    fn row(scope: &str, value: &str) -> SettingRow {
        SettingRow {
            scope: scope.into(),
            name: "A".into(),
            value: value.into(),
            master: None,
        }
    }

    /// What was read of a device: `scopes` with the value of their one setting, and perhaps a template.
    fn parts(version: u64, scopes: &[(&str, &str)], template: Option<&str>) -> DeviceParts {
        let mut device = device(KeyState::Confirmed);
        device.id = "D".into();
        device.model = "M".into();
        device.site_id = None;
        device.tenant_version = version;
        let of_scope =
            |(scope, value): &(&str, &str)| ((*scope).to_owned(), vec![row(scope, value)]);
        DeviceParts {
            device,
            addresses: Addresses {
                hostname: None,
                options: "{}".into(),
                target: None,
                target_segment: None,
            },
            settings: scopes.iter().map(of_scope).collect(),
            templates: template.map(|source| {
                vec![TemplateSource {
                    kind: "standard".into(),
                    model: String::new(),
                    source: source.into(),
                }]
            }),
        }
    }

    /// The values and templates that the device's files are made from.
    fn made_from(tenant_id: &str, known: &Above, era: u64, mut parts: DeviceParts) -> Vec<String> {
        let inputs = complete(known, tenant_id, &standing(era), &mut parts);
        let settings = inputs.settings.iter().flat_map(|rows| rows.iter());
        let settings = settings.map(|row| row.value.clone());
        let templates = inputs.templates.iter().map(|row| row.source.clone());
        settings.chain(templates).collect()
    }

    const ALL: &[(&str, &str)] = &[("device:D", "own"), ("model:M", "model"), ("tenant", "all")];
    const OWN: &[(&str, &str)] = &[("device:D", "own")];

    #[test]
    fn what_was_read_once_completes_what_is_read_later_of_the_same_version() {
        let first = made_from("A", &of("A"), 0, parts(3, ALL, Some("text")));
        assert_eq!(first, ["own", "all", "model", "text"]);
        let known = of("A");
        assert_eq!(
            (
                known.known().version,
                known.known().era,
                known.known().scopes
            ),
            (3, 0, r#"["model:M","tenant"]"#)
        );
        assert_eq!(made_from("A", &known, 0, parts(3, OWN, None)), first);
        // Of another version or another database D1 has given all, and none of what was known is in it.
        let other: &[(&str, &str)] = &[("device:D", "own"), ("model:M", "new"), ("tenant", "all")];
        for (version, era) in [(4, 0), (3, 1)] {
            let made = made_from("A", &known, era, parts(version, other, Some("newer")));
            assert_eq!(made, ["own", "all", "new", "newer"], "{version} {era}");
        }
    }

    #[test]
    fn a_request_that_is_late_brings_nothing_old_back_and_is_completed_by_what_it_knew() {
        made_from("B", &of("B"), 0, parts(3, ALL, Some("text")));
        let before = of("B");
        made_from(
            "B",
            &before,
            0,
            parts(
                4,
                &[("device:D", "own"), ("model:M", "new"), ("tenant", "new")],
                Some("new"),
            ),
        );
        assert_eq!(
            made_from("B", &before, 0, parts(3, OWN, None)),
            ["own", "all", "model", "text"]
        );
        assert_eq!(of("B").known().version, 4);
    }

    #[test]
    fn of_a_device_that_is_refused_nothing_is_known_and_nothing_kept() {
        assert!(made_from("C", &of("C"), 0, parts(3, &[], None)).is_empty());
        assert_eq!(of("C").known().scopes, "");
    }

    #[test]
    fn what_is_kept_is_bounded_and_who_asked_longest_ago_goes_first() {
        let large = "x".repeat(MAX_BYTES / 4);
        for tenant_id in ["E1", "E2", "E3"] {
            made_from(tenant_id, &of(tenant_id), 0, parts(3, ALL, Some(&large)));
        }
        of("E1");
        made_from("E4", &of("E4"), 0, parts(3, ALL, Some(&large)));
        let is_kept = |tenant_id| of(tenant_id).known().version == 3;
        assert!(is_kept("E1") && is_kept("E3") && is_kept("E4"));
        assert!(!is_kept("E2"));
        // What is too much by itself is not kept, and takes nothing else with it for good.
        let larger = "x".repeat(MAX_BYTES + 1);
        made_from("E5", &of("E5"), 0, parts(3, ALL, Some(&larger)));
        assert!(!is_kept("E5"));
        TENANTS.with_borrow(|tenants| {
            let sum = tenants
                .known
                .values()
                .map(|(above, _)| above.bytes)
                .sum::<usize>();
            assert_eq!(tenants.bytes, sum);
        });
    }
}
