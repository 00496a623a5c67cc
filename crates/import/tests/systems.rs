//! A table of each system that is known by its header, as that system writes it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use ringfence_import::{Device, Row, RowOutcome, System, Table, Wishes};

fn read(sample: &[u8]) -> (System, Vec<String>, Vec<Row>) {
    let table = Table::open(sample, Wishes::default()).unwrap();
    let ignored = table.ignored().iter().map(|it| it.name.clone()).collect();
    (table.system(), ignored, table.rows().collect())
}

fn device(row: &Row) -> &Device {
    match &row.outcome {
        RowOutcome::Device(device) => device,
        other => panic!("{other:?}"),
    }
}

/// A device in words: MAC, model, label, and its settings, of which secrets have an asterisk.
fn summary_of(row: &Row) -> String {
    let device = device(row);
    let settings = device.settings.iter().map(|(name, value)| {
        let secret = if value.is_secret() { "*" } else { "" };
        format!("{name}={secret}{}", value.expose())
    });
    let (model, label) = (device.model.clone(), device.label.clone());
    let head = [
        device.mac.upper(),
        model.unwrap_or_default(),
        label.unwrap_or_default(),
    ];
    head.into_iter()
        .chain(settings)
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn a_fusionpbx_export_has_lines_side_by_side_and_ragged_rows() {
    let (system, ignored, rows) = read(include_bytes!("samples/fusionpbx.csv"));
    assert_eq!(system, System::FusionPbx);
    assert_eq!(
        summary_of(&rows[0]),
        "0080F0C571EB KX-UTG300B Front desk line_1_auth_user=201 line_1_display_name=Front line_1_domain=pbx.example \
         line_1_enabled=true line_1_expires=120 line_1_password=*Harbour-1 line_1_port=5060 line_1_transport=tcp line_1_user=201 \
         line_3_auth_user=299 line_3_display_name=Night line_3_domain=pbx.example line_3_enabled=true line_3_expires=120 \
         line_3_password=*Harbour-9 line_3_port=5060 line_3_transport=tcp line_3_user=299"
    );
    assert!(
        summary_of(&rows[1]).starts_with("0080F0C571EC KX-UTG200B Workshop line_1_auth_user=202 ")
    );
    assert!(!summary_of(&rows[1]).contains("line_2"));
    assert_eq!((rows[2].line, &rows[2].outcome), (4, &RowOutcome::NoPhone));
    assert_eq!(
        ignored,
        [
            "device_uuid",
            "device_vendor",
            "device_enabled",
            "device_description"
        ]
    );
}

#[test]
fn an_fs_pbx_import_has_extensions() {
    let (system, ignored, rows) = read(include_bytes!("samples/fspbx.csv"));
    assert_eq!(
        (system, ignored.as_slice()),
        (System::FsPbx, ["serial_number".to_owned()].as_slice())
    );
    assert_eq!(summary_of(&rows[0]), "0080F0C571EB   line_1_user=201");
    assert_eq!(summary_of(&rows[1]), "0080F0C571EC  ");
    let wishes = Wishes {
        model: Some("KX-UTG300B".into()),
        ..Wishes::default()
    };
    let table = Table::open(include_bytes!("samples/fspbx.csv"), wishes).unwrap();
    assert!(
        table
            .rows()
            .all(|row| device(&row).model.as_deref() == Some("KX-UTG300B"))
    );
}

#[test]
fn a_3cx_export_has_people_and_columns_in_any_place() {
    let (system, ignored, rows) = read(include_bytes!("samples/3cx.csv"));
    assert_eq!(system, System::ThreeCx);
    assert_eq!(
        summary_of(&rows[0]),
        "0080F0C571EB KX-UTG300B Ada Fischer line_1_auth_user=201a line_1_display_name=Ada Fischer line_1_password=*Harbour-1 \
         line_1_user=201"
    );
    assert_eq!(rows[1].outcome, RowOutcome::NoPhone);
    for name in ["Language", "VMPIN", "Template", "BLF"] {
        assert!(ignored.iter().any(|it| it == name), "{name}");
    }
}

#[test]
fn a_vodia_table_begins_with_a_hash() {
    let (system, ignored, rows) = read(include_bytes!("samples/vodia.csv"));
    assert_eq!(system, System::Vodia);
    assert_eq!(
        summary_of(&rows[0]),
        "0080F0C571EB  Ada Fischer line_1_display_name=Ada Fischer line_1_password=*Harbour-1 line_1_user=201"
    );
    assert_eq!(ignored, ["position", "cell", "email", "mb_pin", "web_pass"]);
}

#[test]
fn a_freepbx_table_has_the_secret_of_its_device() {
    let (system, _, rows) = read(include_bytes!("samples/freepbx.csv"));
    assert_eq!(system, System::FreePbx);
    assert_eq!(
        summary_of(&rows[0]),
        "0080F0C571EB  Ada Fischer line_1_display_name=Ada Fischer line_1_password=*Harbour-1 line_1_user=201"
    );
    assert_eq!(rows[1].outcome, RowOutcome::NoPhone);
}
