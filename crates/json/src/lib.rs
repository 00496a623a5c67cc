//! JSON as a tree, and one reader of it for every type.
//!
//! `serde` compiles what reads a type once for each format that the type is read from, and `serde_json` has
//! several: text, bytes, a tree. In a WebAssembly module that reads two hundred types this is a fifth of the code.
//! Here whatever is read becomes a [`Node`] first, and each type is read from that by one deserializer that is not
//! generic: from text, from rows of a database, from a query.
//!
//! It reads what `serde_json` reads, but for this: a structure is an object, never a list of its members' values.
//! It also knows where in the document it is: an [`Error`] says which member is wrong, and
//! [`from_slice_noting`] which members nothing has read.
//!
//! A member that is called `$…` in a type is the object itself once more, read as another type: what
//! `serde(flatten)` is for, without a copy and a second reader of the inner type. Members that belong to
//! the outer one are unknown to the inner one, and must be passed over by it.

mod error;
mod node;
mod reader;

use std::borrow::Cow;
use std::cell::RefCell;

use serde::de::DeserializeOwned;

pub use self::error::Error;
pub use self::node::Node;
use self::reader::{Notes, Reader, Spot};

/// Reads JSON text.
///
/// # Errors
/// The text is no JSON, or does not fit `T`.
pub fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    from_slice(text.as_bytes())
}

/// Reads JSON text in UTF-8.
///
/// # Errors
/// The text is no JSON, or does not fit `T`.
pub fn from_slice<T: DeserializeOwned>(text: &[u8]) -> Result<T, Error> {
    from_node(&Node::parse(text)?)
}

/// Reads a tree.
///
/// # Errors
/// The tree does not fit `T`.
pub fn from_node<T: DeserializeOwned>(node: &Node<'_>) -> Result<T, Error> {
    T::deserialize(Reader(&Spot::root(node, None)))
}

/// Reads each tree of a list.
///
/// # Errors
/// One does not fit `T`.
pub fn from_nodes<T: DeserializeOwned>(nodes: &[Node<'_>]) -> Result<Vec<T>, Error> {
    let mut all = Vec::with_capacity(nodes.len());
    for node in nodes {
        all.push(from_node(node)?);
    }
    Ok(all)
}

/// Reads a list of anything from JSON text.
///
/// # Errors
/// The text is no JSON, no list, or an element does not fit `T`.
pub fn list_from_str<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, Error> {
    from_nodes(Node::parse(text.as_bytes())?.items()?)
}

/// Reads JSON text in UTF-8, and says where members stand that nothing has read, `most` of them at most: each as the
/// names and places that lead to it.
pub fn from_slice_noting<T: DeserializeOwned>(
    text: &[u8],
    most: usize,
) -> (Result<T, Error>, Vec<Vec<String>>) {
    let node = match Node::parse(text) {
        Ok(node) => node,
        Err(error) => return (Err(error), Vec::new()),
    };
    let notes = RefCell::new(Notes::new(most));
    let read = T::deserialize(Reader(&Spot::root(&node, Some(&notes))));
    (read, notes.into_inner().found)
}

/// Reads names and values that are all text, as a query has them. A number or a boolean is read from its text where
/// `T` asks for one.
///
/// # Errors
/// The names and values do not fit `T`.
pub fn from_pairs<'t, T: DeserializeOwned>(
    pairs: impl Iterator<Item = (Cow<'t, str>, Cow<'t, str>)>,
) -> Result<T, Error> {
    let pairs = pairs.map(|(name, value)| (Node::Word(name), Node::Word(value)));
    from_node(&Node::Object(pairs.collect()))
}
