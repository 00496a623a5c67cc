//! The filters and tests that a template may use. Each pays for what it looks at or makes, before
//! it does.

use std::sync::Arc;

use super::eval::Why;
use super::meter::Meter;
use super::ops;
use super::value::{Item, Value};

/// What may be called.
pub(super) const FUNCTIONS: [&str; 3] = ["parameters", "range", "setting"];

pub(super) const FILTERS: [&str; 12] = [
    "d", "default", "first", "int", "join", "last", "length", "lower", "replace", "split", "trim",
    "upper",
];

pub(super) const TESTS: [&str; 8] = [
    "defined",
    "endingwith",
    "in",
    "none",
    "number",
    "startingwith",
    "string",
    "undefined",
];

/// What stands between the parentheses of a call.
#[derive(Default)]
pub(super) struct Arguments<'t> {
    pub(super) positional: Vec<Value>,
    pub(super) named: Vec<(&'t str, Value)>,
}

impl Arguments<'_> {
    /// Takes the next argument, by its name or else by its place.
    pub(super) fn next(&mut self, name: &str) -> Option<Value> {
        let named = self.named.iter().position(|(found, _)| *found == name);
        if let Some(at) = named {
            return Some(self.named.swap_remove(at).1);
        }
        (!self.positional.is_empty()).then(|| self.positional.remove(0))
    }

    pub(super) fn needed(&mut self, name: &str) -> Result<Value, Why> {
        self.next(name)
            .ok_or_else(|| Why::Failed(format!("the argument {name:?} is missing").into()))
    }

    /// Nothing may be left over.
    pub(super) fn done(self) -> Result<(), Why> {
        if self.positional.is_empty() && self.named.is_empty() {
            Ok(())
        } else {
            Err(Why::failed(
                "too many arguments, or one with a name that does not exist",
            ))
        }
    }
}

/// `value|name(…)`, but for `join`, which may read settings.
pub(super) fn filter(
    meter: &mut Meter,
    name: &str,
    value: Value,
    mut arguments: Arguments<'_>,
) -> Result<Value, Why> {
    let result = match name {
        "d" | "default" => {
            let other = arguments.next("default_value");
            let lax = match arguments.next("boolean") {
                Some(lax) => lax.truth()?,
                None => false,
            };
            let missing = matches!(value, Value::Undefined | Value::Nothing);
            if missing || (lax && !value.truth()?) {
                other.unwrap_or_else(|| Value::text(""))
            } else {
                value
            }
        }
        "first" | "last" => {
            let last = name == "last";
            match value.defined()? {
                Value::Item(Item::Text(text)) => {
                    let mut characters = text.chars();
                    let found = if last {
                        characters.next_back()
                    } else {
                        characters.next()
                    };
                    found.map_or(Value::Undefined, |found| Value::text(found.to_string()))
                }
                Value::List(items) => {
                    let found = if last { items.last() } else { items.first() };
                    found.cloned().map_or(Value::Undefined, Value::Item)
                }
                Value::Nothing => Value::Nothing,
                other => return Err(not_for(name, &other)),
            }
        }
        "int" => {
            let default = arguments.next("default");
            let base = match arguments.next("base") {
                Some(base) => u32::try_from(base.to_int()?).unwrap_or_default(),
                None => 10,
            };
            int(meter, value.defined()?, default, base)?
        }
        "length" => match value.defined()? {
            Value::Item(Item::Text(text)) => {
                meter.bytes(text.len())?;
                Value::from(text.chars().count())
            }
            Value::List(items) => Value::from(items.len()),
            Value::Nothing => Value::from(0_usize),
            other => return Err(not_for(name, &other)),
        },
        "lower" | "upper" => {
            let text = value.to_text()?;
            // A letter has three times as many bytes in the other case, at most.
            meter.bytes(text.len().saturating_mul(3))?;
            Value::text(if name == "lower" {
                text.to_lowercase()
            } else {
                text.to_uppercase()
            })
        }
        "replace" => {
            let (from, to) = (arguments.needed("old")?, arguments.needed("new")?);
            let count = match arguments.next("count") {
                Some(count) => usize::try_from(count.to_int()?).unwrap_or(usize::MAX),
                None => usize::MAX,
            };
            let (text, from, to) = (value.to_text()?, from.to_text()?, to.to_text()?);
            // Each place where it is found costs more than a byte that is passed over, and is
            // found twice.
            meter.bytes(text.len().saturating_mul(4).saturating_add(from.len()))?;
            let found = text.matches(&*from).take(count).count();
            meter.places(found)?;
            meter.bytes(text.len().saturating_add(found.saturating_mul(to.len())))?;
            Value::text(text.replacen(&*from, &to, count))
        }
        "split" => split(meter, &value, &mut arguments)?,
        "trim" => {
            let text = value.to_text()?;
            match arguments.next("chars") {
                Some(chars) => {
                    let chars: Vec<char> = {
                        let chars = chars.to_text()?;
                        meter.bytes(chars.len().saturating_mul(4))?;
                        chars.chars().collect()
                    };
                    meter.bytes(text.len().saturating_mul(chars.len().max(1)))?;
                    Value::text(text.trim_matches(&chars[..]))
                }
                None => {
                    meter.bytes(text.len())?;
                    Value::text(text.trim())
                }
            }
        }
        _ => return Err(unknown("filter", name, &FILTERS)),
    };
    arguments.done()?;
    Ok(result)
}

fn int(meter: &mut Meter, value: Value, default: Option<Value>, base: u32) -> Result<Value, Why> {
    let number = match &value {
        Value::None | Value::Nothing => return Ok(default.unwrap_or_else(|| Value::from(0_usize))),
        Value::Item(Item::Int(number)) => Some(*number),
        Value::Item(Item::Bool(value)) => Some(i128::from(*value)),
        #[allow(clippy::cast_possible_truncation)]
        Value::Item(Item::Float(number)) => Some(*number as i128),
        Value::Item(Item::Text(text)) => {
            meter.bytes(text.len())?;
            whole(text.trim(), base)
        }
        _ => None,
    };
    match (number, default) {
        (Some(number), _) => Ok(Value::Item(Item::Int(number))),
        (None, Some(default)) => Ok(default),
        (None, None) => Err(Why::Failed(
            format!(
                "a {} that is no number; |int(0) gives 0 for it",
                value.kind()
            )
            .into(),
        )),
    }
}

/// A whole number; what a fraction is cut to.
#[allow(clippy::cast_possible_truncation)]
fn whole(text: &str, base: u32) -> Option<i128> {
    if !(2..=36).contains(&base) {
        return None;
    }
    let fraction = || text.parse::<f64>().ok().filter(|number| number.is_finite());
    i128::from_str_radix(text, base)
        .ok()
        .or_else(|| (base == 10).then(fraction)?.map(|number| number as i128))
}

fn split(meter: &mut Meter, value: &Value, arguments: &mut Arguments<'_>) -> Result<Value, Why> {
    let separator = match arguments.next("sep") {
        None | Some(Value::None) => None,
        Some(separator) => Some(separator),
    };
    let most = match arguments.next("maxsplit") {
        Some(most) => {
            usize::try_from(most.to_int()?).map_or(usize::MAX, |most| most.saturating_add(1))
        }
        None => usize::MAX,
    };
    let text = value.to_text()?;
    let piece = |piece: &str| Item::Text(Arc::from(piece));
    let items: Arc<[Item]> = match &separator {
        None => {
            meter.bytes(text.len())?;
            let pieces = text.split_whitespace().take(most).count();
            pay(meter, &text, pieces)?;
            let mut rest = text.trim_start();
            let mut items = Vec::with_capacity(pieces);
            for _ in 1..pieces {
                let (first, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                items.push(piece(first));
                rest = after.trim_start();
            }
            if pieces > 0 {
                items.push(piece(if most == usize::MAX {
                    rest.trim_end()
                } else {
                    rest
                }));
            }
            items.into()
        }
        Some(separator) => {
            let separator = separator.to_text()?;
            meter.bytes(text.len().saturating_mul(4).saturating_add(separator.len()))?;
            pay(meter, &text, text.splitn(most, &*separator).count())?;
            text.splitn(most, &*separator).map(piece).collect()
        }
    };
    Ok(Value::List(items))
}

fn pay(meter: &mut Meter, text: &str, pieces: usize) -> Result<(), Why> {
    meter.bytes(text.len())?;
    // The place, and a text of its own.
    meter.places(pieces.saturating_mul(2))
}

/// `value is name(…)`
pub(super) fn test(
    meter: &mut Meter,
    name: &str,
    value: &Value,
    mut arguments: Arguments<'_>,
) -> Result<bool, Why> {
    let result = match name {
        "defined" => !matches!(value, Value::Undefined | Value::Nothing),
        "undefined" => matches!(value, Value::Undefined | Value::Nothing),
        "none" => matches!(value, Value::None),
        "number" => matches!(value, Value::Item(Item::Int(_) | Item::Float(_))),
        "string" => matches!(value, Value::Item(Item::Text(_))),
        "startingwith" | "endingwith" => {
            let part = arguments.needed("other")?;
            let (text, part) = (value.to_text()?, part.to_text()?);
            meter.bytes(part.len().min(text.len()))?;
            if name == "startingwith" {
                text.starts_with(&*part)
            } else {
                text.ends_with(&*part)
            }
        }
        "in" => {
            let container = arguments.needed("other")?.defined()?;
            ops::contains(meter, &container, value)?
        }
        _ => return Err(unknown("test", name, &TESTS)),
    };
    arguments.done()?;
    Ok(result)
}

/// Something is called that does not exist.
pub(super) fn unknown(what: &str, name: &str, known: &[&str]) -> Why {
    let name: String = name.chars().take(40).collect();
    Why::Failed(format!("unknown {what} {name:?}; there are {}", known.join(", ")).into())
}

fn not_for(filter: &str, value: &Value) -> Why {
    Why::Failed(format!("the filter {filter:?} is not for a {}", value.kind()).into())
}

/// Something is called that is no function.
pub(super) fn no_method() -> Why {
    Why::Failed(
        format!(
            "this cannot be called; there are {} and loop.cycle",
            FUNCTIONS.join(", ")
        )
        .into(),
    )
}

/// A map is written down.
pub(super) fn no_maps() -> Why {
    Why::failed(
        "there are no maps in a provisioning file; write a list, or give settings names that begin \
         alike and ask for parameters(\"…\")",
    )
}
