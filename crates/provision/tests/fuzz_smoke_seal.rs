//! A short run of the fuzz targets `envelope` and `wrap` on a stable compiler: seeds, mutations of
//! them, and noise; a bounded number, the same in every run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
// `cargo fuzz` sets `fuzzing`; here it is never set.
#![allow(unexpected_cfgs)]

use ringfence_provision::key::DeviceKey;
use ringfence_provision::vendor;
use ringfence_provision::wrap::{Keyring, MasterKey};

#[path = "../fuzz/fuzz_targets/envelope.rs"]
mod envelope;
#[path = "../fuzz/fuzz_targets/wrap.rs"]
mod wrap;

const RUNS: usize = 20_000;

#[test]
fn no_sealed_file_makes_it_panic() {
    let key = DeviceKey::parse(envelope::KEY).unwrap();
    let names = [
        "utg-128",
        "gxp-256",
        "mpp-8188",
        "obi-128",
        "yealink-ecb-256",
    ];
    let seeds = names.map(|name| {
        let profile = vendor::profile(name).unwrap();
        let sealed = profile.sealer(&key).seal(&[1; 16], &[b'x'; 40]).unwrap();
        [sealed, serde_json::to_vec(&profile).unwrap()]
    });
    let seeds = seeds.concat();
    run(&seeds, envelope::envelope);
}

#[test]
fn no_stored_value_makes_it_panic() {
    let ring = Keyring::new(MasterKey::parse(wrap::MASTER).unwrap(), None).unwrap();
    let seeds = [
        ring.wrap([1; 12], "row", b"a value").unwrap().into_bytes(),
        ring.wrap_file([1; 12], "row", b"a file").unwrap(),
        wrap::MASTER.as_bytes().to_vec(),
        b"12341234abcdabcd12341234abcdabcd".to_vec(),
    ];
    run(&seeds, wrap::wrap);
}

fn run(seeds: &[Vec<u8>], check: fn(&[u8])) {
    let mut random = Random(1);
    for seed in seeds {
        check(seed);
        for len in 0..seed.len() {
            check(&seed[..len]);
        }
    }
    for _ in 0..RUNS {
        let mut input = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(4) {
            mutate(&mut input, &mut random);
        }
        check(&input);
    }
}

fn mutate(input: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(input.len() + 1);
    let byte = random.below(256) as u8;
    match random.below(6) {
        0 => input.insert(at, byte),
        1 => input.truncate(at),
        2 => input.insert(at, b"\n\r.=:v1"[random.below(7)]),
        3 => {
            let copy = input[..at].to_vec();
            input.extend_from_slice(&copy);
            input.truncate(1000);
        }
        4 if at < input.len() => input[at] = byte,
        _ if at < input.len() => input[at] ^= 1 << (byte % 8),
        _ => input.push(byte),
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % bound.max(1) as u64) as usize
    }
}
