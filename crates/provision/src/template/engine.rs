//! From a template to a file: read, run, and say in an operator's words what went wrong.

use minijinja::Error;
use minijinja::machinery::{self, ast};
use minijinja::syntax::SyntaxConfig;

use super::error::RenderError;
use super::eval::{Evaluator, Halt, Why};
use super::guard::{self, Tag};
use super::meter::{FUEL, Meter};
use super::record::Record;
use super::sink::Sink;
use super::{RenderContext, Rendered, SecretsMode, outline};
use crate::family::Format;
use crate::format::with_lf;
use crate::layers::{Layer, check_name};
use crate::vocabulary::WrongValue;

/// How many bytes of a template cost one fuel to read.
const BYTES_READ_PER_FUEL: u64 = 16;

/// How much fuel each tag of a template costs to read.
const FUEL_PER_TAG: u64 = 4;

/// Renders, and adds the fuel that it took to `spent`.
pub(super) fn render(
    source: &str,
    context: &RenderContext<'_>,
    spent: &mut u64,
) -> Result<Rendered, RenderError> {
    // With one kind of line end, lines of the template and of the file are easy to count.
    let source = with_lf(source);
    let tags = guard::scan(&source, context.file_name)?;
    let mut meter = Meter::new(context.limits.fuel);
    let result = run(&source, &tags, context, &mut meter);
    *spent = spent.saturating_add(meter.spent());
    match result {
        Err(error) if error.quotes && error.reveals => {
            Err(without_secrets(&source, context, error.error, spent))
        }
        Err(error) => Err(error.error),
        Ok(rendered) => Ok(rendered),
    }
}

/// An error, and what decides whether it may be shown.
struct Failure {
    error: RenderError,
    /// Whether it quotes what the template computed.
    quotes: bool,
    /// Whether that may have been a secret.
    reveals: bool,
}

impl From<RenderError> for Failure {
    fn from(error: RenderError) -> Self {
        Self {
            error,
            quotes: false,
            reveals: false,
        }
    }
}

fn run(
    source: &str,
    tags: &[Tag<'_>],
    context: &RenderContext<'_>,
    meter: &mut Meter,
) -> Result<Rendered, Failure> {
    let first_line = |why| explain(Halt { line: 1, why }, tags, &[], context);
    let reading = source.len() as u64 / BYTES_READ_PER_FUEL + tags.len() as u64 * FUEL_PER_TAG;
    meter
        .pay(reading.saturating_mul(FUEL))
        .map_err(first_line)?;
    let template = parse(source, context.file_name)?;
    let mut record = Record::new(meter, context).map_err(first_line)?;
    let mut sink = Sink::new(context.format, context.limits.output);
    let result = Evaluator::new(meter, &mut record, &mut sink).run(std::slice::from_ref(&template));
    result.map_err(|halt| {
        let error = explain(*halt, tags, record.missing(), context);
        Failure {
            quotes: error.quotes(),
            reveals: record.reveals(),
            error,
        }
    })?;
    let text = sink.into_text();
    if context.format == Format::Xml {
        refuse_cdata(source, &text, context.file_name)?;
    }
    Ok(Rendered::new(
        text,
        record.used(),
        record.left_out(),
        record.unsaid(),
        record.partly(),
    ))
}

pub(super) fn check(source: &str, file: &str) -> Result<(), RenderError> {
    let source = with_lf(source);
    guard::scan(&source, file)?;
    let template = parse(&source, file)?;
    outline::check(&template, file)
}

fn parse<'s>(source: &'s str, file: &'s str) -> Result<ast::Stmt<'s>, RenderError> {
    machinery::parse(source, file, syntax()).map_err(|error| RenderError::Syntax {
        file: file.to_owned(),
        line: line_of(&error),
        message: message_of(&error),
    })
}

/// In a CDATA section an escaped value would stay escaped: the phone would read `&amp;` as five
/// characters. Values cannot begin one (their `<` is escaped), only templates can.
fn refuse_cdata(source: &str, text: &str, file: &str) -> Result<(), RenderError> {
    const CDATA: &str = "<![CDATA[";
    // Hardly any file has the sign, and to look for one sign is cheap.
    if !text.contains('[') || !text.contains(CDATA) {
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

/// Blocks leave no trace of themselves: not their line, not the blanks before them.
fn syntax() -> SyntaxConfig {
    SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()
        .unwrap_or_default()
}

/// Names that a template computed may quote a value. Where that may be a secret, they are taken
/// from a rendering that has only masks.
fn without_secrets(
    source: &str,
    context: &RenderContext<'_>,
    error: RenderError,
    spent: &mut u64,
) -> RenderError {
    let masked = RenderContext {
        secrets: SecretsMode::Mask,
        ..*context
    };
    match render(source, &masked, spent) {
        Err(same) if same.is_like(&error) => same,
        // What is wrong depends on the secret.
        _ => error.without_quotes(),
    }
}

fn explain(
    halt: Halt,
    tags: &[Tag<'_>],
    missing: &[String],
    context: &RenderContext<'_>,
) -> RenderError {
    let Halt { line, why } = halt;
    let file = context.file_name.to_owned();
    match why {
        Why::Undefined => unknown(undefined(line, tags, missing), file, line),
        Why::Missing(variable) => unknown(variable, file, line),
        Why::NotText(found) => RenderError::NotText {
            found: found.to_owned(),
            file,
            line,
        },
        Why::Unrepresentable(variables, reason) => RenderError::Unrepresentable {
            variables,
            file,
            line,
            reason,
        },
        Why::Nested => RenderError::Nested { file, line },
        Why::NotAvailable(what) => RenderError::NotAvailable {
            what: what.to_owned(),
            file,
            line,
        },
        Why::TooMuchWork => RenderError::TooMuchWork { file, line },
        Why::TooLarge => RenderError::TooLarge {
            file,
            limit: context.limits.output,
        },
        Why::Setting(WrongValue { setting, reason }) => RenderError::Setting {
            setting,
            file,
            reason,
        },
        Why::Failed(message) => RenderError::Failed {
            file,
            line,
            message: message.into_owned(),
        },
    }
}

/// What was undefined: the last name in vain that stands in a tag of this line; else the last one
/// at all (it was put into another variable, and that one was used); else the tag.
fn undefined(line: u32, tags: &[Tag<'_>], missing: &[String]) -> String {
    let tags = || tags.iter().filter(|tag| tag.line == line);
    let here = |name: &&String| {
        let last = name.rsplit('.').next().unwrap_or(name);
        tags().any(|tag| tag.mentions(last))
    };
    let name = missing.iter().rfind(here).or_else(|| missing.last());
    match (name, tags().next()) {
        (Some(name), _) => name.clone(),
        (None, Some(tag)) => format!("{{{{{}}}}}", tag.inner),
        (None, None) => "a value".to_owned(),
    }
}

fn unknown(variable: String, file: String, line: u32) -> RenderError {
    // Only a plain name is looked up on the layers: a dot belongs to the language.
    let on_layers = check_name(&variable).is_ok() && !variable.contains(['.', '-']);
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
    let message = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    message.chars().take(300).collect()
}

fn line_of(error: &Error) -> u32 {
    error
        .line()
        .and_then(|line| u32::try_from(line).ok())
        .unwrap_or(0)
}
