//! The fuzz targets of the two formats for a bounded number of inputs: samples that are cut,
//! repeated, spliced and disturbed, always the same ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use ringfence_provision::format::Document;
use ringfence_provision::vendor::panasonic;

#[path = "../fuzz/checks/formats.rs"]
mod formats;

const TEXT: [&[u8]; 2] = [
    include_bytes!("samples/standard.cfg"),
    include_bytes!("samples/faults.cfg"),
];
const XML: [&[u8]; 3] = [
    include_bytes!("samples/standard.xml"),
    include_bytes!("samples/malformed.xml"),
    include_bytes!("samples/guide-faults.xml"),
];
/// What is put in somewhere: pieces that mean something to a reader.
const PIECES: [&[u8]; 32] = [
    b"<",
    b">",
    b"\"",
    b"'",
    b"=",
    b"&",
    b";",
    b"\r",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"]]>",
    b"<!DOCTYPE",
    b"<?xml",
    b"?>",
    b"</",
    b"/>",
    b"<>",
    b"</>",
    b"<A>",
    b"</A>",
    b"&#38;",
    b"&#xD;",
    b"\xe2\x80\x9c",
    b"# ",
    b"A=\"1\"",
    b" ",
];

#[test]
fn disturbed_text_files_are_read_or_refused() {
    run(&TEXT, 3_000, formats::text);
}

#[test]
fn disturbed_xml_files_are_read_or_refused() {
    run(&XML, 6_000, formats::xml);
}

/// What is accepted is XML to a reader that knows nothing of ours, and says the same.
#[test]
fn disturbed_xml_files_that_are_read_are_xml_to_others_too() {
    let accepted = std::cell::Cell::new(0);
    run(&XML[..1], 6_000, |data| {
        let Ok(document) = Document::parse(panasonic::UTG, data) else {
            return;
        };
        accepted.set(accepted.get() + 1);
        let text = std::str::from_utf8(data).unwrap();
        let other = roxmltree::Document::parse(text).expect(text);
        let capital = |name: &str| name == name.to_ascii_uppercase();
        let theirs: Vec<_> = other
            .descendants()
            .filter(|node| node.is_element() && capital(node.tag_name().name()))
            .map(|node| -> String {
                let texts = node.children().filter(|child| child.is_text());
                texts.filter_map(|child| child.text()).collect()
            })
            .collect();
        let ours: Vec<_> = document.parameters().into_iter().map(|p| p.value).collect();
        assert_eq!(ours, theirs, "{text}");
    });
    assert!(accepted.get() > 600, "{}", accepted.get());
}

#[test]
fn rubbish_is_read_or_refused() {
    run(&[b""], 3_000, |data| {
        formats::text(data);
        formats::xml(data);
    });
}

fn run(samples: &[&[u8]], count: usize, check: impl Fn(&[u8])) {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for round in 0..count {
        let mut data = samples[round % samples.len()].to_vec();
        for _ in 0..random.below(8) {
            disturb(&mut data, samples, &mut random);
        }
        check(&data);
    }
}

fn disturb(data: &mut Vec<u8>, samples: &[&[u8]], random: &mut Random) {
    let at = random.below(data.len() + 1);
    match random.below(6) {
        0 => data.truncate(at),
        1 if at < data.len() => data[at] = random.next().to_le_bytes()[0],
        2 if at < data.len() => drop(data.remove(at)),
        3 => {
            let other = samples[random.below(samples.len())];
            let from = random.below(other.len() + 1);
            let to = from + random.below(other.len() - from + 1);
            data.splice(at..at, other[from..to].iter().copied());
        }
        _ => {
            let piece = PIECES[random.below(PIECES.len())];
            for _ in 0..1 + random.below(3) {
                data.splice(at..at, piece.iter().copied());
            }
        }
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
