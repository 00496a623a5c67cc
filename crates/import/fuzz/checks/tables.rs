//! What must hold for any bytes that come in as a table. Used by the fuzz target and, on a stable compiler, by the
//! smoke test.

use ringfence_import::{
    Device, ExportedDevice, ExportedValue, MAX_COLUMNS, MAX_ROWS, RowOutcome, Table, Wishes, write,
};

/// Reads the bytes as a table; its devices are written as a table once more, which reads back as the same devices.
/// How many devices there are.
pub(crate) fn table(data: &[u8]) -> usize {
    let Ok(table) = Table::open(data, Wishes::default()) else {
        return 0;
    };
    assert!(table.ignored().len() <= MAX_COLUMNS);
    let rows: Vec<_> = table.rows().collect();
    assert!(rows.len() <= MAX_ROWS + 1);
    // Two rows may stand on one line: a lone CR ends a row, and no line.
    let lines = rows.iter().map(|row| row.line);
    assert!(
        lines
            .clone()
            .zip(lines.skip(1))
            .all(|(one, next)| one <= next)
    );
    let mut devices = Vec::new();
    for row in rows {
        match row.outcome {
            RowOutcome::Device(device) => devices.push(written(&device)),
            RowOutcome::Refused(refusal) => assert!(!refusal.to_string().is_empty()),
            RowOutcome::NoPhone => {}
        }
    }
    let text = write(&devices).expect("memory takes every byte");
    let again =
        Table::open(text.as_bytes(), Wishes::default()).expect("a written table has a header");
    let read: Vec<_> = again
        .rows()
        .map(|row| match row.outcome {
            RowOutcome::Device(device) => written(&device),
            other => panic!("{other:?}: {text}"),
        })
        .collect();
    assert_eq!(read, devices, "{text}");
    devices.len()
}

/// The device as an export has it.
pub(crate) fn written(device: &Device) -> ExportedDevice {
    let settings = device.settings.iter().map(|(name, value)| {
        let value = match value.is_secret() {
            true => ExportedValue::Secret,
            false => ExportedValue::Text(value.expose().to_owned()),
        };
        (name.clone(), value)
    });
    let secrets = device
        .secrets
        .iter()
        .map(|name| (name.clone(), ExportedValue::Secret));
    ExportedDevice {
        mac: device.mac.upper(),
        model: device.model.clone().unwrap_or_default(),
        family: device.family.clone().unwrap_or_default(),
        site: device.site.clone().unwrap_or_default(),
        label: device.label.clone().unwrap_or_default(),
        settings: settings.chain(secrets).collect(),
    }
}
