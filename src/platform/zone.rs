//! Time zones from the runtime: JavaScript's `Intl` has the IANA tables, which would be heavy in wasm.
//! Everything goes through `Reflect`, because a name that is no zone throws.

use js_sys::{Array, Date, Function, Object, Reflect};
use worker::wasm_bindgen::{JsCast, JsValue};

/// How far a zone's wall time is ahead of UTC at `now`, in milliseconds; `None` if there is no such
/// zone.
pub fn offset_ms(zone: &str, now: u64) -> Option<i64> {
    let plausible = |byte: u8| byte.is_ascii_alphanumeric() || b"_+-/".contains(&byte);
    if zone.is_empty() || zone.len() > 64 || !zone.bytes().all(plausible) {
        return None;
    }
    let mut fields = [0_f64; 6];
    for part in parts(zone, now).ok()?.iter() {
        let kind = Reflect::get(&part, &"type".into()).ok()?.as_string()?;
        let value = Reflect::get(&part, &"value".into()).ok()?.as_string()?;
        let names = ["year", "month", "day", "hour", "minute", "second"];
        if let Some(field) = names
            .iter()
            .position(|name| *name == kind)
            .and_then(|at| fields.get_mut(at))
        {
            *field = value.parse().ok()?;
        }
    }
    let [year, month, day, hour, minute, second] = fields;
    let wall = Date::utc(year, month - 1.0);
    let wall = wall + (((day - 1.0) * 24.0 + hour) * 60.0 + minute) * 60_000.0 + second * 1000.0;
    // Whole seconds: the parts have no milliseconds.
    Some((wall - (now / 1000 * 1000) as f64) as i64)
}

/// The parts of a time in a zone's wall time, by `Intl.DateTimeFormat`.
fn parts(zone: &str, now: u64) -> Result<Array, JsValue> {
    let intl = Reflect::get(&js_sys::global(), &"Intl".into())?;
    let class: Function = Reflect::get(&intl, &"DateTimeFormat".into())?.dyn_into()?;
    let options = Object::new();
    for (name, value) in [
        ("timeZone", zone),
        ("hourCycle", "h23"),
        ("calendar", "gregory"),
        ("numberingSystem", "latn"),
        ("year", "numeric"),
        ("month", "numeric"),
        ("day", "numeric"),
        ("hour", "numeric"),
        ("minute", "numeric"),
        ("second", "numeric"),
    ] {
        Reflect::set(&options, &name.into(), &value.into())?;
    }
    let format = Reflect::construct(&class, &Array::of2(&"en-US".into(), &options))?;
    let to_parts: Function = Reflect::get(&format, &"formatToParts".into())?.dyn_into()?;
    to_parts
        .call1(&format, &JsValue::from_f64(now as f64))?
        .dyn_into()
}
