//! What a template computes with. By these types a list holds no list, so whatever is compared,
//! joined, printed or dropped is as large as what was paid for.

use std::borrow::Cow;
use std::sync::Arc;

use minijinja::value::{Value as Literal, ValueKind};

use super::eval::Why;

/// What a list may hold.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(Arc<str>),
    /// One of `parameters(…)`: what is left of the setting's name, and which setting it is.
    Parameter(Arc<str>, usize),
}

/// The value of an expression.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// What is not there. It may be asked about and put into a variable, but not used.
    Undefined,
    /// `a if b` without an `else`: written as nothing.
    Nothing,
    None,
    Item(Item),
    List(Arc<[Item]>),
    /// `device`
    Device,
    /// `urls`
    Urls,
    /// `loop`
    Loop(LoopTurn),
}

/// Which turn of a loop it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LoopTurn {
    /// Counted from 0.
    pub(super) index: usize,
    pub(super) length: usize,
    /// How many loops there are around it.
    pub(super) depth: usize,
}

impl LoopTurn {
    /// `loop.index` and the like.
    pub(super) fn member(&self, name: &str) -> Option<Value> {
        let number = match name {
            "index" => self.index + 1,
            "index0" => self.index,
            "length" => self.length,
            "revindex" => self.length.saturating_sub(self.index),
            "revindex0" => self.length.saturating_sub(self.index + 1),
            "depth" => self.depth + 1,
            "depth0" => self.depth,
            "first" => return Some(Value::from(self.index == 0)),
            "last" => return Some(Value::from(self.index + 1 == self.length)),
            _ => return None,
        };
        Some(Value::from(number))
    }
}

impl Item {
    /// As it is written, or put into another text.
    pub(super) fn to_text(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Bool(true) => Cow::Borrowed("True"),
            Self::Bool(false) => Cow::Borrowed("False"),
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::Float(number) => Cow::Owned(float(*number)),
            Self::Parameter(..) => return None,
        })
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Float(_) => "number",
            Self::Text(_) => "string",
            Self::Parameter(..) => "parameter",
        }
    }
}

/// A whole number keeps its point, so that it is seen to be a fraction's.
fn float(number: f64) -> String {
    let mut text = number.to_string();
    if number.is_finite() && !text.contains('.') {
        text.push_str(".0");
    }
    text
}

impl Value {
    pub(super) fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Item(Item::Text(text.into()))
    }

    /// A constant of the template.
    pub(super) fn literal(literal: &Literal) -> Result<Self, Why> {
        if let Some(text) = literal.as_str() {
            return Ok(Self::text(text));
        }
        match literal.kind() {
            ValueKind::None => Ok(Self::None),
            ValueKind::Bool => Ok(Self::from(literal.is_true())),
            ValueKind::Number if literal.is_integer() => i128::try_from(literal.clone())
                .map(|number| Self::Item(Item::Int(number)))
                .map_err(|_| Why::failed("the number is too large")),
            ValueKind::Number => f64::try_from(literal.clone())
                .map(|number| Self::Item(Item::Float(number)))
                .map_err(|_| Why::failed("the number is too large")),
            _ => Err(Why::failed(
                "a constant is a text, a number, true, false or none",
            )),
        }
    }

    /// What it is, in an error.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Undefined | Self::Nothing => "undefined value",
            Self::None => "none",
            Self::Item(item) => item.kind(),
            Self::List(_) => "list",
            Self::Device | Self::Urls => "map",
            Self::Loop(_) => "loop",
        }
    }

    /// The value, if there is one to use.
    pub(super) fn defined(self) -> Result<Self, Why> {
        match self {
            Self::Undefined => Err(Why::Undefined),
            value => Ok(value),
        }
    }

    /// Whether it counts as true.
    pub(super) fn truth(&self) -> Result<bool, Why> {
        Ok(match self {
            Self::Undefined => return Err(Why::Undefined),
            Self::Nothing | Self::None => false,
            Self::Item(Item::Bool(value)) => *value,
            Self::Item(Item::Int(number)) => *number != 0,
            Self::Item(Item::Float(number)) => *number != 0.0,
            Self::Item(Item::Text(text)) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Item(Item::Parameter(..)) | Self::Device | Self::Urls | Self::Loop(_) => true,
        })
    }

    /// As a text, to be put into another one.
    pub(super) fn to_text(&self) -> Result<Cow<'_, str>, Why> {
        match self {
            Self::Undefined => Err(Why::Undefined),
            Self::Nothing => Ok(Cow::Borrowed("")),
            Self::None => Ok(Cow::Borrowed("None")),
            Self::Item(item) => item.to_text().ok_or_else(|| self.is_no_text()),
            Self::List(_) | Self::Device | Self::Urls | Self::Loop(_) => Err(self.is_no_text()),
        }
    }

    fn is_no_text(&self) -> Why {
        Why::Failed(match self {
            Self::List(_) => "a list is not a text: join it first, as in LIST|join(\",\")".into(),
            Self::Item(Item::Parameter(..)) => {
                "a parameter is not a text: use its .name or its .value".into()
            }
            _ => format!("a {} is not a text: use one of its members", self.kind()).into(),
        })
    }

    /// A whole number, where one is needed.
    pub(super) fn to_int(&self) -> Result<i128, Why> {
        match self {
            Self::Undefined => Err(Why::Undefined),
            Self::Item(Item::Int(number)) => Ok(*number),
            Self::Item(Item::Bool(value)) => Ok(i128::from(*value)),
            other => Err(Why::Failed(
                format!("a {} where a whole number should be", other.kind()).into(),
            )),
        }
    }

    /// What a list is made of.
    pub(super) fn into_item(self) -> Result<Item, Why> {
        match self {
            Self::Undefined => Err(Why::Undefined),
            Self::Item(item) => Ok(item),
            _ => Err(Why::Nested),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Item(Item::Bool(value))
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Item(Item::Int(number as i128))
    }
}
