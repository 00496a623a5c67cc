//! The one deserializer. What it does for a type is as little as can be: everything that does not depend on the
//! type is in functions that are compiled once.

use std::cell::RefCell;
use std::slice;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, Expected, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};

use crate::{Error, Node};

/// Members that nothing has read.
pub(crate) struct Notes {
    most: usize,
    pub(crate) found: Vec<Vec<String>>,
}

impl Notes {
    pub(crate) fn new(most: usize) -> Self {
        let found = Vec::new();
        Self { most, found }
    }
}

/// How a value was come to from the one around it.
#[derive(Clone, Copy)]
enum Step<'a> {
    /// It is the document, or the same value.
    Same,
    Name(&'a Node<'a>),
    Place(usize),
}

impl Step<'_> {
    fn text(self) -> Option<String> {
        match self {
            Self::Same => None,
            Self::Name(Node::Word(name)) => Some(name.clone().into_owned()),
            Self::Name(_) => Some(String::new()),
            Self::Place(at) => Some(at.to_string()),
        }
    }
}

/// A value, and where it stands.
pub(crate) struct Spot<'a> {
    node: &'a Node<'a>,
    step: Step<'a>,
    around: Option<&'a Spot<'a>>,
    notes: Option<&'a RefCell<Notes>>,
}

impl<'a> Spot<'a> {
    pub(crate) fn root(node: &'a Node<'a>, notes: Option<&'a RefCell<Notes>>) -> Self {
        Self {
            node,
            step: Step::Same,
            around: None,
            notes,
        }
    }

    fn inner(&'a self, node: &'a Node<'a>, step: Step<'a>) -> Self {
        Self {
            node,
            step,
            around: Some(self),
            notes: self.notes,
        }
    }

    #[cold]
    #[inline(never)]
    fn failed(&self, error: Error) -> Error {
        match self.step.text() {
            Some(step) => error.within(step),
            None => error,
        }
    }

    #[inline(never)]
    fn note(&self) {
        let Some(notes) = self.notes else { return };
        let mut notes = notes.borrow_mut();
        if notes.found.len() >= notes.most {
            return;
        }
        let mut path = Vec::new();
        let mut spot = Some(self);
        while let Some(it) = spot {
            path.extend(it.step.text());
            spot = it.around;
        }
        path.reverse();
        notes.found.push(path);
    }
}

/// Reads the value of a spot.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a Spot<'a>);

/// A number of any kind.
enum Number {
    Negative(i64),
    Positive(u64),
    Float(f64),
}

/// What kind of number a type asks for, where text is read as one.
#[derive(Clone, Copy)]
enum Kind {
    Signed,
    Unsigned,
    Float,
}

impl<'a> Reader<'a> {
    #[cold]
    #[inline(never)]
    fn wrong(self, expected: &dyn Expected) -> Error {
        Error::invalid_type(self.0.node.unexpected(), expected)
    }

    #[inline(never)]
    fn number(self, kind: Kind, expected: &dyn Expected) -> Result<Number, Error> {
        Ok(match self.0.node {
            Node::Negative(number) => Number::Negative(*number),
            Node::Positive(number) => Number::Positive(*number),
            Node::Float(number) => Number::Float(*number),
            Node::Word(text) => match kind {
                Kind::Signed => Number::Negative(text.parse().map_err(Error::custom)?),
                Kind::Unsigned => Number::Positive(text.parse().map_err(Error::custom)?),
                Kind::Float => Number::Float(text.parse().map_err(Error::custom)?),
            },
            _ => return Err(self.wrong(expected)),
        })
    }

    #[inline(never)]
    fn bool(self, expected: &dyn Expected) -> Result<bool, Error> {
        match self.0.node {
            Node::Bool(value) => Ok(*value),
            Node::Word(text) => text.parse().map_err(Error::custom),
            _ => Err(self.wrong(expected)),
        }
    }

    #[inline(never)]
    fn text(self, expected: &dyn Expected) -> Result<&'a str, Error> {
        match self.0.node {
            Node::Text(text) | Node::Word(text) => Ok(text),
            _ => Err(self.wrong(expected)),
        }
    }

    #[inline(never)]
    fn list(self, expected: &dyn Expected) -> Result<Items<'a>, Error> {
        match self.0.node {
            Node::List(items) => Ok(Items {
                around: self.0,
                rest: items.iter(),
                at: 0,
            }),
            _ => Err(self.wrong(expected)),
        }
    }

    /// `fields` are the names that a structure knows: after its members come those that are the object itself.
    #[inline(never)]
    fn object(
        self,
        fields: &'static [&'static str],
        expected: &dyn Expected,
    ) -> Result<Members<'a>, Error> {
        match self.0.node {
            Node::Object(members) => Ok(Members {
                around: self.0,
                rest: members.iter(),
                fields: fields.iter(),
                whole: Node::Null,
                value: None,
            }),
            _ => Err(self.wrong(expected)),
        }
    }

    #[inline(never)]
    fn variant(self, expected: &dyn Expected) -> Result<Variant<'a>, Error> {
        let (name, value) = match self.0.node {
            Node::Text(_) | Node::Word(_) => (self.0.node, None),
            Node::Object(members) => match members.as_slice() {
                [(name, value)] => (name, Some(value)),
                _ => {
                    return Err(Error::invalid_value(
                        Unexpected::Map,
                        &"map with a single key",
                    ));
                }
            },
            _ => return Err(self.wrong(expected)),
        };
        Ok(Variant {
            around: self.0,
            name,
            value,
        })
    }
}

/// Numbers of all widths are read in one way.
macro_rules! numbers {
    ($($kind:ident: $($method:ident)*;)*) => {$($(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.number(Kind::$kind, &visitor)? {
                Number::Negative(number) => visitor.visit_i64(number),
                Number::Positive(number) => visitor.visit_u64(number),
                Number::Float(number) => visitor.visit_f64(number),
            }
        }
    )*)*};
}

macro_rules! texts {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let text = self.text(&visitor)?;
            visitor.visit_str(text)
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Error;

    numbers! {
        Signed: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64;
        Unsigned: deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64;
        Float: deserialize_f32 deserialize_f64;
    }

    texts! { deserialize_str deserialize_string deserialize_identifier deserialize_char }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let value = self.bool(&visitor)?;
        visitor.visit_bool(value)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0.node {
            Node::Null => visitor.visit_unit(),
            Node::Bool(value) => visitor.visit_bool(*value),
            Node::Negative(number) => visitor.visit_i64(*number),
            Node::Positive(number) => visitor.visit_u64(*number),
            Node::Float(number) => visitor.visit_f64(*number),
            Node::Text(text) | Node::Word(text) => visitor.visit_str(text),
            Node::List(_) => self.deserialize_seq(visitor),
            Node::Object(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0.node {
            Node::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0.node {
            Node::Null => visitor.visit_unit(),
            _ => Err(self.wrong(&visitor)),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let mut items = self.list(&visitor)?;
        let read = visitor.visit_seq(Walk(&mut items))?;
        items.end()?;
        Ok(read)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_struct("", &[], visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let mut members = self.object(fields, &visitor)?;
        let read = visitor.visit_map(Walk(&mut members))?;
        members.end()?;
        Ok(read)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let variant = self.variant(&visitor)?;
        visitor.visit_enum(&variant)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.0.note();
        visitor.visit_unit()
    }
}

/// What walks through a list or an object.
struct Walk<'w, T>(&'w mut T);

struct Items<'a> {
    around: &'a Spot<'a>,
    rest: slice::Iter<'a, Node<'a>>,
    at: usize,
}

impl<'a> Items<'a> {
    #[inline(never)]
    fn next(&mut self) -> Option<Spot<'a>> {
        let node = self.rest.next()?;
        let step = Step::Place(self.at);
        self.at += 1;
        Some(self.around.inner(node, step))
    }

    #[inline(never)]
    fn end(&self) -> Result<(), Error> {
        match self.rest.len() {
            0 => Ok(()),
            more => Err(Error::invalid_length(
                self.at + more,
                &"fewer elements in the list",
            )),
        }
    }
}

impl<'de> SeqAccess<'de> for Walk<'_, Items<'_>> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Some(spot) = self.0.next() else {
            return Ok(None);
        };
        match seed.deserialize(Reader(&spot)) {
            Ok(read) => Ok(Some(read)),
            Err(error) => Err(spot.failed(error)),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.rest.len())
    }
}

struct Members<'a> {
    around: &'a Spot<'a>,
    rest: slice::Iter<'a, (Node<'a>, Node<'a>)>,
    fields: slice::Iter<'static, &'static str>,
    /// The name of a member that is the object itself.
    whole: Node<'a>,
    /// The value whose name was read last.
    value: Option<Spot<'a>>,
}

impl<'a> Members<'a> {
    #[inline(never)]
    fn next(&mut self) -> Option<Spot<'_>> {
        if let Some((name, value)) = self.rest.next() {
            self.value = Some(self.around.inner(value, Step::Name(name)));
            return Some(self.around.inner(name, Step::Same));
        }
        let name = self.fields.find(|name| name.starts_with('$'))?;
        self.value = Some(self.around.inner(self.around.node, Step::Same));
        self.whole = Node::Word((*name).into());
        Some(Spot::root(&self.whole, None))
    }

    #[inline(never)]
    fn value(&mut self) -> Result<Spot<'a>, Error> {
        self.value
            .take()
            .ok_or_else(|| Error::custom("a value was asked for before its name"))
    }

    #[inline(never)]
    fn end(&self) -> Result<(), Error> {
        match self.rest.len() {
            0 => Ok(()),
            more => Err(Error::invalid_length(more, &"fewer elements in the map")),
        }
    }
}

impl<'de> MapAccess<'de> for Walk<'_, Members<'_>> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        match self.0.next() {
            None => Ok(None),
            Some(name) => seed.deserialize(Reader(&name)).map(Some),
        }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        let spot = self.0.value()?;
        match seed.deserialize(Reader(&spot)) {
            Ok(read) => Ok(read),
            Err(error) => Err(spot.failed(error)),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.rest.len())
    }
}

/// A variant of an enumeration: its name alone, or with a value.
struct Variant<'a> {
    around: &'a Spot<'a>,
    name: &'a Node<'a>,
    value: Option<&'a Node<'a>>,
}

impl<'a> Variant<'a> {
    #[inline(never)]
    fn value(&self, expected: &dyn Expected) -> Result<Spot<'_>, Error> {
        match self.value {
            Some(value) => Ok(self.around.inner(value, Step::Name(self.name))),
            None => Err(Error::invalid_type(Unexpected::UnitVariant, expected)),
        }
    }

    #[inline(never)]
    fn nothing(&self) -> Result<(), Error> {
        match self.value {
            None | Some(Node::Null) => Ok(()),
            Some(value) => Err(Error::invalid_type(value.unexpected(), &"unit")),
        }
    }
}

impl<'de> EnumAccess<'de> for &Variant<'_> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Error> {
        let name = self.around.inner(self.name, Step::Same);
        Ok((seed.deserialize(Reader(&name))?, self))
    }
}

impl<'de> VariantAccess<'de> for &Variant<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        self.nothing()
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        let spot = self.value(&"newtype variant")?;
        seed.deserialize(Reader(&spot))
            .map_err(|error| spot.failed(error))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        let spot = self.value(&"tuple variant")?;
        Reader(&spot)
            .deserialize_seq(visitor)
            .map_err(|error| spot.failed(error))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let spot = self.value(&"struct variant")?;
        Reader(&spot)
            .deserialize_struct("", fields, visitor)
            .map_err(|error| spot.failed(error))
    }
}
