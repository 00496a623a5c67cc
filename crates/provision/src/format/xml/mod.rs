//! XML as phones read it: elements below one that the family has outermost.
//!
//! Elements are of two sorts. A *parameter* holds a value, a *group* holds elements. The names tell the two
//! apart ([`XmlSyntax`]) even in a file that is malformed, which is what lets the reader say which tag is missing.

mod read;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::Parameter;
use super::escape::{EscapeError, escape};
use super::finding::{Findings, Place};
use super::source;
use crate::family::{Family, Format, XmlStyle, XmlSyntax};

pub(super) use read::read;

/// The deepest nesting that is read. The guide's own goes to 6.
const MAX_DEPTH: usize = 16;

/// An XML file.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    /// What in it is the family's own.
    syntax: &'static XmlSyntax,
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

/// The same where attributes are parameters. Names are compared with each other here, too, so that this is
/// what one of them may cost.
const MAX_PARAMETERS_OF_ELEMENT: usize = 64;

/// What a file says of its encoding that has ASCII alone, for phones that know no other word.
const ASCII_AS: &str = "ISO-8859-1";

/// How much of what tells elements of one name apart stands in a path, in bytes: at most three digits, or a name
/// with a number such as `XML-PBook1`.
const MAX_INDEX: usize = 12;

/// The longest name of an item that is read, in bytes: it is repeated before the name of each of its parts.
const MAX_ITEM_NAME: usize = 96;

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
    /// A file without parameters.
    pub fn new(syntax: &'static XmlSyntax) -> Self {
        Self {
            syntax,
            declaration: false,
            root: Element::new(syntax.root),
        }
    }

    /// Every parameter, in the order of the file.
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        match self.syntax.style {
            XmlStyle::Elements { index } => {
                for child in &self.root.children {
                    child.collect(index, "", &mut parameters);
                }
            }
            XmlStyle::Attributes => self.root.collect_attributes(&mut parameters),
            XmlStyle::Named {
                element,
                name,
                value,
            }
            | XmlStyle::Quoted {
                element,
                name,
                value,
            } => {
                for child in &self.root.children {
                    child.collect_named([element, name, value], "", &mut parameters);
                }
                if matches!(self.syntax.style, XmlStyle::Quoted { .. }) {
                    parameters.iter_mut().for_each(Parameter::unquote);
                }
            }
            XmlStyle::Items {
                element,
                part,
                name,
            } => {
                for child in &self.root.children {
                    child.collect_items([element, part, name], &mut parameters);
                }
            }
            XmlStyle::Pairs { name, value, .. } => {
                self.root.collect_pairs([name, value], "", &mut parameters);
            }
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
    /// `["Device", "System", "Prov"]`; groups that are missing are made. Where groups are objects whose names are
    /// texts, as `["Device.Prov."]`, the parameter stands in an object of its own.
    ///
    /// # Errors
    /// When the value cannot be written in XML, or the name is none of a parameter.
    pub fn push(&mut self, groups: &[&str], name: &str, value: &str) -> Result<(), EscapeError> {
        match self.syntax.groups {
            None => source::require_name(name)?,
            Some(_) if read::is_name(name) && name.len() <= MAX_TAG_NAME => {}
            Some(_) => return Err(EscapeError::Name),
        }
        escape(Format::Xml, value)?;
        let is_text = matches!(self.syntax.style, XmlStyle::Pairs { .. });
        let mut group = &mut self.root;
        for step in groups.iter().filter(|_| !is_text) {
            group = group.child_or_new(step);
        }
        let leaf = |name: &str, value: &str| Element {
            value: value.to_owned(),
            parameter: true,
            ..Element::new(name)
        };
        let with = |name: &str, attributes: &[(&str, &str)]| Element {
            attributes: attributes
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            parameter: false,
            ..Element::new(name)
        };
        match self.syntax.style {
            XmlStyle::Elements { .. } => group.children.push(leaf(name, value)),
            XmlStyle::Attributes => group.attributes.push((name.to_owned(), value.to_owned())),
            XmlStyle::Named {
                element,
                name: of_name,
                value: of_value,
            }
            | XmlStyle::Quoted {
                element,
                name: of_name,
                value: of_value,
            } => group
                .children
                .push(with(element, &[(of_name, name), (of_value, value)])),
            XmlStyle::Items {
                element,
                name: of_name,
                ..
            } => group.children.push(Element {
                attributes: vec![(of_name.to_owned(), name.to_owned())],
                ..leaf(element, value)
            }),
            XmlStyle::Pairs {
                name: of_name,
                value: of_value,
                groups: [object, parameter],
            } => {
                let pair = Element {
                    children: vec![leaf(of_name, name), leaf(of_value, value)],
                    ..with(parameter, &[])
                };
                group.children.push(Element {
                    children: vec![leaf(of_name, &groups.concat()), pair],
                    ..with(object, &[])
                });
            }
        }
        Ok(())
    }

    /// The name of the outermost element, and where it is.
    pub(crate) fn root(&self) -> (&str, Place) {
        (&self.root.name, self.root.at)
    }

    /// The names of the elements below the root and where they are.
    pub(crate) fn sections(&self) -> impl Iterator<Item = (&str, Place)> {
        self.root
            .children
            .iter()
            .map(|child| (child.name.as_str(), child.at))
    }

    /// An attribute of the elements of that name below the root, where it is there, and where they are.
    pub(crate) fn attribute_of(
        &self,
        section: &str,
        attribute: &str,
    ) -> impl Iterator<Item = (Option<&str>, Place)> {
        let found = self.root.children.iter();
        let found = found.filter(move |child| child.name == section);
        found.map(move |child| (child.attribute(attribute), child.at))
    }

    /// The names of the elements in those of that name, and where they are.
    pub(crate) fn groups(&self, section: &str) -> impl Iterator<Item = (&str, Place)> {
        self.root
            .children
            .iter()
            .filter(move |child| child.name == section)
            .flat_map(|child| &child.children)
            .map(|child| (child.name.as_str(), child.at))
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) -> std::io::Result<()> {
        let quoted = matches!(self.syntax.style, XmlStyle::Quoted { .. });
        if self.declaration {
            let encoding = if quoted { ASCII_AS } else { "UTF-8" };
            writer.write_event(Event::Decl(BytesDecl::new("1.0", Some(encoding), None)))?;
        }
        self.root.write(writer, quoted)
    }
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("xml::Document")
            .field("root", &self.syntax.root)
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

    /// Every attribute of this element and of those in it.
    fn collect_attributes(&self, parameters: &mut Vec<Parameter>) {
        for (name, value) in &self.attributes {
            parameters.push(self.parameter(name.clone(), name.clone(), value));
        }
        for child in &self.children {
            child.collect_attributes(parameters);
        }
    }

    /// Every element of the name that parameters have, by the names of the attributes that are name and value.
    fn collect_named(&self, by: [&str; 3], prefix: &str, parameters: &mut Vec<Parameter>) {
        let [element, name, value] = by;
        if self.name == element {
            let name = self.attribute(name).unwrap_or_default();
            let value = self.attribute(value).unwrap_or_default();
            let path = format!("{prefix}{name}");
            parameters.push(self.parameter(path, name.to_owned(), value));
            return;
        }
        // What tells two groups of one name apart.
        let index = self.attribute(value).unwrap_or_default();
        let end = index.floor_char_boundary(MAX_INDEX);
        let index = index.get(..end).unwrap_or_default();
        let prefix = format!("{prefix}{}[{index}]/", self.name);
        for child in &self.children {
            child.collect_named(by, &prefix, parameters);
        }
    }

    /// Every element with a value, by the names of itself and of what it stands in; one without such a name by the
    /// element's own.
    fn collect_items(&self, by: [&str; 3], parameters: &mut Vec<Parameter>) {
        let [element, part, name] = by;
        let named = |it: &Self| {
            let name = it.attribute(name).unwrap_or_default();
            let end = name.floor_char_boundary(MAX_ITEM_NAME);
            name.get(..end).unwrap_or_default().to_owned()
        };
        let own = match self.name == element || self.name == part {
            true => named(self),
            false => self.name.clone(),
        };
        if self.parameter {
            parameters.push(self.parameter(own.clone(), own, &self.value));
            return;
        }
        for child in &self.children {
            if self.name == element && child.name == part {
                let path = format!("{own}.{}", named(child));
                parameters.push(child.parameter(path.clone(), path, &child.value));
            } else {
                child.collect_items(by, parameters);
            }
        }
    }

    /// Every element that is a value, by the names that stand beside it and beside what it stands in.
    fn collect_pairs(&self, by: [&str; 2], prefix: &str, parameters: &mut Vec<Parameter>) {
        let [name, value] = by;
        let own = self.children.iter().find(|child| child.name == name);
        let own = own.map_or("", |child| child.value.as_str());
        let path = format!("{prefix}{own}");
        for child in &self.children {
            if child.name == value {
                parameters.push(child.parameter(path.clone(), path.clone(), &child.value));
            } else if !child.parameter {
                child.collect_pairs(by, &path, parameters);
            }
        }
    }

    fn parameter(&self, path: String, name: String, value: &str) -> Parameter {
        Parameter {
            path,
            name,
            value: value.to_owned(),
            line: self.value_at.line,
            column: self.value_at.column,
        }
    }

    fn collect(&self, index: &str, prefix: &str, parameters: &mut Vec<Parameter>) {
        #[cfg(test)]
        crate::steps::took(prefix.len());
        let mut path = if prefix.is_empty() {
            self.name.clone()
        } else {
            [prefix, "/", &self.name].concat()
        };
        let named = || self.children.iter().find(|child| child.name == index);
        let number = self.attribute(index);
        if let Some(number) = number.or_else(|| named().map(|it| it.value.as_str())) {
            let end = number.floor_char_boundary(MAX_INDEX);
            for part in ["[", number.get(..end).unwrap_or_default(), "]"] {
                path.push_str(part);
            }
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
            child.collect(index, &path, parameters);
        }
    }

    /// `quoted`: a value with double quotes stands between apostrophes. The reader has seen to it that neither it nor
    /// anything else that would need a reference is in one.
    fn write(&self, writer: &mut Writer<Vec<u8>>, quoted: bool) -> std::io::Result<()> {
        let mut start = BytesStart::new(self.name.as_str());
        if quoted {
            start = BytesStart::from_content(self.between_apostrophes(), self.name.len());
        } else {
            for (name, value) in &self.attributes {
                start.push_attribute((name.as_str(), value.as_str()));
            }
        }
        if self.children.is_empty() && self.value.is_empty() && !self.parameter {
            return writer.write_event(Event::Empty(start));
        }
        writer.write_event(Event::Start(start))?;
        // An empty value has both tags: of the short form a vendor's guide says two things.
        if self.parameter {
            writer.write_event(Event::Text(BytesText::new(&self.value)))?;
        }
        for child in &self.children {
            child.write(writer, quoted)?;
        }
        writer.write_event(Event::End(BytesEnd::new(self.name.as_str())))
    }
}

impl Element {
    /// The tag without its brackets.
    fn between_apostrophes(&self) -> String {
        let mut tag = self.name.clone();
        for (name, value) in &self.attributes {
            let quote = if value.contains('"') { '\'' } else { '"' };
            for part in [" ", name, "="] {
                tag.push_str(part);
            }
            tag.push(quote);
            // Of a file with a fault, which nobody serves.
            for character in value.chars() {
                match character {
                    '&' => tag.push_str("&amp;"),
                    '<' => tag.push_str("&lt;"),
                    '\'' => tag.push_str("&apos;"),
                    other => tag.push(other),
                }
            }
            tag.push(quote);
        }
        tag
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
