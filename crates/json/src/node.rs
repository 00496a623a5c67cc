//! A document as a tree.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Unexpected, Visitor};

use crate::Error;

/// One value. Text without escapes is borrowed from the document.
#[derive(Clone, Debug, PartialEq)]
pub enum Node<'t> {
    Null,
    Bool(bool),
    /// A whole number below zero.
    Negative(i64),
    Positive(u64),
    Float(f64),
    Text(Cow<'t, str>),
    /// Text that is also read as a number or a boolean: a name of a member, and a value of a query.
    Word(Cow<'t, str>),
    List(Vec<Node<'t>>),
    /// Members in the order of the document, each with its name, a [`Node::Word`]; a name may be there twice.
    Object(Vec<(Node<'t>, Node<'t>)>),
}

impl<'t> Node<'t> {
    /// Reads JSON text in UTF-8. Lists and objects are at most 128 deep.
    ///
    /// # Errors
    /// The text is no JSON, or something follows the JSON.
    pub fn parse(text: &'t [u8]) -> Result<Self, Error> {
        serde_json::from_slice(text).map_err(|error| Error::syntax(&error))
    }

    /// What a list has in it.
    ///
    /// # Errors
    /// The node is no list.
    pub fn items(&self) -> Result<&[Self], Error> {
        match self {
            Self::List(items) => Ok(items),
            other => Err(serde::de::Error::invalid_type(
                other.unexpected(),
                &"a sequence",
            )),
        }
    }

    /// The values of an object's members; none of anything else.
    pub fn values(&self) -> impl Iterator<Item = &Self> {
        let members = match self {
            Self::Object(members) => members.as_slice(),
            _ => &[],
        };
        members.iter().map(|(_, value)| value)
    }

    pub(crate) fn unexpected(&self) -> Unexpected<'_> {
        match self {
            Self::Null => Unexpected::Unit,
            Self::Bool(value) => Unexpected::Bool(*value),
            Self::Negative(number) => Unexpected::Signed(*number),
            Self::Positive(number) => Unexpected::Unsigned(*number),
            Self::Float(number) => Unexpected::Float(*number),
            Self::Text(text) | Self::Word(text) => Unexpected::Str(text),
            Self::List(_) => Unexpected::Seq,
            Self::Object(_) => Unexpected::Map,
        }
    }
}

impl<'de> Deserialize<'de> for Node<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node<'de>, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node<'de>, E> {
        Ok(match u64::try_from(number) {
            Ok(number) => Node::Positive(number),
            Err(_) => Node::Negative(number),
        })
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node<'de>, E> {
        Ok(Node::Positive(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node<'de>, E> {
        Ok(Node::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(text)))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Borrowed(text)))
    }

    fn visit_unit<E>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<Name<'de>, Node<'de>>()? {
            members.push((Node::Word(name.0), value));
        }
        Ok(Node::Object(members))
    }
}

/// A member's name.
struct Name<'t>(Cow<'t, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, text: &str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Owned(text.to_owned())))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Borrowed(text)))
    }
}
