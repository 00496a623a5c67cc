//! XML as phones read it: elements below one that the family has outermost.
//!
//! Elements are of two sorts. A *parameter* holds a value, a *group* holds elements. The names tell the two
//! apart ([`XmlSyntax`](crate::family::XmlSyntax)) even in a file that is malformed, which is what lets the
//! reader say which tag is missing.

mod read;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::Parameter;
use super::escape::{EscapeError, escape};
use super::finding::{Findings, Place};
use super::source;
use crate::family::{Family, Format};

pub(super) use read::read;

/// The deepest nesting that is read. The guide's own goes to 6.
const MAX_DEPTH: usize = 16;

/// An XML file.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    /// Whether it begins with an XML declaration; the canonical form keeps one that was there.
    declaration: bool,
    root: Element,
}

/// The longest name of an element that is read, in bytes. The name of a group is repeated in the path
/// of every parameter in it, so that a long one would cost its length as often.
const MAX_TAG_NAME: usize = 48;

/// The most attributes of one element that are read. The guide knows two on the same element; each
/// name is compared with those before it.
const MAX_ATTRIBUTES: usize = 8;

/// How much of an `idx` stands in a path, in bytes. A good one has at most three digits.
const MAX_INDEX: usize = 8;

/// One element with everything in it.
#[derive(Clone, Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    /// Of a group; a parameter has none.
    children: Vec<Element>,
    /// Of a parameter; empty in a group.
    value: String,
    /// Whether it is a parameter; otherwise it is a group.
    parameter: bool,
    /// Where its start tag is.
    at: Place,
    /// Where its value begins.
    value_at: Place,
}

impl Document {
    /// A file without parameters, whose outermost element has that name.
    pub fn new(root: &str) -> Self {
        Self {
            declaration: false,
            root: Element::new(root),
        }
    }

    /// Every parameter, in the order of the file.
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        for child in &self.root.children {
            child.collect("", &mut parameters);
        }
        parameters
    }

    /// The file as it is served: indented by two blanks, LF line ends, no comments.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
        // Writing to a `Vec` cannot fail.
        let _ = self.write(&mut writer);
        let mut out = writer.into_inner();
        out.push(b'\n');
        out
    }

    /// Adds a parameter at the end of the group that the names lead to from the root, such as
    /// `["Device", "System", "Prov"]`; groups that are missing are made.
    ///
    /// # Errors
    /// When the value cannot be written in XML, or the name is none of a parameter.
    pub fn push(&mut self, groups: &[&str], name: &str, value: &str) -> Result<(), EscapeError> {
        source::require_name(name)?;
        escape(Format::Xml, value)?;
        let mut group = &mut self.root;
        for step in groups {
            group = group.child_or_new(step);
        }
        group.children.push(Element {
            value: value.to_owned(),
            parameter: true,
            ..Element::new(name)
        });
        Ok(())
    }

    /// The names of the elements below the root and where they are.
    pub(crate) fn sections(&self) -> impl Iterator<Item = (&str, Place)> {
        self.root
            .children
            .iter()
            .map(|child| (child.name.as_str(), child.at))
    }

    /// The same for the elements in one of those.
    pub(crate) fn groups(&self, section: &str) -> impl Iterator<Item = (&str, Place)> {
        self.root
            .children
            .iter()
            .filter(move |child| child.name == section)
            .flat_map(|child| &child.children)
            .map(|child| (child.name.as_str(), child.at))
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) -> std::io::Result<()> {
        if self.declaration {
            writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        }
        self.root.write(writer)
    }
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("xml::Document")
            .field("parameters", &self.parameters().len())
            .finish_non_exhaustive()
    }
}

impl Element {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            parameter: is_parameter(name),
            ..Self::default()
        }
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }

    /// The last one of that name: in this family the last of two counts.
    fn child_or_new(&mut self, name: &str) -> &mut Element {
        let found = self.children.iter().rposition(|child| child.name == name);
        let index = found.unwrap_or_else(|| {
            self.children.push(Element::new(name));
            self.children.len() - 1
        });
        // The index is one of an element that is there.
        #[allow(clippy::indexing_slicing)]
        &mut self.children[index]
    }

    fn collect(&self, prefix: &str, parameters: &mut Vec<Parameter>) {
        #[cfg(test)]
        crate::steps::took(prefix.len());
        let mut path = if prefix.is_empty() {
            self.name.clone()
        } else {
            format!("{prefix}/{}", self.name)
        };
        if let Some(index) = self.attribute("idx") {
            let end = index.floor_char_boundary(MAX_INDEX);
            path = format!("{path}[{}]", index.get(..end).unwrap_or_default());
        }
        if self.parameter {
            parameters.push(Parameter {
                path,
                name: self.name.clone(),
                value: self.value.clone(),
                line: self.value_at.line,
                column: self.value_at.column,
            });
            return;
        }
        for child in &self.children {
            child.collect(&path, parameters);
        }
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) -> std::io::Result<()> {
        let mut start = BytesStart::new(self.name.as_str());
        for (name, value) in &self.attributes {
            start.push_attribute((name.as_str(), value.as_str()));
        }
        if self.children.is_empty() && self.value.is_empty() {
            return writer.write_event(Event::Empty(start));
        }
        writer.write_event(Event::Start(start))?;
        if !self.value.is_empty() {
            writer.write_event(Event::Text(BytesText::new(&self.value)))?;
        }
        for child in &self.children {
            child.write(writer)?;
        }
        writer.write_event(Event::End(BytesEnd::new(self.name.as_str())))
    }
}

/// Places are no part of what an element says.
impl PartialEq for Element {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.attributes == other.attributes
            && self.children == other.children
            && self.value == other.value
    }
}

impl Eq for Element {}

/// Whether an element of that name is a parameter, as far as its capitals tell.
fn is_parameter(name: &str) -> bool {
    !name.contains(|c: char| c.is_ascii_lowercase())
}
