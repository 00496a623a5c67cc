//! The places of the relays, and which tenant may have one.
//!
//! Tenants share a pool. Each has a fair share of the places: as many as there are, divided by the
//! tenants that hold or want some and one more, who may come. Below its share a tenant may take any
//! place that is free; beyond it, whatever is free but the eighth that is kept for tenants below
//! theirs. So nothing stands idle but that eighth, and whoever comes to relays that others have filled
//! finds a place at once, however many silent phones are being waited for; if several come one after
//! the other and the eighth is gone, the next place that becomes free is theirs.

use std::collections::{BTreeMap, BTreeSet};

/// The part of all places that tenants beyond their share leave free.
const RESERVE: u64 = 8;

/// What a relay can still take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Free {
    pub relay: String,
    /// Places in all.
    pub capacity: u64,
    /// Places that nobody holds.
    pub free: u64,
    /// Places that each tenant holds.
    pub held: BTreeMap<String, u64>,
    pub v4: bool,
    pub v6: bool,
    /// Whether it sends to its pool's proxy and nowhere else.
    pub proxy_only: bool,
}

impl Free {
    /// A tenant takes one.
    pub(super) fn take(&mut self, tenant: &str) {
        self.free = self.free.saturating_sub(1);
        *self.held.entry(tenant.to_owned()).or_default() += 1;
    }
}

/// For what a place is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// What a tenant has a right to.
    Fair,
    /// What nobody else wants.
    More,
}

/// The places of all relays together.
#[derive(Clone, Debug)]
pub(super) struct Places {
    free: u64,
    reserve: u64,
    fair: u64,
    held: BTreeMap<String, u64>,
}

impl Places {
    /// The places of these relays, with `waiting` for the tenants that have something to send.
    pub(super) fn new<'a>(free: &[Free], waiting: impl Iterator<Item = &'a str>) -> Self {
        let mut held: BTreeMap<String, u64> = BTreeMap::new();
        for (tenant, n) in free.iter().flat_map(|free| &free.held) {
            *held.entry(tenant.clone()).or_default() += n;
        }
        let mut tenants: BTreeSet<&str> = waiting.collect();
        tenants.extend(held.keys().map(String::as_str));
        let capacity: u64 = free.iter().map(|free| free.capacity).sum();
        Self {
            free: free.iter().map(|free| free.free).sum(),
            reserve: capacity / RESERVE,
            fair: (capacity / (tenants.len() as u64 + 1)).max(1),
            held,
        }
    }

    /// How many places a tenant may take now.
    pub(super) fn left(&self, tenant: &str, share: Share) -> u64 {
        match share {
            Share::Fair => {
                let held = self.held.get(tenant).copied().unwrap_or(0);
                self.fair.saturating_sub(held).min(self.free)
            }
            Share::More => self.free.saturating_sub(self.reserve),
        }
    }

    /// Whether a tenant may take any.
    pub(super) fn admit(&self, tenant: &str) -> bool {
        self.left(tenant, Share::Fair) > 0 || self.left(tenant, Share::More) > 0
    }

    /// A tenant takes `places` places.
    pub(super) fn take(&mut self, tenant: &str, places: u64) {
        self.free = self.free.saturating_sub(places);
        *self.held.entry(tenant.to_owned()).or_default() += places;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn relay(capacity: u64, held: &[(&str, u64)]) -> Free {
        Free {
            relay: "r".into(),
            capacity,
            free: capacity - held.iter().map(|(_, n)| n).sum::<u64>(),
            held: held.iter().map(|(t, n)| ((*t).to_owned(), *n)).collect(),
            v4: true,
            v6: true,
            proxy_only: false,
        }
    }

    /// Takes whatever a tenant may have.
    fn fill(places: &mut Places, tenant: &str) -> u64 {
        let mut all = 0;
        for share in [Share::Fair, Share::More] {
            let left = places.left(tenant, share);
            places.take(tenant, left);
            all += left;
        }
        all
    }

    #[test]
    fn a_tenant_alone_has_all_but_the_eighth_that_others_may_want() {
        let mut places = Places::new(&[relay(200, &[])], ["A"].into_iter());
        assert_eq!(fill(&mut places, "A"), 175);
        let mut later = Places::new(&[relay(200, &[("A", 175)])], ["A", "B"].into_iter());
        assert!(!later.admit("A"));
        assert_eq!(fill(&mut later, "B"), 25);
        // A relay with few places keeps none back.
        let mut few = Places::new(&[relay(4, &[])], ["A"].into_iter());
        assert_eq!(fill(&mut few, "A"), 4);
    }

    proptest! {
        /// Whoever comes to relays that others have filled finds places, and nobody gets more than
        /// there are.
        #[test]
        fn a_newcomer_finds_places(capacity in 8_u64..1000, others in 1_usize..8) {
            let names: Vec<String> = (0..others).map(|n| format!("T{n}")).collect();
            let waiting = || names.iter().map(String::as_str);
            let mut places = Places::new(&[relay(capacity, &[])], waiting());
            let mut free = relay(capacity, &[]);
            for share in [Share::Fair, Share::More] {
                for name in &names {
                    let left = places.left(name, share);
                    places.take(name, left);
                    for _ in 0..left {
                        prop_assert!(free.free > 0);
                        free.take(name);
                    }
                }
            }
            let places = Places::new(&[free], waiting().chain(["new"]));
            prop_assert!(places.admit("new"));
            for name in &names {
                prop_assert!(places.left(name, Share::More) == 0);
            }
        }
    }
}
