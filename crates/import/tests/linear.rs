//! A file takes linear time and memory, whatever it is made of: N bytes and four times as many.

use ringfence_import::{ExportedDevice, ExportedValue, Mapping, Table, Wishes, guarded, write};
use ringfence_test_cost::{Counting, PIECES, assert_linear, repeated};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn read(text: &str) {
    if let Ok(table) = Table::open(text.as_bytes(), Wishes::default()) {
        table.rows().for_each(drop);
    }
}

#[test]
fn a_file_is_read_in_linear_time() {
    let own = [
        ",",
        ";",
        "|2",
        "mac,",
        "0080F0C571EB\n",
        "\"\n",
        "\"\"",
        "line_1_user,",
        "sep=;",
        "\u{feff}",
        "1E+10\n",
    ];
    for piece in PIECES.into_iter().chain(own) {
        assert_linear(piece, 20_000, |bytes| {
            let text = repeated(piece, bytes);
            read(&text);
            read(&format!("mac,label,secrets,line_1_label\n{text}"));
            read(&format!("mac,secrets\n0080F0C571EB,\"{text}\"\n"));
            let _ = Mapping::parse(&text);
            guarded(&text);
        });
    }
}

#[test]
fn many_rows_and_many_columns_take_linear_time() {
    assert_linear("rows", 40_000, |bytes| {
        let rows: String = (0..bytes / 13)
            .map(|number| format!("02{number:010X}\n"))
            .collect();
        read(&format!("mac\n{rows}"));
    });
    assert_linear("columns", 20_000, |bytes| {
        let columns: String = (0..bytes / 13)
            .map(|number| format!(",setting:S{number}"))
            .collect();
        read(&format!(
            "mac{columns}\n0080F0C571EB{}\n",
            ",x".repeat(bytes / 13)
        ));
    });
    assert_linear("a mapping", 8_000, |bytes| {
        let names: Vec<String> = (0..bytes / 20).map(|number| format!("c{number}")).collect();
        let mapping: String = names
            .iter()
            .map(|name| format!("{name}=setting:{name}\n"))
            .collect();
        let wishes = Wishes {
            mapping: Mapping::parse(&mapping).unwrap_or_default(),
            ..Wishes::default()
        };
        let file = format!("mac,{}\n", names.join(","));
        let _ = Table::open(file.as_bytes(), wishes);
    });
}

#[test]
fn a_table_is_written_in_linear_time() {
    assert_linear("devices", 20_000, |bytes| {
        let devices: Vec<ExportedDevice> = (0..bytes / 40)
            .map(|number| ExportedDevice {
                mac: format!("02{number:010X}"),
                settings: [(
                    "line_1_user".to_owned(),
                    ExportedValue::Text(number.to_string()),
                )]
                .into(),
                ..ExportedDevice::default()
            })
            .collect();
        let _ = write(&devices);
    });
}
