//! `export`: phones as one table, however many there are.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_api::devices::export::TableView;
use ringfence_api::operation::Operation;
use ringfence_api::tenancy::settings::SettingView;
use ringfence_import::{ExportedDevice, ExportedValue, RowOutcome, Table, Wishes, write};
use ringfence_provision::layers::Value as Setting;
use ringfence_provision::mac::Mac;

use crate::client;
use crate::command::import::Progress;
use crate::failure::Failure;
use crate::given::Given;
use crate::output::Format;
use crate::profile::write_private;
use crate::secret;
use crate::session::Session;
use crate::words::{count, field};
use crate::wrapped::Wrap;

/// The place of the column that names secrets.
const SECRETS: usize = 5;

/// `export`.
///
/// # Errors
/// The phones are not to be had, or the table cannot be written.
pub fn export(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    if given.flag("count") {
        return measure(session, given);
    }
    if session.output.format == Format::Json {
        return Err(Failure::Usage(
            "an export is a table. `ringfence devices list --json` lists phones as JSON."
                .to_owned(),
        ));
    }
    let mut call = session.call(Operation::ExportDevices, &[])?;
    call.query = given.query(session)?;
    let has = |name: &str| call.query.iter().any(|(it, _)| it == name);
    // Two exports of the same phones are the same.
    if !has("sort") && !has("q") {
        call = call.asking("sort", "mac");
    }
    let mut tables = Vec::new();
    session.client.tables(&call, |table| {
        tables.push(table);
        Ok(())
    })?;
    let (mut text, devices) = joined(tables)?;
    if let Some(reference) = given.text("wrap_secrets_with") {
        let passphrase = secret::read(reference)?;
        text = with_secrets(session, &text, devices, &Wrap::new(&passphrase)?)?;
    }
    match given.text("out") {
        Some(path) => {
            write_private(path.as_ref(), &text)?;
            session
                .output
                .remark(&format!("{} are in {path}.", count(devices, "phone")));
            Ok(())
        }
        None => session.output.bytes(&text),
    }
}

/// Says how many phones the table would have, and reads none of them.
fn measure(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let mut call = session.call(Operation::MeasureTable, &[])?;
    call.query = given.query(session)?;
    let mut devices = 0;
    let mut part = call.clone();
    loop {
        let table: TableView = client::read(&session.client.call(&part)?.json()?)?;
        devices += table.devices;
        let Some(next) = table.next else { break };
        part = call.clone().asking("cursor", next);
    }
    session.output.line(&devices.to_string())
}

/// One table of several, each of which has columns for the settings of its own phones.
fn joined(mut tables: Vec<Vec<u8>>) -> Result<(Vec<u8>, u64), Failure> {
    if let [_] = tables.as_slice() {
        let only = tables.remove(0);
        let devices =
            Table::open(&only, Wishes::default()).map_or(0, |table| table.rows().count() as u64);
        return Ok((only, devices));
    }
    let mut devices = Vec::new();
    for bytes in tables {
        let table = Table::open(&bytes, Wishes::default())
            .map_err(|error| Failure::Unreachable(format!("the export cannot be read: {error}")))?;
        for row in table.rows() {
            match row.outcome {
                RowOutcome::Device(device) => devices.push(written(*device)),
                _ => {
                    return Err(Failure::Unreachable(format!(
                        "line {} of the export cannot be read: update this program.",
                        row.line
                    )));
                }
            }
        }
    }
    let number = devices.len() as u64;
    let text = write(&devices)
        .map_err(|error| Failure::Usage(format!("the table cannot be written: {error}")))?;
    Ok((text.into_bytes(), number))
}

/// The same table with a column for each secret that one of the phones has, wrapped. Each phone is asked for by a call of
/// its own, which the audit log has an entry of.
fn with_secrets(
    session: &Session,
    table: &[u8],
    rows: u64,
    wrap: &Wrap,
) -> Result<Vec<u8>, Failure> {
    let read =
        |error: csv::Error| Failure::Unreachable(format!("the export cannot be read: {error}"));
    let mut reader = csv::Reader::from_reader(table);
    let head = reader.headers().map_err(read)?.clone();
    let mut phones: Vec<(csv::StringRecord, BTreeMap<String, String>)> = Vec::new();
    let mut progress = Progress::new(session.output, "phones exported", rows, 0, false);
    for record in reader.records() {
        let record = record.map_err(read)?;
        let names = record.get(SECRETS).unwrap_or_default();
        let mut secrets = BTreeMap::new();
        let mac = record.get(0).unwrap_or_default();
        let mac = Mac::parse(mac).map_err(|_| {
            Failure::Unreachable(
                "the export has a row without a MAC: update this program.".to_owned(),
            )
        })?;
        if !names.is_empty() {
            let call = session
                .call(Operation::GetDeviceSettings, &[("mac", &mac.upper())])?
                .asking("reveal", "true");
            let answer = session.client.call(&call)?.json()?;
            let settings: BTreeMap<String, SettingView> = client::read(field(&answer, "settings"))?;
            for name in names.split(' ') {
                // What is a secret by its name alone is stored as a text.
                let value = match settings.get(name) {
                    Some(SettingView::Text(value)) => Some(value),
                    Some(SettingView::Secret { secret }) => secret.as_ref(),
                    None => None,
                };
                if let Some(value) = value {
                    secrets.insert(name.to_owned(), wrap.seal(mac, name, value)?);
                }
            }
        }
        phones.push((record, secrets));
        progress.at(phones.len() as u64);
    }
    progress.end();
    let names: BTreeSet<&String> = phones
        .iter()
        .flat_map(|(_, secrets)| secrets.keys())
        .collect();
    let mut out = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let more = names.iter().map(|name| format!("secret:{name}"));
    let full = |error: csv::Error| Failure::Usage(format!("the table cannot be written: {error}"));
    out.write_record(head.iter().map(str::to_owned).chain(more))
        .map_err(full)?;
    for (record, secrets) in &phones {
        let wrapped = names
            .iter()
            .map(|name| secrets.get(*name).map_or("", String::as_str));
        out.write_record(record.iter().chain(wrapped))
            .map_err(full)?;
    }
    out.into_inner()
        .map_err(|error| Failure::Usage(format!("the table cannot be written: {error}")))
}

fn written(device: ringfence_import::Device) -> ExportedDevice {
    let mut settings: BTreeMap<String, ExportedValue> = device
        .settings
        .into_iter()
        .map(|(name, value)| match value {
            Setting::Text(text) => (name, ExportedValue::Text(text)),
            Setting::Secret(_) => (name, ExportedValue::Secret),
        })
        .collect();
    settings.extend(
        device
            .secrets
            .into_iter()
            .map(|name| (name, ExportedValue::Secret)),
    );
    ExportedDevice {
        mac: device.mac.upper(),
        model: device.model.unwrap_or_default(),
        family: device.family.unwrap_or_default(),
        site: device.site.unwrap_or_default(),
        label: device.label.unwrap_or_default(),
        settings,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn device(number: u8, name: &str, value: &str) -> ExportedDevice {
        ExportedDevice {
            mac: format!("0080F00000{number:02X}"),
            model: "KX-UTG300B".into(),
            family: "utg".into(),
            label: "=not a formula".into(),
            settings: BTreeMap::from([
                (name.to_owned(), ExportedValue::Text(value.into())),
                ("line_1_password".to_owned(), ExportedValue::Secret),
            ]),
            ..ExportedDevice::default()
        }
    }

    #[test]
    fn several_tables_become_the_one_that_all_phones_have() {
        let all = [
            device(1, "line_2_user", "201"),
            device(2, "ntp_note", "'x"),
            device(3, "line_10_user", "-1"),
        ];
        let parts = all
            .iter()
            .map(|one| write(std::slice::from_ref(one)).unwrap().into_bytes());
        let (text, count) = joined(parts.collect()).unwrap();
        assert_eq!(count, 3);
        assert_eq!(String::from_utf8(text).unwrap(), write(&all).unwrap());
    }
}
