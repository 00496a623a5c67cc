//! How long the longest table takes, beside the `csv` crate alone on the same bytes in the same run, and how much memory
//! it takes at most. Prints one line of JSON; `tests/bench/import.mjs` reads it. The argument is the number of rows.
#![allow(clippy::expect_used, clippy::print_stdout)]

use std::hint::black_box;
use std::time::Instant;

use ringfence_import::{ExportedDevice, ExportedValue, MAX_ROWS, RowOutcome, Table, Wishes, write};
use ringfence_test_cost::{Counting, Memory};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often each piece of work is run, in turn with the others.
const ROUNDS: usize = 7;

/// A table as an operator's spreadsheet has it: a line with its password on each phone, some cells quoted.
fn table(rows: usize) -> String {
    let mut text =
        "mac;model;label;site;line_1_user;line_1_password;line_1_domain;line_1_label\r\n"
            .to_owned();
    for row in 0..rows {
        text.push_str(&format!(
            "00:80:F0:{:02X}:{:02X}:{:02X};KX-UTG300B;\"Room {row}; desk\";Site {};{};pw-{row:08x}-{:08x};sip.example;Desk {row}\r\n",
            row >> 16,
            row >> 8 & 0xff,
            row & 0xff,
            row % 40,
            2_000 + row,
            row ^ 0x5a5a_5a5a,
        ));
    }
    text
}

/// Fields that the `csv` crate finds, and nothing more.
fn plain(text: &str) -> usize {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(b';')
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut record = csv::ByteRecord::new();
    let mut fields = 0;
    while reader.read_byte_record(&mut record).expect("it is a table") {
        fields += black_box(&record).len();
    }
    fields
}

/// Devices that the table has.
fn read(text: &str) -> usize {
    let table = Table::open(text.as_bytes(), Wishes::default()).expect("it is a table");
    let devices = table
        .rows()
        .filter(|row| matches!(row.outcome, RowOutcome::Device(_)));
    devices.map(black_box).count()
}

fn written(rows: usize) -> Vec<ExportedDevice> {
    let text = |name: &str, value: String| (name.to_owned(), ExportedValue::Text(value));
    let device = |row: usize| ExportedDevice {
        mac: format!("0080F0{row:06X}"),
        model: "KX-UTG300B".into(),
        family: "utg".into(),
        label: format!("Room {row}; desk"),
        site: format!("Site {}", row % 40),
        settings: [
            text("line_1_user", format!("{}", 2_000 + row)),
            text("line_1_domain", "sip.example".into()),
            ("line_1_password".to_owned(), ExportedValue::Secret),
        ]
        .into(),
    };
    (0..rows).map(device).collect()
}

/// Milliseconds of each of some pieces of work, the quickest of several runs in turn.
fn times<const N: usize>(work: [&dyn Fn() -> usize; N]) -> [f64; N] {
    let mut best = [f64::INFINITY; N];
    for _ in 0..ROUNDS {
        for (best, work) in best.iter_mut().zip(work) {
            let begun = Instant::now();
            black_box(work());
            *best = best.min(begun.elapsed().as_secs_f64() * 1000.0);
        }
    }
    best
}

/// The most bytes that were in use at a time besides what was there before.
fn peak(work: impl Fn() -> usize) -> i64 {
    Memory::restart();
    black_box(work());
    Memory::count().most
}

fn main() {
    let rows = std::env::args().skip(1).find_map(|word| word.parse().ok());
    let rows: usize = rows.unwrap_or(MAX_ROWS);
    let text = table(rows);
    let devices = written(rows);
    assert_eq!(read(&text), rows, "every row is a device");
    let export = || write(&devices).expect("it is a table").len();
    let [plain_ms, read_ms, write_ms] = times([&|| plain(&text), &|| read(&text), &export]);
    println!(
        "{{\"rows\":{rows},\"bytes\":{},\"plainMs\":{plain_ms:.1},\"readMs\":{read_ms:.1},\"writeMs\":{write_ms:.1},\
         \"plainPeak\":{},\"readPeak\":{},\"writePeak\":{},\"written\":{}}}",
        text.len(),
        peak(|| plain(&text)),
        peak(|| read(&text)),
        peak(export),
        export(),
    );
}
