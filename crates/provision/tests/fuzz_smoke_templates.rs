//! The fuzz targets of MACs, URL templates and file templates for a bounded number of inputs:
//! pieces that mean something to a reader in random order, always the same ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

#[path = "../fuzz/checks/templates.rs"]
mod templates;

const MAC: [&str; 12] = [
    "0080F0", "c571eb", "00", "F", "a", ":", "-", ".", " ", "\u{660}", "\n", "BCC342",
];
const URL: [&str; 30] = [
    "{MAC}",
    "{mac}",
    "{MODEL}",
    "{fwver}",
    "<MAC>",
    "<MODEL>",
    "{",
    "}",
    "<",
    ">",
    "Config",
    "ConfigCom.cfg",
    ".cfg",
    ".enc",
    "/",
    "..",
    ".",
    "-",
    "a",
    "4",
    "KX-UTG300B",
    "0080F0C571EB",
    "%",
    "%2F",
    "%41",
    "%00",
    "?",
    "é",
    "\n",
    "\n",
];
const TEMPLATE: [&str; 60] = [
    "{{ ",
    " }}",
    "{% ",
    " %}",
    "{#",
    "#}",
    "{{ PASS }}",
    "{{ NTP }}",
    "{{ N }}",
    "PASS",
    "NTP",
    "N",
    "urls",
    "device",
    ".mac",
    ".standard",
    "[PASS]",
    "|upper",
    "|int",
    "|length",
    "|default(",
    "|join(",
    "|replace(",
    "setting(",
    "parameters(",
    "range(",
    "'P'",
    "\"x\"",
    "'",
    "\"",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    " ~ ",
    " + ",
    " * ",
    " - ",
    " == ",
    " in ",
    " is ",
    "defined",
    "not ",
    " and ",
    "9",
    "99999999999",
    ",",
    "{% if PASS %}",
    "{% endif %}",
    "{% for x in range(9) %}",
    "{% endfor %}",
    "{% else %}",
    "{% set x = PASS %}",
    "x",
    "loop",
    "\r\n",
    "\n",
    "<![CDATA[",
];

#[test]
fn rubbish_is_a_mac_or_refused() {
    run(&MAC, 12, 20_000, templates::mac);
}

#[test]
fn rubbish_is_a_table_of_routes_or_refused() {
    run(&URL, 24, 6_000, templates::routes);
}

#[test]
fn rubbish_is_rendered_or_refused() {
    run(&TEMPLATE, 20, 10_000, templates::template);
}

fn run(pieces: &[&str], most: usize, count: usize, check: impl Fn(&[u8])) {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for _ in 0..count {
        let mut data = Vec::new();
        for _ in 0..random.below(most) {
            data.extend_from_slice(pieces[random.below(pieces.len())].as_bytes());
            if random.below(40) == 0 {
                data.push(random.next().to_le_bytes()[0]);
            }
        }
        check(&data);
    }
}

/// Xorshift: the same inputs in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}
