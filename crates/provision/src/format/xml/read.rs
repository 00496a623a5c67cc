//! Reading XML with quick-xml as the tokenizer, and going on after an error.
//!
//! Nesting is checked here and not by quick-xml: an end tag that does not fit is held against the
//! elements that are open, so that each fault gets its own name and place and does not make ten
//! others. There is no document type, hence no entity but XML's own five; depth, size and the
//! number of findings are bounded.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::super::escape;
use super::super::finding::{Finding, Place, codes};
use super::super::message::{Message, MessagePart, message, shown};
use super::super::source::{self, Lines};
use super::super::url::MACROS;
use super::{
    ASCII_AS, Document, Element, Family, Findings, Format, MAX_ATTRIBUTES, MAX_DEPTH,
    MAX_ITEM_NAME, MAX_PARAMETERS_OF_ELEMENT, MAX_TAG_NAME, is_parameter,
};
use crate::family::{XmlStyle, XmlSyntax};

/// Reads what can be read, and says everything that is wrong.
pub(in super::super) fn read(
    family: Family,
    syntax: &'static XmlSyntax,
    bytes: &[u8],
    findings: &mut Findings,
) -> Document {
    let Some(text) = source::decode(family, bytes, findings) else {
        return Document::new(syntax);
    };
    source::control_characters(&text, findings);
    let mut reading = Reading {
        text: &text,
        syntax,
        lines: Lines::new(&text),
        findings,
        open: Vec::new(),
        root: None,
        last_closed: String::new(),
        declaration: false,
    };
    let mut from = 0;
    while let Some(next) = reading.run(from) {
        #[cfg(test)]
        crate::steps::took(text.len() - next);
        from = next;
    }
    reading.finish()
}

/// What XML takes as white space.
const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

struct Reading<'a> {
    text: &'a str,
    /// What in it is the family's own.
    syntax: &'static XmlSyntax,
    lines: Lines<'a>,
    findings: &'a mut Findings,
    /// The elements whose end tag has not come yet, the outermost first.
    open: Vec<Element>,
    root: Option<Element>,
    /// The name in the last end tag, to know a doubled one.
    last_closed: String,
    declaration: bool,
}

impl Reading<'_> {
    /// Reads from an offset to the end; or to a fault that the tokenizer cannot go on from, and
    /// then says where to begin again.
    fn run(&mut self, from: usize) -> Option<usize> {
        let mut reader = Reader::from_str(self.text.get(from..)?);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        while !self.findings.is_hopeless() {
            let at = from + position(&reader);
            match reader.read_event() {
                Ok(Event::Eof) => return None,
                Ok(Event::Start(tag)) => {
                    if let Some(next) = self.broken_tag(at, 1, &tag) {
                        return Some(next);
                    }
                    self.start(&tag, at, from + position(&reader))?;
                }
                Ok(Event::Empty(tag)) => {
                    if let Some(next) = self.broken_tag(at, 1, &tag) {
                        return Some(next);
                    }
                    if self.start(&tag, at, from + position(&reader))? {
                        self.close_top();
                    }
                }
                Ok(Event::End(tag)) => {
                    if let Some(next) = self.broken_tag(at, 2, &tag) {
                        return Some(next);
                    }
                    self.end(tag.name().0, at);
                }
                Ok(Event::Text(text)) => self.characters(&text, at),
                Ok(Event::CData(text)) => {
                    self.content_only(at);
                    self.add_text(&text, at);
                }
                Ok(Event::GeneralRef(reference)) => self.reference(&reference, at),
                Ok(Event::Comment(comment)) => {
                    if comment.contains("--") || comment.ends_with('-') {
                        self.markup(at, "a comment with `--` in it");
                    }
                }
                Ok(Event::Decl(declaration)) => self.check_declaration(&declaration, at),
                Ok(Event::PI(_)) => self.error(
                    codes::XML_INSTRUCTION,
                    at,
                    "a processing instruction",
                    "Delete it: the format has none.",
                ),
                Ok(Event::DocType(_)) => {
                    self.doctype(at);
                    return None;
                }
                Err(_) => return self.not_a_token(at),
            }
        }
        None
    }

    /// Ends with what is still open, and checks that there was a root.
    fn finish(mut self) -> Document {
        while let Some(element) = self.open.last() {
            let (name, at) = (element.name.clone(), element.at);
            self.unclosed(&name, at);
            self.close_top();
        }
        let root = self.root.unwrap_or_else(|| {
            self.findings.push(Finding::error(
                codes::XML_ROOT,
                Place::new(1, 1),
                "the file has no element at all",
                message!["Begin it with <", self.syntax.root, ">."],
            ));
            Element::new(self.syntax.root)
        });
        Document {
            syntax: self.syntax,
            declaration: self.declaration,
            root,
        }
    }

    /// A tag that another tag begins in has no `>`; reading goes on at that other tag.
    fn broken_tag(&mut self, at: usize, prefix: usize, content: &str) -> Option<usize> {
        let inner = content.find('<')?;
        self.error(
            codes::XML_BROKEN_TAG,
            at,
            "this tag is not closed by `>` (or a quote in it is not closed)",
            "Add what is missing.",
        );
        Some(at + prefix + inner)
    }

    /// What quick-xml makes no token of: something that runs to the end of the file.
    fn not_a_token(&mut self, at: usize) -> Option<usize> {
        let rest = self.text.get(at..).unwrap_or_default();
        let is_doctype = rest
            .get(..9)
            .is_some_and(|start| start.eq_ignore_ascii_case("<!doctype"));
        if is_doctype {
            self.doctype(at);
            return None;
        }
        if rest.starts_with("<!") || rest.starts_with("<?") {
            self.markup(at, "a comment, section or instruction that is never closed");
        } else {
            self.error(
                codes::XML_BROKEN_TAG,
                at,
                "this tag is not closed by `>` (or a quote in it is not closed)",
                "Add what is missing.",
            );
        }
        let next = rest.get(1..)?.find('<')?;
        Some(at + 1 + next)
    }

    /// Whether the tag opened an element; `None` when reading must stop here.
    fn start(&mut self, tag: &BytesStart<'_>, at: usize, end: usize) -> Option<bool> {
        let name = tag.name().0;
        let place = self.lines.place(at);
        self.open_for_parts(name);
        if let Some(top) = self.open.last_mut()
            && top.parameter
        {
            let parameter = top.name.clone();
            if let Some(name) = MACROS.into_iter().find(|known| *known == name) {
                // What was meant, so that there is one finding about it.
                top.value.push_str(&format!("{{{name}}}"));
                self.findings.push(Finding::error(
                    codes::MACRO_ANGLE,
                    place,
                    message![
                        "`<",
                        name,
                        ">` within ",
                        shown(&parameter),
                        " is a tag to XML"
                    ],
                    message!["Write {", name, "}."],
                ));
                return Some(false);
            }
            let opened = top.at;
            self.unclosed(&parameter, opened);
            self.close_top();
        }
        if self.open.len() >= MAX_DEPTH {
            self.findings.push(Finding::error(
                codes::XML_DEPTH,
                place,
                message!["elements are nested deeper than ", MAX_DEPTH],
                "Nest them as the guide does.",
            ));
            return None;
        }
        if name.len() > MAX_TAG_NAME {
            self.findings.push(Finding::error(
                codes::NAME_TOO_LONG,
                place,
                message![
                    "the name of an element has ",
                    name.len(),
                    " bytes, of ",
                    MAX_TAG_NAME,
                    " allowed; nothing behind it was read"
                ],
                "Look the name up in the guide of the model.",
            ));
            return None;
        }
        if !is_name(name) {
            self.findings.push(Finding::error(
                codes::XML_BROKEN_TAG,
                place,
                "`<` is not followed by a name",
                "Write &lt; where the sign itself is meant.",
            ));
        } else if self.syntax.groups.is_none() && is_parameter(name) {
            source::check_name(name, place.right(1), self.findings);
        }
        if self.open.is_empty() {
            self.check_root(name, place);
        }
        let element = Element {
            attributes: self.attributes(tag, place),
            at: place,
            value_at: self.lines.place(end),
            parameter: self.is_parameter(name),
            ..Element::new(name)
        };
        self.check_attributes(&element);
        self.open.push(element);
        Some(true)
    }

    /// An item that parts begin in has no value of its own.
    fn open_for_parts(&mut self, name: &str) {
        if let XmlStyle::Items { element, part, .. } = self.syntax.style
            && name == part
            && let Some(top) = self.open.last_mut()
            && top.name == element
            && top.value.trim_matches(BLANKS).is_empty()
        {
            top.parameter = false;
            top.value.clear();
        }
    }

    fn is_parameter(&self, name: &str) -> bool {
        if matches!(
            self.syntax.style,
            XmlStyle::Attributes | XmlStyle::Named { .. } | XmlStyle::Quoted { .. }
        ) {
            return false;
        }
        match self.syntax.groups {
            Some(groups) => name != self.syntax.root && !groups.contains(&name),
            None => {
                let mut known = self.syntax.attributes.iter();
                let is_group = known.any(|(group, _, _)| *group == name);
                is_parameter(name) && !is_group || self.syntax.values.contains(&name)
            }
        }
    }

    fn check_root(&mut self, name: &str, at: Place) {
        if self.root.is_some() {
            self.findings.push(Finding::error(
                codes::XML_AFTER_ROOT,
                at,
                message!["<", shown(name), "> stands behind the outermost element"],
                message![
                    "A file is one <",
                    self.syntax.root,
                    "> element; move it in there."
                ],
            ));
        } else if name != self.syntax.root && self.syntax.style != XmlStyle::Attributes {
            self.findings.push(Finding::error(
                codes::XML_ROOT,
                at,
                message!["the outermost element is <", shown(name), ">"],
                message!["It must be <", self.syntax.root, ">."],
            ));
        }
    }

    fn end(&mut self, name: &str, at: usize) {
        let place = self.lines.place(at);
        if self.is_open(name) {
            // Whatever was opened within it and is still open lacks its own end tag.
            while let Some(top) = self.open.last()
                && top.name != name
            {
                let (name, opened) = (top.name.clone(), top.at);
                self.unclosed(&name, opened);
                self.close_top();
            }
            self.close_top();
        } else if name == self.last_closed {
            self.findings.push(Finding::error(
                codes::XML_DOUBLED_END_TAG,
                place,
                message!["the end tag </", shown(name), "> is doubled"],
                "Delete it.",
            ));
        } else if let Some(top) = self.open.last()
            && top.parameter
            && self.is_parameter(name)
        {
            let opened = shown(&top.name);
            self.findings.push(Finding::error(
                codes::XML_MISMATCHED_END_TAG,
                place,
                message!["<", opened, "> is closed by </", shown(name), ">"],
                "Give both tags the same name.",
            ));
            self.close_top();
        } else {
            self.findings.push(Finding::error(
                codes::XML_STRAY_END_TAG,
                place,
                message!["the end tag </", shown(name), "> has no start tag"],
                "Delete it, or add the start tag.",
            ));
        }
        name.clone_into(&mut self.last_closed);
    }

    fn unclosed(&mut self, name: &str, at: Place) {
        let name = shown(name);
        self.findings.push(Finding::error(
            codes::XML_UNCLOSED_TAG,
            at,
            message!["<", name, "> is never closed"],
            message!["Add </", name, ">."],
        ));
        // What is left of the text up to the next tag is indentation.
        if let Some(top) = self.open.last_mut() {
            top.value.truncate(top.value.trim_end().len());
        }
    }

    /// Takes the innermost open element as complete.
    fn close_top(&mut self) {
        let Some(mut element) = self.open.pop() else {
            return;
        };
        if element.parameter {
            self.check_value(&element);
        } else {
            self.check_group_text(&element);
            element.value.clear();
        }
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None if self.root.is_none() => self.root = Some(element),
            None => {}
        }
    }

    fn check_value(&mut self, element: &Element) {
        let Element {
            value, value_at, ..
        } = element;
        let name = match self.syntax.style {
            XmlStyle::Items { name, .. } => element.attribute(name).unwrap_or(&element.name),
            _ => &element.name,
        };
        source::check_value(Format::Xml, name, value, *value_at, self.findings);
        if value.trim_matches(BLANKS) != value && !value.contains('\n') {
            self.findings.push(Finding::warning(
                codes::VALUE_BLANKS,
                *value_at,
                message!["the value of ", shown(name), " has blanks at an end"],
                "Delete them unless they are meant; a phone may keep or drop them.",
            ));
        }
    }

    fn check_group_text(&mut self, element: &Element) {
        if element.value.is_empty() {
            return;
        }
        let name = shown(&element.name);
        let finding = if element.children.is_empty() && element.name != self.syntax.root {
            Finding::error(
                codes::XML_LEAF_NAME,
                element.at,
                message![
                    "<",
                    name,
                    "> holds a value, but that is not how a parameter is called"
                ],
                "Parameters have names in capitals; look it up in the guide of the model.",
            )
        } else {
            Finding::error(
                codes::XML_STRAY_TEXT,
                element.value_at,
                message!["there is text between the elements of <", name, ">"],
                "Delete it, or make it a comment: <!-- … -->.",
            )
        };
        self.findings.push(finding);
    }

    /// Text as it stands in the file.
    fn characters(&mut self, text: &str, at: usize) {
        if text.starts_with('&') {
            self.error(
                codes::XML_REFERENCE,
                at,
                "`&` begins no reference that XML knows",
                "Write &amp; where the sign itself is meant.",
            );
        }
        // Hardly any text has the sign, and to look for one sign is cheap.
        if text.contains(']')
            && let Some(before) = text.find("]]>")
        {
            self.markup(at + before, "`]]>` outside of a CDATA section");
        }
        self.add_text(text, at);
    }

    fn add_text(&mut self, text: &str, at: usize) {
        let indented = text.trim_start_matches(BLANKS);
        if let Some(top) = self.open.last_mut() {
            if !top.parameter {
                if indented.is_empty() {
                    return;
                }
                if top.value.is_empty() {
                    top.value_at = self.lines.place(at + text.len() - indented.len());
                }
            }
            top.value.push_str(&source::with_lf(text));
        } else if !indented.is_empty() {
            self.outside(at);
        }
    }

    /// A reference or CDATA section, of which not even blanks may stand outside of the root.
    fn content_only(&mut self, at: usize) {
        if self.open.is_empty() {
            self.outside(at);
        }
    }

    fn outside(&mut self, at: usize) {
        self.error(
            codes::XML_STRAY_TEXT,
            at,
            message!["there is text outside of <", self.syntax.root, ">"],
            "Delete it.",
        );
    }

    /// `&amp;`, `&#38;` and the like.
    fn reference(&mut self, reference: &str, at: usize) {
        let character = match reference {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => numeric(reference),
        };
        self.content_only(at);
        match character {
            Some(character) => self.add_text(character.encode_utf8(&mut [0; 4]), at),
            None => self.error(
                codes::XML_REFERENCE,
                at,
                "this reference is none of XML's own, or names no character of a value",
                "XML knows &amp; &lt; &gt; &quot; &apos; and &#…; only; write &amp; where the \
                 sign itself is meant.",
            ),
        }
    }

    fn attributes(&mut self, tag: &BytesStart<'_>, at: Place) -> Vec<(String, String)> {
        let most = match self.syntax.style {
            XmlStyle::Attributes => MAX_PARAMETERS_OF_ELEMENT,
            _ => MAX_ATTRIBUTES,
        };
        let mut attributes = Vec::new();
        let mut good = spaced(tag.attributes_raw());
        for attribute in tag.attributes() {
            #[cfg(test)]
            crate::steps::took(1 + attributes.len());
            let Ok(attribute) = attribute else {
                good = false;
                break;
            };
            if attributes.len() == most {
                good = false;
                break;
            }
            let name = attribute.key.0;
            match attribute.normalized_value(XmlVersion::Implicit1_0) {
                Ok(value) if is_name(name) && !value.contains(escape::forbidden) => {
                    attributes.push((name.to_owned(), value.into_owned()));
                }
                _ => good = false,
            }
        }
        if !good {
            self.findings.push(Finding::error(
                codes::XML_ATTRIBUTE,
                at,
                message![
                    "the attributes of <",
                    shown(tag.name().0),
                    "> are malformed"
                ],
                "Write name=\"value\", each name once and without a prefix, with a blank before \
                 each.",
            ));
        }
        attributes
    }

    /// Attributes are those that the family knows.
    fn check_attributes(&mut self, element: &Element) {
        let tag = || shown(&element.name);
        self.check_attribute_values(element);
        let of_group = |name: &str| {
            let mut known = self.syntax.attributes.iter();
            known.any(|(group, known, _)| *group == element.name && *known == name)
        };
        for (name, value) in &element.attributes {
            let of_parameter = self.syntax.parameter_attributes.iter();
            let known = of_parameter
                .filter(|_| element.parameter)
                .find(|(known, _)| known == name);
            let finding = match known {
                Some((_, values)) if values.is_empty() || values.contains(&value.as_str()) => {
                    continue;
                }
                Some((known, values)) => Finding::error(
                    match *known {
                        "perm" => codes::XML_PERM,
                        "access" => codes::XML_ACCESS,
                        _ => codes::XML_ATTRIBUTE,
                    },
                    element.at,
                    message![
                        "the ",
                        *known,
                        " of <",
                        tag(),
                        "> is none that the guide knows"
                    ],
                    one_of(values),
                ),
                None if of_group(name) => continue,
                None if self.syntax.style == XmlStyle::Attributes && name != "xmlns" => continue,
                // Phones know no namespaces; a browser takes an element of one for its own.
                None if name == "xmlns" => Finding::error(
                    codes::XML_NAMESPACE,
                    element.at,
                    message![
                        "<",
                        tag(),
                        "> declares a namespace, and a phone's file has none"
                    ],
                    "Delete xmlns.",
                ),
                None => Finding::warning(
                    codes::XML_UNKNOWN_ATTRIBUTE,
                    element.at,
                    message!["<", tag(), "> has an attribute ", shown(name), " there"],
                    self.syntax.attributes_help,
                ),
            };
            self.findings.push(finding);
        }
        let counted = self.syntax.attributes.iter();
        for (group, name, _) in
            counted.filter(|(group, _, counts)| *counts && *group == element.name)
        {
            let index = element.attribute(name).unwrap_or_default();
            if !(1..=3).contains(&index.len())
                || index.starts_with('0')
                || index.contains(|c: char| !c.is_ascii_digit())
            {
                self.findings.push(Finding::error(
                    codes::XML_LINE_INDEX,
                    element.at,
                    message!["<", *group, "> has no ", *name, " that is a number from 1"],
                    message![
                        "Write <",
                        *group,
                        " ",
                        *name,
                        "=\"1\">, with the number of the line."
                    ],
                ));
            }
        }
    }

    /// Of phones that know no references: what cannot stand in an attribute as it is.
    fn check_plain(&mut self, element: &Element) {
        for (_, value) in &element.attributes {
            let bare = value.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
            let bare = bare.unwrap_or(value);
            let plain = |it: char| it.is_ascii() && !matches!(it, '"' | '\'' | '&' | '<' | '>');
            if !bare.chars().all(plain) {
                self.findings.push(Finding::error(
                    codes::VALUE_CHARACTER,
                    element.at,
                    message![
                        "<",
                        shown(&element.name),
                        "> has a value with a character that these phones have no way to read"
                    ],
                    "Choose a value of ASCII without \", ', &, < and >.",
                ));
                return;
            }
        }
    }

    /// Where attributes are parameters, or their names and values.
    fn check_attribute_values(&mut self, element: &Element) {
        if matches!(self.syntax.style, XmlStyle::Quoted { .. }) {
            self.check_plain(element);
        }
        match self.syntax.style {
            XmlStyle::Attributes => {
                for (name, value) in &element.attributes {
                    source::check_value(Format::Xml, name, value, element.at, self.findings);
                }
            }
            XmlStyle::Named {
                element: tag,
                name,
                value,
            }
            | XmlStyle::Quoted {
                element: tag,
                name,
                value,
            } if element.name == tag => {
                let named = element.attribute(name).unwrap_or_default();
                if named.is_empty() || element.attribute(value).is_none() {
                    self.findings.push(Finding::error(
                        codes::NAME_INVALID,
                        element.at,
                        message!["<", tag, "> lacks ", name, " or ", value],
                        message!["Write <", tag, " ", name, "=\"…\" ", value, "=\"…\"/>."],
                    ));
                }
                let value = element.attribute(value).unwrap_or_default();
                source::check_value(Format::Xml, named, value, element.at, self.findings);
            }
            XmlStyle::Items {
                element: item,
                part,
                name,
            } => self.check_item([item, part, name], element),
            _ => {}
        }
    }

    /// An item has a name, and a part has one and stands in an item.
    fn check_item(&mut self, [item, part, name]: [&'static str; 3], element: &Element) {
        let tag = match element.name.as_str() {
            own if own == item => item,
            own if own == part => part,
            _ => return,
        };
        let named = element.attribute(name).unwrap_or_default();
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if named.is_empty() || !named.chars().all(good) {
            self.findings.push(Finding::error(
                codes::NAME_INVALID,
                element.at,
                message!["<", tag, "> has no ", name, " that a parameter can have"],
                message![
                    "Write <",
                    tag,
                    " ",
                    name,
                    "=\"…\">, with letters, digits and full stops."
                ],
            ));
        }
        if named.len() > MAX_ITEM_NAME {
            self.findings.push(Finding::error(
                codes::NAME_TOO_LONG,
                element.at,
                message![
                    "the ",
                    name,
                    " of <",
                    tag,
                    "> has ",
                    named.len(),
                    " bytes, of ",
                    MAX_ITEM_NAME,
                    " allowed"
                ],
                "Look the name up in the vendor's template for this firmware.",
            ));
        }
        if tag == part && self.open.last().is_none_or(|top| top.name != item) {
            self.findings.push(Finding::error(
                codes::XML_SECTION,
                element.at,
                message!["<", part, "> stands outside of <", item, ">"],
                message!["Put it into the <", item, "> that it is a part of."],
            ));
        }
    }

    /// `text` is what stands between `<?` and `?>`.
    fn check_declaration(&mut self, text: &str, at: usize) {
        let attributes = BytesStart::from_content(text, "xml".len());
        let encoding = match self.syntax.style {
            XmlStyle::Quoted { .. } => ASCII_AS,
            _ => "utf-8",
        };
        let known = attributes.attributes().all(|attribute| {
            let Ok(attribute) = attribute else {
                return false;
            };
            let value = attribute.value.as_ref();
            match attribute.key.0 {
                "version" => value == "1.0",
                "encoding" => value.eq_ignore_ascii_case(encoding),
                "standalone" => value == "yes" || value == "no",
                _ => false,
            }
        });
        let first = attributes.attributes().next();
        let version = first.is_some_and(|first| first.is_ok_and(|it| it.key.0 == "version"));
        if at == 0 && known && version {
            self.declaration = true;
            return;
        }
        self.error(
            codes::XML_DECLARATION,
            at,
            match encoding {
                ASCII_AS => "this XML declaration is not at the beginning, or not one of ISO-8859-1 and XML 1.0",
                _ => "this XML declaration is not at the beginning, or not one of UTF-8 and XML 1.0",
            },
            match encoding {
                ASCII_AS => "Begin the file with <?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>, or leave it out.",
                _ => "Begin the file with <?xml version=\"1.0\" encoding=\"UTF-8\"?>, or leave it out.",
            },
        );
    }

    fn doctype(&mut self, at: usize) {
        self.error(
            codes::XML_DOCTYPE,
            at,
            "a document type declaration; nothing behind it was read",
            "Delete it: the format has none, and none is ever followed.",
        );
    }

    fn markup(&mut self, at: usize, message: &'static str) {
        let help = "Delete it, or write it as XML demands.";
        self.error(codes::XML_MARKUP, at, message, help);
    }

    fn error(
        &mut self,
        code: &'static str,
        at: usize,
        message: impl Into<Message>,
        help: impl Into<Message>,
    ) {
        let at = self.lines.place(at);
        self.findings.push(Finding::error(code, at, message, help));
    }

    fn is_open(&self, name: &str) -> bool {
        self.open.iter().any(|element| element.name == name)
    }
}

/// How far the reader has come, in bytes.
fn position(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

/// A character by its number, if a value may hold it; a tab or a line end passes here and is found
/// in the value.
fn numeric(reference: &str) -> Option<char> {
    let number = reference.strip_prefix('#')?;
    let code = match number.strip_prefix('x') {
        Some(hex) if hex.starts_with(|c: char| c.is_ascii_hexdigit()) => {
            u32::from_str_radix(hex, 16).ok()?
        }
        None if number.starts_with(|c: char| c.is_ascii_digit()) => number.parse().ok()?,
        _ => return None,
    };
    char::from_u32(code).filter(|c| matches!(c, '\t' | '\r' | '\n') || !escape::forbidden(*c))
}

/// A name of an element or attribute. XML allows more, and prefixes of namespaces; the format uses
/// neither.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// Whether there is a blank before each attribute, which quick-xml does not mind.
fn spaced(attributes: &str) -> bool {
    let mut quote = None;
    let mut closed = false;
    for character in attributes.chars() {
        match quote {
            Some(open) if open == character => (quote, closed) = (None, true),
            Some(_) => {}
            None if closed && !character.is_ascii_whitespace() => return false,
            None => {
                closed = false;
                quote = Some(character).filter(|c| matches!(c, '"' | '\''));
            }
        }
    }
    true
}

/// `Write R, RW or !.`
fn one_of(values: &[&'static str]) -> Message {
    let mut message = vec![MessagePart::Fixed("Write ")];
    for (at, value) in values.iter().enumerate() {
        let before = match at {
            0 => "",
            _ if at + 1 == values.len() => " or ",
            _ => ", ",
        };
        message.extend([MessagePart::Fixed(before), MessagePart::Fixed(value)]);
    }
    message.push(MessagePart::Fixed("."));
    Message(message)
}
