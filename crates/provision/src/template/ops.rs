//! Operators. Each pays for what it looks at or makes, before it does.

use std::cmp::Ordering;
use std::sync::Arc;

use minijinja::machinery::ast::BinOpKind;

use super::eval::Why;
use super::meter::{FUEL, Meter};
use super::value::{Item, Value};

/// An operator between two values. `and` and `or` are none: they may leave out their second one.
pub(super) fn binary(
    meter: &mut Meter,
    op: BinOpKind,
    left: Value,
    right: Value,
) -> Result<Value, Why> {
    let (left, right) = (left.defined()?, right.defined()?);
    match op {
        BinOpKind::Eq => equal(meter, &left, &right).map(Value::from),
        BinOpKind::Ne => equal(meter, &left, &right).map(|equal| Value::from(!equal)),
        BinOpKind::Lt => Ok(order(meter, &left, &right)?.is_lt().into()),
        BinOpKind::Lte => Ok(order(meter, &left, &right)?.is_le().into()),
        BinOpKind::Gt => Ok(order(meter, &left, &right)?.is_gt().into()),
        BinOpKind::Gte => Ok(order(meter, &left, &right)?.is_ge().into()),
        BinOpKind::In => contains(meter, &right, &left).map(Value::from),
        BinOpKind::Concat => concat(meter, &left, &right),
        BinOpKind::Add => match (&left, &right) {
            (Value::List(one), Value::List(other)) => {
                meter.places(one.len().saturating_add(other.len()))?;
                Ok(Value::List(
                    one.iter().chain(other.iter()).cloned().collect(),
                ))
            }
            (Value::Item(Item::Text(_)), Value::Item(Item::Text(_))) => {
                concat(meter, &left, &right)
            }
            _ => calculate(op, &left, &right),
        },
        BinOpKind::Mul => match (&left, &right) {
            (Value::Item(Item::Text(text)), times) | (times, Value::Item(Item::Text(text))) => {
                let times = repetitions(times)?;
                meter.bytes(text.len().saturating_mul(times))?;
                Ok(Value::text(text.repeat(times)))
            }
            (Value::List(items), times) | (times, Value::List(items)) => {
                let times = repetitions(times)?;
                meter.places(items.len().saturating_mul(times))?;
                let all = (0..times).flat_map(|_| items.iter().cloned());
                // An empty list has no places, however often it is repeated.
                Ok(Value::List(if items.is_empty() {
                    Arc::default()
                } else {
                    all.collect()
                }))
            }
            _ => calculate(op, &left, &right),
        },
        _ => calculate(op, &left, &right),
    }
}

fn repetitions(times: &Value) -> Result<usize, Why> {
    Ok(usize::try_from(times.to_int()?.max(0)).unwrap_or(usize::MAX))
}

fn concat(meter: &mut Meter, left: &Value, right: &Value) -> Result<Value, Why> {
    let (left, right) = (left.to_text()?, right.to_text()?);
    meter.bytes(left.len().saturating_add(right.len()))?;
    Ok(Value::text([left, right].concat()))
}

/// `==`
pub(super) fn equal(meter: &mut Meter, left: &Value, right: &Value) -> Result<bool, Why> {
    match (left, right) {
        (Value::Item(left), Value::Item(right)) => same(meter, left, right),
        (Value::List(left), Value::List(right)) => {
            if left.len() != right.len() {
                return Ok(false);
            }
            for (left, right) in left.iter().zip(right.iter()) {
                if !same(meter, left, right)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Value::Nothing | Value::Undefined, Value::Nothing | Value::Undefined)
        | (Value::None, Value::None) => Ok(true),
        (Value::Device | Value::Urls | Value::Loop(_), _)
        | (_, Value::Device | Value::Urls | Value::Loop(_)) => Err(incomparable()),
        _ => Ok(false),
    }
}

fn same(meter: &mut Meter, left: &Item, right: &Item) -> Result<bool, Why> {
    meter.pay(FUEL / 2)?;
    Ok(match (left, right) {
        (Item::Text(left), Item::Text(right)) => {
            if left.len() != right.len() {
                return Ok(false);
            }
            meter.bytes(left.len())?;
            left == right
        }
        (Item::Parameter(_, left), Item::Parameter(_, right)) => left == right,
        _ => numbers(left, right).is_some_and(Ordering::is_eq),
    })
}

/// `<` and the like: by kind, then by value.
fn order(meter: &mut Meter, left: &Value, right: &Value) -> Result<Ordering, Why> {
    match (left, right) {
        (Value::Item(left), Value::Item(right)) => compare(meter, left, right),
        (Value::List(left), Value::List(right)) => {
            for (left, right) in left.iter().zip(right.iter()) {
                let order = compare(meter, left, right)?;
                if order.is_ne() {
                    return Ok(order);
                }
            }
            Ok(left.len().cmp(&right.len()))
        }
        _ => Ok(rank(left)?.cmp(&rank(right)?)),
    }
}

fn compare(meter: &mut Meter, left: &Item, right: &Item) -> Result<Ordering, Why> {
    meter.pay(FUEL / 2)?;
    if let (Item::Text(left), Item::Text(right)) = (left, right) {
        meter.bytes(left.len().min(right.len()))?;
        return Ok(left.cmp(right));
    }
    if let Some(order) = numbers(left, right) {
        return Ok(order);
    }
    let rank = |item: &Item| rank(&Value::Item(item.clone()));
    Ok(rank(left)?.cmp(&rank(right)?))
}

fn rank(value: &Value) -> Result<u8, Why> {
    Ok(match value {
        Value::Undefined | Value::Nothing => 0,
        Value::None => 1,
        Value::Item(Item::Bool(_)) => 2,
        Value::Item(Item::Int(_) | Item::Float(_)) => 3,
        Value::Item(Item::Text(_)) => 4,
        Value::List(_) => 5,
        Value::Item(Item::Parameter(..)) | Value::Device | Value::Urls | Value::Loop(_) => {
            return Err(incomparable());
        }
    })
}

fn incomparable() -> Why {
    Why::failed("only texts, numbers and lists can be compared: use a member of it")
}

/// How two numbers stand to each other; truth values are 0 and 1.
fn numbers(left: &Item, right: &Item) -> Option<Ordering> {
    match (whole(left), whole(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => fraction(left)?.partial_cmp(&fraction(right)?),
    }
}

fn whole(item: &Item) -> Option<i128> {
    match item {
        Item::Int(number) => Some(*number),
        Item::Bool(value) => Some(i128::from(*value)),
        _ => None,
    }
}

#[allow(clippy::cast_precision_loss)]
fn fraction(item: &Item) -> Option<f64> {
    match item {
        Item::Float(number) => Some(*number),
        _ => whole(item).map(|number| number as f64),
    }
}

/// `in`
pub(super) fn contains(meter: &mut Meter, container: &Value, value: &Value) -> Result<bool, Why> {
    match container {
        Value::Item(Item::Text(text)) => {
            let part = value.to_text()?;
            meter.bytes(text.len().saturating_add(part.len()))?;
            Ok(text.contains(&*part))
        }
        Value::List(items) => {
            for item in items.iter() {
                meter.pay(FUEL / 2)?;
                if let Value::Item(value) = value
                    && same(meter, item, value)?
                {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Value::Nothing => Ok(false),
        other => Err(Why::Failed(
            format!(
                "a {} cannot be searched: there is `in` for texts and lists",
                other.kind()
            )
            .into(),
        )),
    }
}

/// `-x`
pub(super) fn negative(value: &Value) -> Result<Value, Why> {
    match value {
        Value::Undefined => Err(Why::Undefined),
        Value::Item(Item::Float(number)) => Ok(Value::Item(Item::Float(-number))),
        Value::Item(item) => whole(item)
            .and_then(i128::checked_neg)
            .map(|number| Value::Item(Item::Int(number)))
            .ok_or_else(|| Why::failed("only a number can be made negative")),
        _ => Err(Why::failed("only a number can be made negative")),
    }
}

/// `+ - * / // % **` of numbers.
fn calculate(op: BinOpKind, left: &Value, right: &Value) -> Result<Value, Why> {
    let no_numbers = || {
        Why::Failed(
            format!(
                "a {} and a {} cannot be calculated with; ~ joins texts, and |int makes a number \
                 of one",
                left.kind(),
                right.kind()
            )
            .into(),
        )
    };
    let (Value::Item(one), Value::Item(other)) = (left, right) else {
        return Err(no_numbers());
    };
    let result = match (whole(one), whole(other)) {
        (Some(one), Some(other)) if !matches!(op, BinOpKind::Div) => whole_numbers(op, one, other),
        _ => {
            let (Some(one), Some(other)) = (fraction(one), fraction(other)) else {
                return Err(no_numbers());
            };
            fractions(op, one, other)
        }
    };
    result
        .map(Value::Item)
        .ok_or_else(|| Why::failed("the result of the calculation is too large, or there is none"))
}

#[allow(clippy::cast_precision_loss)]
fn whole_numbers(op: BinOpKind, one: i128, other: i128) -> Option<Item> {
    Some(Item::Int(match op {
        BinOpKind::Add => one.checked_add(other)?,
        BinOpKind::Sub => one.checked_sub(other)?,
        BinOpKind::Mul => one.checked_mul(other)?,
        BinOpKind::FloorDiv => {
            let quotient = one.checked_div(other)?;
            let rest = one.checked_rem(other)?;
            let below = rest != 0 && (rest < 0) != (other < 0);
            quotient.checked_sub(i128::from(below))?
        }
        BinOpKind::Rem => {
            let rest = one.checked_rem(other)?;
            let below = rest != 0 && (rest < 0) != (other < 0);
            if below {
                rest.checked_add(other)?
            } else {
                rest
            }
        }
        BinOpKind::Pow if other < 0 => {
            return (one != 0).then(|| Item::Float((one as f64).powf(other as f64)));
        }
        BinOpKind::Pow => one.checked_pow(u32::try_from(other).ok()?)?,
        _ => return None,
    }))
}

fn fractions(op: BinOpKind, one: f64, other: f64) -> Option<Item> {
    let divides = matches!(op, BinOpKind::Div | BinOpKind::FloorDiv | BinOpKind::Rem);
    if divides && other == 0.0 {
        return None;
    }
    let result = match op {
        BinOpKind::Add => one + other,
        BinOpKind::Sub => one - other,
        BinOpKind::Mul => one * other,
        BinOpKind::Div => one / other,
        BinOpKind::FloorDiv => (one / other).floor(),
        BinOpKind::Rem => one - other * (one / other).floor(),
        BinOpKind::Pow => one.powf(other),
        _ => return None,
    };
    result.is_finite().then_some(Item::Float(result))
}

/// `value[start:stop:step]`, by the rules of Python.
pub(super) fn slice(
    meter: &mut Meter,
    value: &Value,
    bounds: [Option<Value>; 3],
) -> Result<Value, Why> {
    let [start, stop, step] = bounds;
    let number = |bound: Option<Value>| match bound {
        None | Some(Value::None) => Ok(None),
        Some(bound) => bound.to_int().map(Some),
    };
    let (start, stop) = (number(start)?, number(stop)?);
    let step = number(step)?.unwrap_or(1);
    if step == 0 {
        return Err(Why::failed("the step of a slice is 0"));
    }
    match value {
        Value::Undefined => Err(Why::Undefined),
        Value::Item(Item::Text(text)) => {
            meter.bytes(text.len().saturating_mul(6))?;
            let characters: Vec<char> = text.chars().collect();
            let chosen = positions(characters.len(), start, stop, step);
            let text: String = chosen.filter_map(|at| characters.get(at)).collect();
            Ok(Value::text(text))
        }
        Value::List(items) => {
            meter.places(items.len())?;
            let chosen = positions(items.len(), start, stop, step);
            Ok(Value::List(
                chosen.filter_map(|at| items.get(at).cloned()).collect(),
            ))
        }
        other => Err(Why::Failed(
            format!("a {} has no slices", other.kind()).into(),
        )),
    }
}

fn positions(
    length: usize,
    start: Option<i128>,
    stop: Option<i128>,
    step: i128,
) -> impl Iterator<Item = usize> {
    let length = length as i128;
    let (lowest, highest) = if step > 0 {
        (0, length)
    } else {
        (-1, length - 1)
    };
    let place = |bound: i128| {
        let bound = if bound < 0 {
            bound.saturating_add(length)
        } else {
            bound
        };
        bound.clamp(lowest, highest)
    };
    let (first, last) = if step > 0 {
        (0, length)
    } else {
        (length - 1, -1)
    };
    let (first, last) = (start.map_or(first, place), stop.map_or(last, place));
    std::iter::successors(Some(first), move |at| at.checked_add(step))
        .take_while(move |&at| if step > 0 { at < last } else { at > last })
        .filter_map(|at| usize::try_from(at).ok())
}
