//! minijinja, set up for provisioning files.

use std::io;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Rest, Value, ValueKind};
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, filters, tests,
};

use super::error::RenderError;
use super::guard::{self, MAX_NESTING, Tag};
use super::record::{Problem, Record, Root};
use super::{RenderContext, Rendered, SecretsMode};
use crate::family::Format;
use crate::format::escape;
use crate::layers::{Layer, check_name};

/// The most numbers in a `range`.
const MAX_RANGE: i64 = 1000;

pub(super) fn render(source: &str, context: &RenderContext<'_>) -> Result<Rendered, RenderError> {
    // With one kind of line end, lines of the template and of the file are easy to count.
    let source = source.replace("\r\n", "\n");
    let tags = guard::scan(&source, context.file_name)?;
    let record = Record::new(context);
    let mut sink = Sink {
        record: Arc::clone(&record),
        written: Vec::new(),
        limit: context.limits.output,
        carriage_returns: context.format == Format::Text,
        overflown: false,
    };
    let environment = environment(&record, context);
    let result = compile(&environment, &source, context.file_name).and_then(|template| {
        let root = Value::from_object(Root::new(&record, context));
        template
            .render_captured_to(root, &mut sink)
            .map(|_captured| ())
            .map_err(|error| {
                let failure = Failure {
                    error,
                    record: &record,
                    tags: &tags,
                    overflown: sink.overflown,
                };
                failure.explain(&source, context)
            })
    });
    result?;
    // Only whole strings were written, so this loses nothing.
    let text = String::from_utf8_lossy(&sink.written).into_owned();
    if context.format == Format::Xml {
        refuse_cdata(&source, &text, context.file_name)?;
    }
    Ok(Rendered::new(text, record.used()))
}

pub(super) fn check(source: &str, file: &str) -> Result<(), RenderError> {
    let source = source.replace("\r\n", "\n");
    guard::scan(&source, file)?;
    let mut environment = Environment::empty();
    environment.set_syntax(syntax());
    compile(&environment, &source, file).map(|_template| ())
}

fn compile<'e>(
    environment: &'e Environment<'e>,
    source: &'e str,
    file: &'e str,
) -> Result<minijinja::Template<'e, 'e>, RenderError> {
    environment
        .template_from_named_str(file, source)
        .map_err(|error| RenderError::Syntax {
            file: file.to_owned(),
            line: line_of(&error),
            message: message_of(&error),
        })
}

/// In a CDATA section an escaped value would stay escaped: the phone would read `&amp;` as five
/// characters. Values cannot begin one (their `<` is escaped), only templates can.
fn refuse_cdata(source: &str, text: &str, file: &str) -> Result<(), RenderError> {
    const CDATA: &str = "<![CDATA[";
    if !text.contains(CDATA) {
        return Ok(());
    }
    let line = source.lines().position(|line| line.contains(CDATA));
    Err(RenderError::Syntax {
        file: file.to_owned(),
        line: line
            .and_then(|line| u32::try_from(line + 1).ok())
            .unwrap_or(0),
        message: "a CDATA section would show values in their escaped form; write them as plain \
                  text"
            .to_owned(),
    })
}

/// The language. Only what is named here exists: the environment begins empty.
fn environment(record: &Arc<Record>, context: &RenderContext<'_>) -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_syntax(syntax());
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(context.limits.fuel));
    // Every block and every round of a recursive loop is one deeper.
    environment.set_recursion_limit(2 * MAX_NESTING);

    environment.add_filter("d", filters::default);
    environment.add_filter("default", filters::default);
    environment.add_filter("first", filters::first);
    environment.add_filter("int", filters::int);
    environment.add_filter("join", filters::join);
    environment.add_filter("last", filters::last);
    environment.add_filter("length", filters::length);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("replace", filters::replace);
    environment.add_filter("split", filters::split);
    environment.add_filter("trim", filters::trim);
    environment.add_filter("upper", filters::upper);

    environment.add_test("defined", tests::is_defined);
    environment.add_test("undefined", tests::is_undefined);
    environment.add_test("none", tests::is_none);
    environment.add_test("number", tests::is_number);
    environment.add_test("string", tests::is_string);
    environment.add_test("startingwith", tests::is_startingwith);
    environment.add_test("endingwith", tests::is_endingwith);
    environment.add_test("in", tests::is_in);

    environment.add_function("range", range);
    let settings = Arc::clone(record);
    environment.add_function("setting", move |name: &str, default: Rest<Value>| {
        setting(&settings, name, &default)
    });
    let parameters = Arc::clone(record);
    environment.add_function("parameters", move |prefix: &str| {
        Value::from_iter(parameters.parameters(prefix))
    });

    let record = Arc::clone(record);
    let format = context.format;
    environment.set_formatter(move |out, state, value| write(&record, format, out, state, value));
    environment
}

/// Blocks leave no trace of themselves: not their line, not the blanks before them.
fn syntax() -> SyntaxConfig {
    SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()
        .unwrap_or_default()
}

/// `range(5)`, `range(1, 5)`: up to the last number, without it. minijinja's own panics on extreme
/// bounds.
fn range(first: i64, end: Option<i64>) -> Result<Value, Error> {
    let (first, end) = match end {
        Some(end) => (first, end),
        None => (0, first),
    };
    if end.saturating_sub(first) > MAX_RANGE {
        let message = format!("a range has at most {MAX_RANGE} numbers");
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    Ok((first..end).map(Value::from).collect())
}

fn setting(record: &Record, name: &str, default: &[Value]) -> Result<Value, Error> {
    if let Some(value) = record.read(name).or_else(|| default.first().cloned()) {
        return Ok(value);
    }
    record.progress().problem = Some(Problem::Missing(name.to_owned()));
    Err(Error::from(ErrorKind::UndefinedError))
}

/// Writes the value of a `{{ … }}`.
fn write(
    record: &Record,
    format: Format,
    out: &mut Output<'_>,
    state: &State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    let fail = |problem| {
        record.progress().problem = Some(problem);
        Error::from(ErrorKind::InvalidOperation)
    };
    let number;
    let text = match (value.kind(), value.as_str()) {
        (ValueKind::String, Some(text)) => text,
        (ValueKind::Number, _) => {
            number = value.to_string();
            number.as_str()
        }
        // `a if b` without an `else`; all else that is undefined has failed before.
        (ValueKind::Undefined, _) => return Ok(()),
        (kind, _) => return Err(fail(Problem::NotText(kind.to_string()))),
    };
    let origin = record.origin(text);
    let written = escape(format, text).map_err(|reason| {
        fail(Problem::Unrepresentable(
            made_of(record, format, text),
            reason,
        ))
    })?;
    if let Some((setting, value)) = origin.and_then(|one| Some((one, one.masked.as_ref()?))) {
        let names = || vec![setting.name.clone()];
        escape(format, value.expose())
            .map_err(|reason| fail(Problem::Unrepresentable(names(), reason)))?;
    }
    let before = record.progress().written;
    out.write_str(&written)?;
    let arrived = record.progress().written > before;
    // Caught output would be escaped a second time when it is written, so none is caught. The
    // guard refuses the blocks that do; this is for what it does not know.
    if state.auto_escape() != &AutoEscape::None || !(arrived || written.is_empty()) {
        let message = "a value cannot be written into text that is caught for later";
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    record.progress().recent.clear();
    Ok(())
}

/// The settings that a value which cannot be written is made of: the one that it is, or those just
/// read that cannot be written either, or all those just read.
fn made_of(record: &Record, format: Format, text: &str) -> Vec<String> {
    if let Some(setting) = record.origin(text) {
        return vec![setting.name.clone()];
    }
    let recent = record.recent();
    let names = |only_bad: bool| -> Vec<String> {
        recent
            .iter()
            .filter(|setting| !only_bad || escape(format, &setting.text).is_err())
            .map(|setting| setting.name.clone())
            .collect()
    };
    let bad = names(true);
    if bad.is_empty() { names(false) } else { bad }
}

/// Where a file is written: bounded, with the line ends of its format, and counted.
struct Sink {
    record: Arc<Record>,
    written: Vec<u8>,
    limit: usize,
    carriage_returns: bool,
    overflown: bool,
}

impl io::Write for Sink {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let lines = text.iter().filter(|byte| **byte == b'\n').count();
        let returns = if self.carriage_returns { lines } else { 0 };
        if self.written.len() + text.len() + returns > self.limit {
            self.overflown = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        for &byte in text {
            if byte == b'\n' && self.carriage_returns {
                self.written.push(b'\r');
            }
            self.written.push(byte);
        }
        let mut progress = self.record.progress();
        progress.written += text.len();
        let lines = u32::try_from(lines).unwrap_or(u32::MAX);
        progress.lines = progress.lines.saturating_add(lines);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A rendering that failed.
struct Failure<'a> {
    error: Error,
    record: &'a Record,
    tags: &'a [Tag<'a>],
    overflown: bool,
}

impl Failure<'_> {
    /// Names that a template computed and minijinja's own words may quote a value. Where that may
    /// be a secret, they are taken from a rendering that has only masks.
    fn explain(self, source: &str, context: &RenderContext<'_>) -> RenderError {
        let error = self.explain_openly(context);
        if !(error.quotes() && self.record.reveals()) {
            return error;
        }
        let masked = RenderContext {
            secrets: SecretsMode::Mask,
            ..*context
        };
        match render(source, &masked) {
            Err(same) if same.is_like(&error) => same,
            // What is wrong depends on the secret.
            _ => error.without_quotes(),
        }
    }

    fn explain_openly(&self, context: &RenderContext<'_>) -> RenderError {
        let file = context.file_name.to_owned();
        let line = line_of(&self.error);
        if self.overflown {
            let limit = context.limits.output;
            return RenderError::TooLarge { file, limit };
        }
        let problem = self.record.progress().problem.clone();
        match (problem, self.error.kind()) {
            (Some(Problem::Missing(variable)), _) => unknown(variable, file, line),
            (Some(Problem::Unrepresentable(variables, reason)), _) => {
                RenderError::Unrepresentable {
                    variables,
                    file,
                    line,
                    reason,
                }
            }
            (Some(Problem::NotText(found)), _) => RenderError::NotText { found, file, line },
            (None, ErrorKind::UndefinedError) => unknown(self.undefined(line), file, line),
            (None, ErrorKind::OutOfFuel) => RenderError::TooMuchWork { file, line },
            (None, _) => RenderError::Failed {
                message: message_of(&self.error),
                file,
                line,
            },
        }
    }

    /// What was undefined: the last name in vain that stands in a tag of this line; else the last
    /// one at all (it was put into another variable, and that one was used); else the tag.
    fn undefined(&self, line: u32) -> String {
        let tags = || self.tags.iter().filter(|tag| tag.line == line);
        let progress = self.record.progress();
        let here = |name: &&String| {
            let last = name.rsplit('.').next().unwrap_or(name);
            tags().any(|tag| tag.mentions(last))
        };
        let missing = progress.missing.iter();
        let name = missing
            .clone()
            .rfind(here)
            .or_else(|| missing.clone().next_back());
        match (name, tags().next()) {
            (Some(name), _) => name.clone(),
            (None, Some(tag)) => format!("{{{{{}}}}}", tag.inner),
            (None, None) => "a value".to_owned(),
        }
    }
}

fn unknown(variable: String, file: String, line: u32) -> RenderError {
    // Only a plain name is looked up on the layers.
    let on_layers = check_name(&variable).is_ok();
    RenderError::UnknownVariable {
        variable,
        file,
        line,
        layers: if on_layers {
            Layer::ALL.to_vec()
        } else {
            Vec::new()
        },
    }
}

fn message_of(error: &Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

fn line_of(error: &Error) -> u32 {
    error
        .line()
        .and_then(|line| u32::try_from(line).ok())
        .unwrap_or(0)
}
