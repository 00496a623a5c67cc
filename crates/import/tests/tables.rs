//! What any bytes come to, what is said about them, and that a table that was written reads back as it was.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use ringfence_import::{
    Device, ExportedDevice, ExportedValue, FileError, Mapping, Refusal, Row, RowOutcome, Table,
    Wishes, is_secret_name, write,
};

#[path = "../fuzz/checks/tables.rs"]
mod checks;
use checks::written;

fn rows(text: &str) -> Vec<Row> {
    Table::open(text.as_bytes(), Wishes::default())
        .unwrap()
        .rows()
        .collect()
}

fn refused(text: &str) -> FileError {
    Table::open(text.as_bytes(), Wishes::default())
        .map(drop)
        .unwrap_err()
}

fn devices(rows: &[Row]) -> Vec<&Device> {
    let found = rows.iter().filter_map(|row| match &row.outcome {
        RowOutcome::Device(device) => Some(device.as_ref()),
        _ => None,
    });
    found.collect()
}

/// Everything that is said about a file.
fn sayings(bytes: &[u8], wishes: Wishes) -> Vec<String> {
    match Table::open(bytes, wishes) {
        Err(error) => vec![error.to_string()],
        Ok(table) => {
            let refusals = table.rows().filter_map(|row| match row.outcome {
                RowOutcome::Refused(refusal) => Some(refusal.to_string()),
                _ => None,
            });
            refusals.collect()
        }
    }
}

#[test]
fn each_row_has_a_verdict_with_its_line() {
    let text = "sep=;\r\nMAC address;Model;Label\r\n\r\n0080F0C571EB;KX-UTG300B;\"two\r\nlines\"\r\n8,02E+10;KX-UTG300B;x\r\n\
                80F0C571EC;KX-UTG300B;\r\n;;\r\n00:80:f0:c5:71:eb;KX-UTG300B;\r\n0080F0C571ED;KX-UTG300B;a;b;c\r\n\
                0080F0C571EE;KX-UTG300B;ok;;\r\n0080F0C571EF;KX-UTG300B";
    let found: Vec<_> = rows(text)
        .into_iter()
        .map(|row| (row.line, row.outcome))
        .collect();
    let lines: Vec<u64> = found.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [4, 6, 7, 8, 9, 10, 11, 12]);
    let column = "Label".to_owned();
    assert_eq!(
        found[0].1,
        RowOutcome::Refused(Refusal::Text { column, most: 100 })
    );
    assert_eq!(found[1].1, RowOutcome::Refused(Refusal::Scientific));
    assert_eq!(found[2].1, RowOutcome::Refused(Refusal::Short(10)));
    assert_eq!(found[3].1, RowOutcome::NoPhone);
    assert!(
        matches!(found[4].1, RowOutcome::Device(_)),
        "the first one with this MAC was refused"
    );
    assert_eq!(
        found[5].1,
        RowOutcome::Refused(Refusal::Wide {
            cells: 5,
            columns: 3
        })
    );
    assert!(
        matches!(found[6].1, RowOutcome::Device(_)) && matches!(found[7].1, RowOutcome::Device(_))
    );
}

#[test]
fn a_mac_that_is_there_twice_is_told_with_the_line_of_the_first() {
    let found = rows("mac\n0080F0C571EB\n0080F0C571EC\n00:80:F0:C5:71:EB\n");
    assert_eq!(found[2].outcome, RowOutcome::Refused(Refusal::Doubled(2)));
    assert_eq!(found[2].line, 4);
    assert!(Refusal::Doubled(2).to_string().contains("Line 2"));
}

#[test]
fn a_file_that_cannot_be_read_says_what_to_do() {
    assert_eq!(refused("0080F0C571EB\n0080F0C571EC\n"), FileError::NoHeader);
    assert_eq!(refused("name,password\nx,y\n"), FileError::NoMac(2));
    let twice = refused("mac,device_address\n");
    assert_eq!(
        twice,
        FileError::Twice {
            what: "the MAC".into(),
            first: 1,
            second: 2
        }
    );
    let wishes = |text: &str| Wishes {
        mapping: Mapping::parse(text).unwrap(),
        ..Wishes::default()
    };
    let mapped = Table::open(
        b"mac,device_address,hw\n,,0080F0C571EB\n",
        wishes("hw=mac\nMAC=ignore\ndevice_address=ignore"),
    )
    .unwrap();
    assert_eq!(devices(&mapped.rows().collect::<Vec<_>>()).len(), 1);
    assert!(mapped.ignored().iter().all(|it| it.on_purpose));
    let missing = Table::open(b"mac\n", wishes("x=model")).map(drop);
    assert_eq!(missing, Err(FileError::NoSuchColumn(1)));
}

#[test]
fn what_is_not_taken_is_named_and_values_are_checked() {
    let table = Table::open(
        b"mac,Colour,line_1_port,time_zone\n0080F0C571EB,red,99999,Europe/Berlin\n",
        Wishes::default(),
    )
    .unwrap();
    let names: Vec<_> = table
        .ignored()
        .iter()
        .map(|it| (it.number, it.name.as_str(), it.on_purpose))
        .collect();
    assert_eq!(names, [(2, "Colour", false)]);
    let row = table.rows().next().unwrap();
    let RowOutcome::Refused(refusal) = row.outcome else {
        panic!()
    };
    assert_eq!(
        refusal.to_string(),
        "`line_1_port`: line_1_port: the value must be a number from 1 to 65535."
    );
}

#[test]
fn a_cell_is_never_quoted() {
    let secret = "Hrb#77-Xq";
    let files = [
        format!("mac,password\n{secret},{secret}\n0080F0C571EB,x,{secret}\n"),
        format!("{secret},{secret}\n{secret}\n"),
        format!(
            "mac;line_1_port;line_1_password;label\n0080F0C571EB;{secret};x;y\n0080F0C571EC;;{}\n",
            secret.repeat(500)
        ),
        format!("mac,device_template\n0080F0C571EB,a/{}\n", secret.repeat(9)),
        format!("mac,line_number,user_id,device_address|2\n0080F0C571EB,{secret},1\n"),
    ];
    for file in files {
        let said = sayings(file.as_bytes(), Wishes::default());
        assert!(!said.is_empty(), "{file}");
        assert!(said.iter().all(|it| !it.contains(secret)), "{said:?}");
    }
    let table = Table::open(
        b"mac,line_1_password\n0080F0C571EB,Hrb#77-Xq\n",
        Wishes::default(),
    )
    .unwrap();
    assert!(!format!("{:?}", table.rows().collect::<Vec<_>>()).contains(secret));
}

#[test]
fn a_file_ends_at_its_bounds() {
    let mut long = "mac\n".to_owned();
    for number in 0..=ringfence_import::MAX_ROWS + 5 {
        long.push_str(&format!("02{number:010X}\n"));
    }
    let found = rows(&long);
    assert_eq!(found.len(), ringfence_import::MAX_ROWS + 1);
    assert_eq!(
        found.last().unwrap().outcome,
        RowOutcome::Refused(Refusal::TooMany)
    );
    let wide = "a,".repeat(ringfence_import::MAX_COLUMNS + 1);
    assert!(matches!(refused(&wide), FileError::Columns(_)));
    let quoted = format!("mac,label\n0080F0C571EB,\"{}", "x\n".repeat(10_000));
    assert!(matches!(
        &rows(&quoted)[0].outcome,
        RowOutcome::Refused(Refusal::LongCell { .. })
    ));
}

#[test]
fn a_table_has_a_column_for_each_setting_in_its_order() {
    let device = ExportedDevice {
        mac: "0080F0C571EB".into(),
        model: "KX-UTG300B".into(),
        label: "=Desk, \"front\"".into(),
        settings: BTreeMap::from([
            ("line_10_user".into(), ExportedValue::Text("+49 1".into())),
            ("line_2_user".into(), ExportedValue::Text("202".into())),
            ("line_1_password".into(), ExportedValue::Secret),
            (
                "admin_password".into(),
                ExportedValue::Text("in clear".into()),
            ),
            ("NTP".into(), ExportedValue::Text(String::new())),
        ]),
        ..ExportedDevice::default()
    };
    assert_eq!(
        write(&[device]).unwrap(),
        "mac,model,family,site,label,secrets,setting:NTP,line_2_user,line_10_user\r\n\
         00:80:F0:C5:71:EB,KX-UTG300B,,,\"'=Desk, \"\"front\"\"\",admin_password line_1_password,',202,'+49 1\r\n"
    );
}

fn a_device() -> impl Strategy<Value = ExportedDevice> {
    let line = "[ -~äß]{0,20}";
    let name = prop_oneof![
        "line_[1-9]_label",
        "line_1[0-9]_voicemail",
        "dial_plan",
        "standard_[A-Z]{1,5}(\\.[0-9]{1,3})?"
    ];
    // What is a secret by its name is written without its value.
    let name = name.prop_filter("a secret", |name| !is_secret_name(name));
    let value = prop_oneof![
        4 => line.prop_map(ExportedValue::Text),
        1 => Just(ExportedValue::Secret),
    ];
    let settings = prop::collection::btree_map(name, value, 0..6);
    (
        0_u64..1 << 40,
        "KX-UTG300B|T46S|",
        "[ -~]{0,20}",
        line,
        settings,
    )
        .prop_map(|(mac, model, site, label, settings)| ExportedDevice {
            mac: format!("02{mac:010X}"),
            model,
            family: String::new(),
            site,
            label,
            settings,
        })
}

/// What begins a table, as each system has it.
const HEADERS: [&str; 7] = [
    "mac,model,site,label,line_1_user,line_1_password\n",
    "mac;label;secrets;setting:NTP\r\n",
    include_str!("samples/3cx.csv"),
    include_str!("samples/freepbx.csv"),
    include_str!("samples/fspbx.csv"),
    include_str!("samples/fusionpbx.csv"),
    include_str!("samples/vodia.csv"),
];

/// Pieces that mean something to a reader of tables.
const CELLS: [&str; 32] = [
    ",",
    ";",
    "\t",
    "|",
    "|2",
    "\n",
    "\r\n",
    "\r",
    "\"",
    "\"\"",
    "'",
    "=",
    "sep=;",
    "\u{feff}",
    "\0",
    " ",
    "mac",
    "0080F0C571EB",
    "0080f0c571ec",
    "00:80:f0:c5:71:ed",
    "8,02E+10",
    "8.02E+10",
    "KX-UTG300B",
    "yealink/t46s",
    "201",
    "line_1_user",
    "true",
    "ä",
    "-",
    "line_1_password",
    "x\ny",
    "=1+1",
];

proptest! {
    #[test]
    fn a_disturbed_table_is_read_or_refused(
        header in prop::sample::select(&HEADERS[..]),
        cells in prop::collection::vec(prop::sample::select(&CELLS[..]), 0..60),
        at in any::<prop::sample::Index>(),
    ) {
        let mut file = header.as_bytes().to_vec();
        let at = at.index(file.len() + 1);
        file.splice(at..at, cells.concat().into_bytes());
        checks::table(&file);
        file.truncate(at);
        file.extend(cells.concat().into_bytes());
        checks::table(&file);
    }

    #[test]
    fn any_bytes_come_to_rows_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400), header in prop::bool::ANY) {
        let mut file = if header { b"mac,label,line_1_user|2,password\n".to_vec() } else { Vec::new() };
        file.extend(bytes);
        sayings(&file, Wishes::default());
    }

    #[test]
    fn each_row_that_goes_in_comes_out(cells in prop::collection::vec(("[0-9A-F:]{0,17}", "[ -~&&[^\",;]]{0,12}"), 0..30), end in prop_oneof!["\n", "\r\n"]) {
        let mut file = format!("mac,label{end}");
        for (mac, label) in &cells {
            file.push_str(&format!("{mac},{label}{end}"));
        }
        let found = rows(&file);
        prop_assert_eq!(found.len(), cells.len());
        let lines: Vec<u64> = found.iter().map(|row| row.line).collect();
        prop_assert_eq!(lines, (2..cells.len() as u64 + 2).collect::<Vec<_>>());
    }

    #[test]
    fn what_was_written_reads_back_as_it_was(devices in prop::collection::vec(a_device(), 0..8)) {
        let mut by_mac: BTreeMap<String, ExportedDevice> = devices.into_iter().map(|it| (it.mac.clone(), it)).collect();
        let file = write(&by_mac.values().cloned().collect::<Vec<_>>()).unwrap();
        let read = rows(&file);
        let found = self::devices(&read);
        prop_assert_eq!(found.len(), by_mac.len(), "{} {:?}", file, read);
        for device in found {
            let was = by_mac.remove(&device.mac.upper()).unwrap();
            prop_assert_eq!(written(device), was);
        }
        let again: Vec<_> = self::devices(&read).into_iter().map(written).collect();
        prop_assert_eq!(write(&again).unwrap(), file);
    }
}
