//! After the database was put back to an earlier point.
//!
//! A restore brings back what was taken or removed since: bootstraps, tokens, access paths, keys. The
//! witness notices, and the database vouches for nothing ([`crate::witness`]). `GET` shows what the
//! restore undid, as far as the witness knows; `POST` takes the database into use.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_api::admin::restored::{DeviceRef, RestoredInput, RestoredView, UndoneView};
use ringfence_api::answer::Shown;
use ringfence_api::query::Nothing;
use serde_json::json;

use crate::api::request::call::{Call, Context};
use crate::api::request::commit::{self, Failure};
use crate::db::migrations;
use crate::edge;
use crate::http::problem::{Problem, ProblemKind};
use crate::model::standing::{Standing, Step};
use crate::store::restored::{self, KeptAccess, NextStanding, Undo};
use crate::store::standing;
use crate::witness::{self, ERA, KnownStanding, WitnessReply};

/// The most steps that are read at a time.
const MAX_READ: u32 = 2_000;

/// The most steps that are shown, and the most ids of each list that are in the audit entry.
const MAX_SHOWN: usize = 200;

/// `getRestored`.
pub async fn show(call: Call) -> Result<Shown<RestoredView>, Problem> {
    let found = look(&call).await?;
    Ok(Shown(found.view(0)))
}

/// `restored`.
pub async fn take(call: Call<Nothing, RestoredInput>) -> Result<Shown<RestoredView>, Failure> {
    if !call.token.is_admin() {
        return Err(Problem::new(
            ProblemKind::Forbidden,
            "This takes ADMIN_TOKEN: the restore may have brought any other token back. Set it again \
             by `wrangler secret put ADMIN_TOKEN` if it was deleted.",
        ).into());
    }
    let found = look(&call).await?;
    let app = &call.app;
    let mut era = found.database.era;
    if let (true, Some(witnessed)) = (found.behind, &found.known.standing) {
        let reserve = witness::WitnessCall::Reserve { era };
        era = match witness::ask(&app.env, &reserve).await? {
            WitnessReply::Era(era) => era,
            _ => return Err(Problem::internal("the witness promised no era").into()),
        };
        let next = NextStanding {
            number: found.database.number.max(witnessed.number) + 1,
            previous: &witnessed.mark,
            era,
            version: era.saturating_mul(ERA),
        };
        let keep = KeptAccess {
            tokens: call.body.keep_tokens.clone(),
            access_paths: call.body.keep_access_paths.clone(),
        };
        let undo = found.undo.without(&keep);
        let all = call.body.remove_all || !found.complete;
        let after = json!({
            "stood_at": found.database.number,
            "witnessed": witnessed.number,
            "undone": found.undone,
            "unknown": found.unknown(),
            "complete": found.complete,
            "removed_all": all,
            "tokens": first(&undo.tokens),
            "access_paths": first(&undo.access_paths),
            "relays": first(&undo.relays),
            "targets": first(&undo.targets),
            "tenants": first(&undo.tenants),
            "disabled": undo.disabled.len(),
            "rekey": undo.rekeyed.len(),
        });
        let entry = call.entry("database.restored", "restored", None, Some(after));
        let only = all.then_some(&keep);
        restored::take_into_use(&app.db, &undo, only, &next, app.now, &entry)
            .await
            .map_err(|error| commit::failed(error, call.if_match, &[]))?;
        witness::report(app).await?;
    }
    // What KV has of before would be taken for newer than what the database will publish.
    let remaining = match era {
        0 => 0,
        era => edge::tenants_below(app, era.saturating_mul(ERA)).await?,
    };
    Ok(Shown(found.view(remaining)))
}

fn first(ids: &[String]) -> &[String] {
    ids.get(..MAX_SHOWN).unwrap_or(ids)
}

/// What is known of a restore.
struct Restored {
    behind: bool,
    database: Standing,
    known: KnownStanding,
    complete: bool,
    undone: usize,
    /// The newest last.
    last: Vec<Step>,
    /// What of it the database has.
    undo: Undo,
}

async fn look(call: &Context) -> Result<Restored, Problem> {
    let app = &call.app;
    let known = match witness::ask(&app.env, &witness::WitnessCall::Look).await? {
        WitnessReply::Known(known) => known,
        _ => return Err(Problem::internal("the witness says nothing of itself")),
    };
    // What it lacks is applied before it is believed in anything.
    migrations::forget();
    let database = standing::read(&app.db).await?;
    let mut found = Restored {
        behind: !witness::is_sound(&database, known.standing.as_ref()),
        database,
        known,
        complete: true,
        undone: 0,
        last: Vec::new(),
        undo: Undo::default(),
    };
    if !found.behind {
        return Ok(found);
    }
    let mut undoing = Undoing::default();
    let mut above = found.database.number;
    loop {
        let more = witness::WitnessCall::Above {
            number: above,
            limit: MAX_READ,
        };
        let WitnessReply::Steps {
            steps,
            more,
            complete,
        } = witness::ask(&app.env, &more).await?
        else {
            return Err(Problem::internal("the witness lists no steps"));
        };
        found.complete &= complete;
        found.undone += steps.len();
        for step in steps {
            above = above.max(step.standing.number);
            undoing.take(&step);
            found.last.push(step);
        }
        let old = found.last.len().saturating_sub(MAX_SHOWN);
        found.last.drain(..old);
        if !more {
            break;
        }
    }
    // A history that never was the database's: nothing in it says what was removed from this one.
    found.complete &=
        found.database.number < found.known.standing.as_ref().map_or(0, |it| it.number);
    found.undo = restored::there(&app.db, &undoing.undo()).await?;
    Ok(found)
}

impl Restored {
    /// How many steps there were that nobody told the witness of.
    fn unknown(&self) -> u64 {
        let witnessed = self.known.standing.as_ref().map_or(0, |it| it.number);
        let undone = witnessed.saturating_sub(self.database.number);
        undone.saturating_sub(self.undone as u64)
    }

    fn view(self, remaining: u64) -> RestoredView {
        let devices = |names: Vec<(String, String)>| {
            let refs = names.into_iter();
            refs.map(|(tenant, mac)| DeviceRef { tenant, mac })
                .collect()
        };
        let unknown = self.unknown();
        RestoredView {
            behind: self.behind,
            stands_at: self.database.number,
            witnessed: self.known.standing.map(|standing| standing.number),
            complete: self.complete,
            undone: self.undone,
            unknown,
            steps: self
                .last
                .into_iter()
                .rev()
                .map(|step| UndoneView {
                    at: step.at,
                    tenant: step.tenant,
                    action: step.action,
                    object: step.object,
                    token: step.token,
                })
                .collect(),
            tokens: self.undo.tokens,
            access_paths: self.undo.access_paths,
            relays: self.undo.relays,
            targets: self.undo.targets,
            tenants: self.undo.tenants,
            disabled: devices(self.undo.disabled),
            forwards: devices(self.undo.forwards),
            rekey: devices(self.undo.rekeyed),
            remaining,
        }
    }
}

impl Undo {
    /// The same but for what an operator keeps.
    fn without(&self, keep: &KeptAccess) -> Self {
        let mut undo = self.clone();
        undo.tokens.retain(|id| !keep.tokens.contains(id));
        undo.access_paths
            .retain(|id| !keep.access_paths.contains(id));
        undo
    }
}

/// What undone steps, one after the other, come to.
#[derive(Default)]
struct Undoing {
    tokens: BTreeSet<String>,
    access_paths: BTreeSet<String>,
    relays: BTreeSet<String>,
    /// Ids of their tenants.
    targets: BTreeSet<String>,
    tenants: BTreeSet<String>,
    devices: BTreeMap<(String, String), Device>,
}

/// What undone steps say of a device.
#[derive(Default)]
struct Device {
    disabled: bool,
    /// Nobody is sent on to it.
    unforwarded: bool,
    rekeyed: bool,
    claimed: Option<u32>,
}

impl Undoing {
    fn take(&mut self, step: &Step) {
        let id = || {
            step.object
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        match step.action.as_str() {
            "token.delete" => {
                self.tokens.insert(id());
            }
            "access-path.delete" | "access-path.update" => {
                self.access_paths.insert(id());
            }
            "access-path.target" | "access-path.end-target" => {
                self.targets.extend(step.tenant.clone());
            }
            "relay.delete" => {
                self.relays.insert(id());
            }
            "tenant.delete" => self.tenants.extend(step.tenant.clone()),
            action if step.object.starts_with("devices/") => {
                let Some(tenant) = &step.tenant else { return };
                let device = self.devices.entry((tenant.clone(), id())).or_default();
                match action {
                    "device.delete" => {
                        device.disabled = true;
                        device.unforwarded = true;
                    }
                    // A device that had moved away is back in the tenant that it left. What became of
                    // its key in the other one is told of that tenant's device, which is not there.
                    "device.move" => {
                        device.disabled = true;
                        device.unforwarded = true;
                        device.rekeyed = true;
                    }
                    "device.end-forward" => device.unforwarded = true,
                    "device.disable" => device.disabled = true,
                    "device.enable" => device.disabled = false,
                    // A new device under the MAC, or a new key for the old one.
                    "device.create" => {
                        *device = Device {
                            rekeyed: true,
                            ..Device::default()
                        };
                    }
                    "device.rekey" | "device.import-key" => device.rekeyed = true,
                    "device.claim" => device.claimed = step.generation,
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn undo(self) -> Undo {
        let mut undo = Undo {
            tokens: self.tokens.into_iter().collect(),
            access_paths: self.access_paths.into_iter().collect(),
            relays: self.relays.into_iter().collect(),
            targets: self.targets.into_iter().collect(),
            tenants: self.tenants.into_iter().collect(),
            ..Undo::default()
        };
        for (name, device) in self.devices {
            if let Some(generation) = device.claimed {
                let (tenant, mac) = name.clone();
                undo.claimed.push((tenant, mac, generation));
            }
            if device.disabled {
                undo.disabled.push(name.clone());
            }
            if device.unforwarded {
                undo.forwards.push(name.clone());
            }
            if device.rekeyed {
                undo.rekeyed.push(name);
            }
        }
        undo
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::admin::restored::*;

    fn step(action: &str, object: &str) -> Step {
        Step {
            standing: Standing {
                number: 1,
                mark: String::new(),
                previous: String::new(),
                era: 0,
            },
            action: action.into(),
            tenant: Some("T".into()),
            object: object.into(),
            token: "admin".into(),
            generation: (action == "device.claim").then_some(2),
            at: 1,
        }
    }

    fn undo(steps: &[(&str, &str)]) -> Undo {
        let mut undoing = Undoing::default();
        for (action, object) in steps {
            undoing.take(&step(action, object));
        }
        undoing.undo()
    }

    fn device(mac: &str) -> (String, String) {
        ("T".into(), mac.into())
    }

    #[test]
    fn what_was_removed_is_removed_again() {
        let undo = undo(&[
            ("token.delete", "tokens/K"),
            ("access-path.delete", "access-paths/P"),
            ("access-path.update", "access-paths/Q"),
            ("access-path.target", "access-paths/S"),
            ("relay.delete", "pools/default/relays/R"),
            ("tenant.delete", ""),
            ("token.create", "tokens/new"),
            ("settings.update", "devices/0080F0000009/settings"),
        ]);
        assert_eq!(undo.tokens, ["K"]);
        assert_eq!(undo.access_paths, ["P", "Q"]);
        assert_eq!(undo.relays, ["R"]);
        assert_eq!(undo.targets, ["T"]);
        assert_eq!(undo.tenants, ["T"]);
        assert!(undo.disabled.is_empty() && undo.rekeyed.is_empty() && undo.claimed.is_empty());
    }

    #[test]
    fn a_device_is_as_its_last_undone_steps_left_it() {
        let undo = undo(&[
            ("device.claim", "devices/1"),
            ("device.rekey", "devices/2"),
            ("device.disable", "devices/3"),
            ("device.enable", "devices/3"),
            ("device.disable", "devices/4"),
            ("device.delete", "devices/5"),
            ("device.create", "devices/5"),
            ("device.delete", "devices/6"),
            ("device.end-forward", "devices/7"),
            ("device.move", "devices/8"),
        ]);
        assert_eq!(undo.claimed, [("T".into(), "1".into(), 2)]);
        assert_eq!(undo.rekeyed, [device("2"), device("5"), device("8")]);
        assert_eq!(undo.disabled, [device("4"), device("6"), device("8")]);
        assert_eq!(undo.forwards, [device("6"), device("7"), device("8")]);
    }

    #[test]
    fn what_an_operator_keeps_stays() {
        let undo = undo(&[
            ("token.delete", "tokens/K"),
            ("token.delete", "tokens/L"),
            ("access-path.delete", "access-paths/P"),
        ]);
        let kept = undo.without(&KeptAccess {
            tokens: vec!["K".into()],
            access_paths: vec!["P".into()],
        });
        assert_eq!(kept.tokens, ["L"]);
        assert!(kept.access_paths.is_empty());
    }
}
