//! A look: what came about since the last one.

use ringfence_queue::messages::{PoolCall, PoolReply, Watched};
use serde_json::json;
use worker::Env;

use super::message::Finding;
use crate::db::{Db, StorageError};
use crate::model::webhook::{MessageKind, WebhookOptions};
use crate::platform::{MINUTE_MS, first_id_at};
use crate::pool::client;
use crate::store::pools;
use crate::store::webhooks::{self, FoundDevice, Look, LookRows, WebhookRow};

/// What is younger than that may still be written: an event follows its answer.
pub const LAG_MS: u64 = 60_000;

/// How often sites are counted, which reads each of their devices.
pub const SITES_EVERY_MS: u64 = 3_600_000;

/// How many pools are asked.
const MAX_POOLS: u32 = 50;

/// What is told of a webhook.
pub struct Watch<'a> {
    pub row: &'a WebhookRow,
    pub kinds: &'a [MessageKind],
    pub options: &'a WebhookOptions,
}

/// The times of a look, in Unix milliseconds. What came about from `from` on and before `until` was not looked at yet.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    pub from: u64,
    pub until: u64,
    /// The end of the look before, of which `from` may be a part.
    pub now: u64,
    /// Whether sites are to be counted.
    pub sites: bool,
}

/// What a look found: what came about, and what is so.
#[derive(Default)]
pub struct Seen {
    pub came_about: Vec<(MessageKind, Vec<Finding>)>,
    pub is_so: Vec<(MessageKind, Vec<Finding>)>,
}

impl<'a> Watch<'a> {
    fn has(&self, kind: MessageKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Looks.
    pub async fn look(&self, env: &Env, db: &Db, times: Times) -> Result<Seen, StorageError> {
        let found = webhooks::look(db, &self.asked(times)).await?;
        let mut seen = self.seen(found, times);
        // Pools and their relays are the installation's.
        if self.has(MessageKind::RolloutPaused) || self.has(MessageKind::RelayLost) {
            self.ask_pools(env, db, times.now, &mut seen).await?;
        }
        Ok(seen)
    }

    fn asked(&self, times: Times) -> Look<'a> {
        let Times {
            from,
            until,
            now,
            sites,
        } = times;
        let ids = |from: u64| (first_id_at(from), first_id_at(until));
        let back = |minutes: u32| u64::from(minutes) * MINUTE_MS;
        let options = self.options;
        let late = back(options.never_came_back_minutes);
        let scan_from = until.saturating_sub(back(options.scan_minutes));
        Look {
            tenant_id: self.row.tenant_id.as_deref(),
            unexpected: self
                .has(MessageKind::UnexpectedNetwork)
                .then_some((from, until)),
            never_came_back: self
                .has(MessageKind::NeverCameBack)
                .then_some((from.saturating_sub(late), until.saturating_sub(late))),
            scan: self.has(MessageKind::ScanSuspected).then(|| {
                let (from, until) = ids(scan_from);
                (from, until, options.scan_requests)
            }),
            broken: self.has(MessageKind::FileBroken).then(|| ids(from)),
            sites: (sites && self.has(MessageKind::SiteSilent)).then_some((
                now.saturating_sub(back(options.site_silent_minutes)),
                options.site_silent_percent,
            )),
        }
    }

    fn seen(&self, found: LookRows, times: Times) -> Seen {
        let mut seen = Seen {
            came_about: vec![
                (MessageKind::UnexpectedNetwork, devices(found.unexpected)),
                (MessageKind::NeverCameBack, devices(found.never_came_back)),
                (MessageKind::FileBroken, found.broken.into_iter().map(|file| Finding {
                    subject: format!("{} {:?} {:?}", file.tenant_id, file.mac, file.kind),
                    item: json!({ "tenant": file.tenant_id, "mac": file.mac, "kind": file.kind, "requests": file.requests, "at": file.at }),
                }).collect()),
            ],
            is_so: Vec::new(),
        };
        if self.has(MessageKind::ScanSuspected) {
            let scans = found.scan.into_iter().map(|scan| Finding {
                subject: format!("{} {}", scan.tenant_id, scan.address),
                item: json!({ "tenant": scan.tenant_id, "address": scan.address, "requests": scan.requests, "at": scan.at }),
            });
            seen.is_so
                .push((MessageKind::ScanSuspected, scans.collect()));
        }
        if times.sites && self.has(MessageKind::SiteSilent) {
            let sites = found.sites.into_iter().map(|site| Finding {
                subject: site.id.clone(),
                item: json!({ "tenant": site.tenant_id, "site": site.id, "name": site.name, "devices": site.devices, "silent": site.silent }),
            });
            seen.is_so.push((MessageKind::SiteSilent, sites.collect()));
        }
        seen
    }

    /// Asks the pools. Where one does not answer, what is so there is not known: then nothing is noted at all.
    async fn ask_pools(
        &self,
        env: &Env,
        db: &Db,
        now: u64,
        seen: &mut Seen,
    ) -> Result<(), StorageError> {
        let ids = match &self.row.tenant_id {
            Some(tenant_id) => pools::of_tenant(db, tenant_id).await?,
            None => {
                let rows = pools::list(db, "", MAX_POOLS).await?;
                rows.into_iter().map(|pool| pool.id).collect()
            }
        };
        let (mut paused, mut lost) = (Vec::new(), Vec::new());
        for pool in ids {
            let Ok(PoolReply::Watched(watched)) = client::call(env, &pool, &PoolCall::Watch).await
            else {
                return Ok(());
            };
            self.in_pool(&pool, watched, now, &mut paused, &mut lost);
        }
        if self.has(MessageKind::RolloutPaused) {
            seen.is_so.push((MessageKind::RolloutPaused, paused));
        }
        if self.has(MessageKind::RelayLost) && self.row.tenant_id.is_none() {
            seen.is_so.push((MessageKind::RelayLost, lost));
        }
        Ok(())
    }

    fn in_pool(
        &self,
        pool: &str,
        watched: Watched,
        now: u64,
        paused: &mut Vec<Finding>,
        lost: &mut Vec<Finding>,
    ) {
        let before = |minutes: u32| now.saturating_sub(u64::from(minutes) * MINUTE_MS);
        let own = self.row.tenant_id.as_deref();
        let long = before(self.options.rollout_paused_minutes);
        for rollout in watched.paused {
            if own.is_none_or(|own| own == rollout.tenant) && rollout.since <= long {
                paused.push(Finding {
                    subject: format!("{} {}", rollout.id, rollout.since),
                    item: json!({ "tenant": rollout.tenant, "rollout": rollout.id, "pool": pool, "reason": rollout.reason, "message": rollout.message, "since": rollout.since }),
                });
            }
        }
        let long = before(self.options.relay_lost_minutes);
        for relay in watched.away {
            if relay.seen_at <= long {
                lost.push(Finding {
                    subject: relay.id.clone(),
                    item: json!({ "pool": pool, "relay": relay.id, "last_seen_at": relay.seen_at }),
                });
            }
        }
    }
}

fn devices(found: Vec<FoundDevice>) -> Vec<Finding> {
    let each = found.into_iter().map(|device| Finding {
        subject: format!("{} {}", device.id, device.at),
        item: json!({ "tenant": device.tenant_id, "mac": device.mac, "address": device.address, "country": device.country, "bootstrap_at": device.at }),
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use ringfence_queue::messages::{AwayRelay, PausedRollout};

    use super::*;
    use crate::store::webhooks::{FoundFile, FoundScan, FoundSite};

    fn row(tenant_id: Option<&str>) -> WebhookRow {
        WebhookRow {
            id: "W".into(),
            tenant_id: tenant_id.map(Into::into),
            name: "n".into(),
            url: "https://hooks.example/".into(),
            kinds: "[]".into(),
            options: "{}".into(),
            disabled: 0,
            dead: 0,
            revision: 1,
            created_at: 1,
            updated_at: 1,
        }
    }

    const NOW: u64 = 1_790_000_000_000;
    const TIMES: Times = Times {
        from: NOW - 360_000,
        until: NOW - LAG_MS,
        now: NOW,
        sites: true,
    };

    fn asked<'a>(
        row: &'a WebhookRow,
        kinds: &'a [MessageKind],
        options: &'a WebhookOptions,
    ) -> Look<'a> {
        let watch = Watch {
            row,
            kinds,
            options,
        };
        watch.asked(TIMES)
    }

    #[test]
    fn only_what_a_webhook_is_told_is_asked_for() {
        let (row, options) = (row(Some("T")), WebhookOptions::default());
        let none = asked(&row, &[], &options);
        assert!(none.unexpected.is_none() && none.never_came_back.is_none() && none.scan.is_none());
        assert!(none.broken.is_none() && none.sites.is_none());
        let all = asked(&row, &MessageKind::ALL, &options);
        assert_eq!(all.tenant_id, Some("T"));
        assert_eq!(all.unexpected, Some((TIMES.from, TIMES.until)));
        let late = 60 * MINUTE_MS;
        assert_eq!(
            all.never_came_back,
            Some((TIMES.from - late, TIMES.until - late))
        );
        assert_eq!(all.sites, Some((NOW - 2_880 * MINUTE_MS, 50)));
    }

    #[test]
    fn webhook_items_format_unchanged() {
        let (row, options) = (row(None), WebhookOptions::default());
        let watch = Watch {
            row: &row,
            kinds: &MessageKind::ALL,
            options: &options,
        };
        let device = |id: &str| FoundDevice {
            id: id.into(),
            tenant_id: "T".into(),
            mac: "0080F0C571EB".into(),
            address: Some("192.0.2.1".into()),
            country: Some("NL".into()),
            at: 5,
        };
        let found = LookRows {
            unexpected: vec![device("D")],
            never_came_back: vec![device("E")],
            scan: vec![FoundScan {
                tenant_id: "T".into(),
                address: "192.0.2.9".into(),
                requests: 300,
                at: 6,
            }],
            broken: vec![FoundFile {
                tenant_id: "T".into(),
                mac: None,
                kind: Some("standard".into()),
                requests: 2,
                at: 7,
            }],
            sites: vec![FoundSite {
                id: "S".into(),
                tenant_id: "T".into(),
                name: "Harbour".into(),
                devices: 9,
                silent: 6,
            }],
        };
        let mut seen = watch.seen(found, TIMES);
        let watched = Watched {
            paused: vec![PausedRollout {
                id: "R".into(),
                tenant: "T".into(),
                reason: "threshold".into(),
                message: "Too few came back.".into(),
                since: 8,
            }],
            away: vec![AwayRelay {
                id: "Y".into(),
                seen_at: 9,
            }],
        };
        let (mut paused, mut lost) = (Vec::new(), Vec::new());
        watch.in_pool("P", watched, NOW, &mut paused, &mut lost);
        seen.is_so.push((MessageKind::RolloutPaused, paused));
        seen.is_so.push((MessageKind::RelayLost, lost));
        let lines: Vec<String> = seen
            .came_about
            .iter()
            .chain(&seen.is_so)
            .map(|(kind, findings)| format!("{} {}", kind.as_str(), findings[0].item))
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn a_tenant_is_told_of_its_own_rollouts_after_a_while_and_of_no_relay_that_is_just_away() {
        let (row, options) = (row(Some("T")), WebhookOptions::default());
        let watch = Watch {
            row: &row,
            kinds: &MessageKind::ALL,
            options: &options,
        };
        let rollout = |tenant: &str, since| PausedRollout {
            id: "R".into(),
            tenant: tenant.into(),
            reason: "operator".into(),
            message: String::new(),
            since,
        };
        let watched = Watched {
            paused: vec![
                rollout("T", NOW - 400_000),
                rollout("U", NOW - 400_000),
                rollout("T", NOW - 1_000),
            ],
            away: vec![AwayRelay {
                id: "Y".into(),
                seen_at: NOW - 1_000,
            }],
        };
        let (mut paused, mut lost) = (Vec::new(), Vec::new());
        watch.in_pool("P", watched, NOW, &mut paused, &mut lost);
        assert_eq!((paused.len(), lost.len()), (1, 0));
    }
}
