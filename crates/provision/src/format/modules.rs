//! Lines in modules: `<NAME>` begins one, `--NAME--  :` a group in it, and a last line ends the file. A phone passes over
//! a parameter that stands in no module.

use super::Parameter;
use super::finding::{Finding, Findings, Place, codes};
use super::lines::MAX_NAME;
use super::message::{message, shown};
use crate::family::{LineSyntax, Modules};

/// A line between parameters.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Heading {
    Module(String),
    Group(String),
}

/// What of a file stands around its parameters.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Frame {
    /// The first line.
    head: String,
    /// Headings, each with the number of parameters before it.
    headings: Vec<(usize, Heading)>,
}

/// Where in a file of modules the reader is.
pub(super) struct Reader {
    syntax: &'static LineSyntax,
    modules: &'static Modules,
    pub(super) frame: Frame,
    /// The one that it is in; empty in one that is not known, so that one finding is enough.
    module: Option<&'static str>,
    group: String,
    ended: bool,
}

impl Reader {
    pub(super) fn new(syntax: &'static LineSyntax) -> Option<Self> {
        Some(Self {
            syntax,
            modules: syntax.modules.as_ref()?,
            frame: Frame::default(),
            module: None,
            group: String::new(),
            ended: false,
        })
    }

    /// Whether the line is one of the frame, or none that may stand here.
    pub(super) fn takes(
        &mut self,
        number: u32,
        line: &str,
        before: usize,
        findings: &mut Findings,
    ) -> bool {
        let line = line.trim_end();
        if number == 1 && line.starts_with(self.syntax.magic_line) {
            line.clone_into(&mut self.frame.head);
            return true;
        }
        if self.ended {
            findings.push(Finding::error(
                codes::LAST_LINE,
                Place::new(number, 1),
                message!["the line stands behind ", self.modules.last_line],
                "Move it up: what is behind the last line does not count.",
            ));
            return true;
        }
        if line == self.modules.last_line {
            self.ended = true;
        } else if let Some(name) = line.strip_prefix('<').and_then(|it| it.strip_suffix('>')) {
            self.module(name, Place::new(number, 1), before, findings);
        } else if let Some(name) = self.heading_of_group(line) {
            self.group(name, Place::new(number, 1), before, findings);
        } else {
            return false;
        }
        true
    }

    fn heading_of_group<'t>(&self, line: &'t str) -> Option<&'t str> {
        let line = line.strip_suffix(self.syntax.separator)?.trim_end();
        Some(line.strip_prefix("--")?.strip_suffix("--")?.trim())
    }

    fn module(&mut self, name: &str, at: Place, before: usize, findings: &mut Findings) {
        self.group.clear();
        let known = self.modules.known.iter().find(|known| **known == name);
        self.module = Some(known.copied().unwrap_or_default());
        match known {
            Some(known) => {
                let heading = Heading::Module((*known).to_owned());
                self.frame.headings.push((before, heading));
            }
            None => findings.push(Finding::error(
                codes::MODULE_UNKNOWN,
                at,
                message!["<", shown(name), "> is no module of these phones"],
                "A phone passes over a module that it does not know: write one that its own file has.",
            )),
        }
    }

    fn group(&mut self, name: &str, at: Place, before: usize, findings: &mut Findings) {
        self.group.clear();
        let good = !name.is_empty()
            && name.len() <= MAX_NAME
            && name
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || it == b' ');
        if !good || self.module.is_none() {
            findings.push(Finding::error(
                codes::NAME_INVALID,
                at,
                "a group has a name of letters, digits and blanks, and stands in a module",
                "Write it as the phone's own file has it.",
            ));
            return;
        }
        name.clone_into(&mut self.group);
        let heading = Heading::Group(name.to_owned());
        self.frame.headings.push((before, heading));
    }

    /// A parameter with the way to it.
    pub(super) fn place(&self, mut parameter: Parameter, findings: &mut Findings) -> Parameter {
        let Some(module) = self.module else {
            findings.push(Finding::error(
                codes::PARAMETER_IGNORED,
                Place::new(parameter.line, 1),
                message![shown(&parameter.name), " stands in no module"],
                "Begin a module before it: a phone passes over what is in none.",
            ));
            return parameter;
        };
        let parts = [module, &self.group, &parameter.name];
        parameter.path = parts
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("/");
        parameter
    }

    /// What is around the parameters of the whole file.
    pub(super) fn finish(self, lines: u32, findings: &mut Findings) -> Frame {
        if !self.ended {
            findings.push(Finding::error(
                codes::LAST_LINE,
                Place::new(lines.max(1), 1),
                message!["the file does not end in ", self.modules.last_line],
                "Write that as the last line.",
            ));
        }
        self.frame
    }
}

impl Frame {
    /// The file. Blanks stand where the phone's own files have them.
    pub(super) fn write(
        &self,
        syntax: &LineSyntax,
        modules: &Modules,
        parameters: &[Parameter],
    ) -> String {
        let mut out = String::new();
        let head = match self.head.is_empty() {
            true => syntax.magic_line,
            false => &self.head,
        };
        line(&mut out, &[&padded(head, modules.first_line)]);
        let mut headings = self.headings.iter().peekable();
        for (before, parameter) in parameters.iter().enumerate() {
            while let Some((_, heading)) = headings.next_if(|(at, _)| *at <= before) {
                write_heading(&mut out, modules, syntax, heading);
            }
            let counted = parameter.name.split(' ').next();
            let counted = counted.is_some_and(|it| it.ends_with(|it: char| it.is_ascii_digit()));
            let column = if counted {
                modules.columns.1
            } else {
                modules.columns.0
            };
            let name = padded(&parameter.name, column);
            line(&mut out, &[&name, syntax.written, &parameter.value]);
        }
        for (_, heading) in headings {
            write_heading(&mut out, modules, syntax, heading);
        }
        line(&mut out, &[modules.last_line]);
        out
    }
}

fn write_heading(out: &mut String, modules: &Modules, syntax: &LineSyntax, heading: &Heading) {
    match heading {
        Heading::Module(name) => {
            line(out, &[]);
            line(out, &["<", name, ">"]);
        }
        Heading::Group(name) => {
            let name = padded(&format!("--{name}--"), modules.columns.0);
            line(out, &[&name, syntax.written]);
        }
    }
}

fn line(out: &mut String, parts: &[&str]) {
    for part in parts {
        out.push_str(part);
    }
    out.push_str("\r\n");
}

fn padded(text: &str, width: usize) -> String {
    format!("{text:<width$}")
}
