//! Rendering a file: an operator's template over the settings of the layers.
//!
//! Templates are written in Jinja's language. minijinja reads them; what they say is done here
//! (`eval`), without what a provisioning file has no use for and with what it needs:
//!
//! - **A value is always escaped for the format, exactly once.** There is no `safe`, no
//!   `autoescape`, and no block that catches output to use it as a value: nothing that a value
//!   could slip through, or be escaped twice in. What a format cannot hold is an error that names
//!   the setting; nothing is left out or replaced.
//! - **Unknown variables are errors**, with the line and the layers searched. `{% if X is defined
//!   %}` and `setting("X", "")` are for what may be missing.
//! - **Work is bounded**: size and nesting of the template, and size of the output while it is being
//!   written. Each step, byte and place in a list is paid for with fuel before it is taken. Values
//!   are texts, numbers, truth values and flat lists of those, so that nothing is larger than what
//!   was paid for. Nothing is read from anywhere: there is no `include`.
//! - **It says what it used**: which setting of which layer had a say in which line.
//!
//! | a template may use | |
//! |---|---|
//! | `NAME` | the setting |
//! | `setting("NAME")`, `setting("NAME", default)` | the same by a computed name |
//! | `parameters("prefix_")` | every setting whose name begins so, each with `.name` (the rest) and `.value`; with `standard_` in a standard file those of the [vocabulary](crate::vocabulary), too, by the family's names |
//! | `device.mac`, `device.mac_lower`, `device.model` | in files for one device |
//! | `urls.base`, `urls.standard`, `urls.certificate_1`, … | what the caller gave |
//! | `device.sealed_extension` | in files for one device whose files are sealed: what stands behind the dot of their names |
//! | `range(1, 5)` | 1 to 4 |
//! | `if` `elif` `else` `for` `set` `with` | blocks |
//! | `default` `first` `int` `join` `last` `length` `lower` `replace` `split` `trim` `upper` | filters |
//! | `defined` `undefined` `none` `number` `string` `startingwith` `endingwith` `in` | tests |
//!
//! A masked rendering (for a preview) sees the mask in the place of a secret from the start: no
//! filter, comparison or error message can show what it never had.

mod engine;
mod error;
mod eval;
mod guard;
mod language;
mod meter;
mod names;
mod ops;
mod outline;
mod record;
mod sink;
mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

pub use error::RenderError;
pub use guard::{MAX_NESTING, MAX_SOURCE_LEN, MAX_TAG_LEN};
pub use names::Names;

use crate::family::{Family, Format, MAX_SETTINGS};
use crate::kind::FileKind;
use crate::layers::{Layer, Layers};
use crate::mac::Mac;
use crate::vocabulary::{Rule, WrongValue};

/// All that a file is rendered from, beside its template.
#[derive(Clone, Copy, Debug)]
pub struct RenderContext<'a> {
    /// The file's name in errors: its URL template, for example.
    pub file_name: &'a str,
    /// Its kind.
    pub kind: FileKind,
    /// What values are escaped for.
    pub format: Format,
    /// How the family says the settings of the vocabulary.
    pub vocabulary: &'a [Rule],
    /// The settings.
    pub layers: &'a Layers,
    /// The device, in files that are for one.
    pub device: Option<DeviceVars<'a>>,
    /// What `urls.…` stands for, by name: `base` and its pieces `without_scheme`, `origin`, `host`, `hostname`, `port` and
    /// `path`, and `plain` and `sealed`, in files for one device; `standard`; and in an initial file `product`, `master`, `system`,
    /// `certificate_1` to `certificate_3`.
    pub urls: &'a BTreeMap<String, String>,
    /// Whether secrets are written or masked.
    pub secrets: SecretsMode,
    /// How much work and output there may be.
    pub limits: Limits,
}

/// What `device.…` stands for.
#[derive(Clone, Copy, Debug)]
pub struct DeviceVars<'a> {
    /// `device.mac`, and in lower case `device.mac_lower`.
    pub mac: Mac,
    /// `device.model`.
    pub model: &'a str,
    /// `device.sealed_extension`: the extension of the device's sealed files, without its dot. `None`, and not
    /// defined in a template, where its files are not sealed.
    pub sealed_extension: Option<&'a str>,
}

/// What happens to secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretsMode {
    /// They are written: for a phone, and for whoever may read them.
    Reveal,
    /// [`MASK`](crate::secret::MASK) stands for each. A secret that the format cannot hold is an
    /// error all the same.
    Mask,
}

/// Bounds on one rendering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// One for each step, for 64 bytes that are made, compared, searched or written, for two places
    /// in a list, for 16 bytes of the template and for four settings that it could read; four for
    /// each tag. What cannot
    /// be paid for is not begun.
    pub fuel: u64,
    /// The size of the file, in bytes; [`Family::total_limit`](crate::family::Family::total_limit)
    /// for example.
    pub output: usize,
}

/// A rendered file.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The file as the template wrote it, to be linted and parsed. Text files have CRLF line ends
    /// whatever the template has; XML files have LF. With [`SecretsMode::Reveal`] there are secrets
    /// in it, so `Debug` shows its size only.
    pub text: String,
    /// Which settings had a say in it: by line, then by name.
    pub used: Vec<UsedSetting>,
    /// The settings of the [vocabulary](crate::vocabulary) that the family has no parameter for, by name.
    pub left_out: Vec<String>,
    /// Those that are in none of its parameters though it has one: there is no word for the value, another setting is in it, or
    /// the key does nothing. The phone keeps what it has.
    pub unsaid: Vec<WrongValue>,
    /// Those that are in parameters of some lines, and of which other lines have none.
    pub partly: Vec<WrongValue>,
}

/// A setting that had a say in a line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UsedSetting {
    /// The line of the rendered file, counted from 1: where the value stands, or, where it decided
    /// about a block, where that begins. 0 for one that is a part of what another setting writes.
    pub line: u32,
    /// The name of the setting that had a say.
    pub name: String,
    /// The layer whose value counted.
    pub layer: Layer,
    /// Whether the setting is a secret.
    pub secret: bool,
}

/// The nearest layer that had a say in a line, for [`effective`](crate::effective::effective). `used` is in the order
/// that [`Rendered`] has.
pub fn layer_at(used: &[UsedSetting], line: u32) -> Option<Layer> {
    let first = used.partition_point(|it| it.line < line);
    let from_there = used.get(first..).unwrap_or_default();
    from_there
        .iter()
        .take_while(|it| it.line == line)
        .map(|it| it.layer)
        .max()
}

/// Renders a file.
///
/// ```
/// use std::collections::BTreeMap;
/// use ringfence_provision::{family::Format, kind::FileKind, layers::{Layers, Value}};
/// use ringfence_provision::template::{Limits, RenderContext, SecretsMode, render};
///
/// let mut layers = Layers::default();
/// layers.tenant.insert("PASS".into(), Value::Secret("e3#rl2(&ae#1".into()));
/// let context = RenderContext {
///     file_name: "Phone{MAC}.cfg",
///     kind: FileKind::Standard,
///     format: Format::Xml,
///     vocabulary: &[],
///     layers: &layers,
///     device: None,
///     urls: &BTreeMap::new(),
///     secrets: SecretsMode::Reveal,
///     limits: Limits::default(),
/// };
/// let rendered = render("<P>{{ PASS }}</P>\n", &context)?;
/// assert_eq!(rendered.text, "<P>e3#rl2(&amp;ae#1</P>\n");
/// let error = render("<P>{{ PAS }}</P>\n", &context).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "Phone{MAC}.cfg, line 1: PAS is not set on any layer (searched: device, model, site, tenant)"
/// );
/// # Ok::<(), ringfence_provision::template::RenderError>(())
/// ```
///
/// # Errors
/// See [`RenderError`]. No error shows a secret.
pub fn render(source: &str, context: &RenderContext<'_>) -> Result<Rendered, RenderError> {
    render_metered(source, context, &mut 0)
}

/// The same, and adds the fuel that it took to `spent`, also where it fails: an error that could
/// quote a secret is worked out a second time without secrets, so that it takes twice the limit at
/// most.
///
/// # Errors
/// As [`render`].
pub fn render_metered(
    source: &str,
    context: &RenderContext<'_>,
    spent: &mut u64,
) -> Result<Rendered, RenderError> {
    engine::render(source, context, spent)
}

/// Checks what can be checked about a template without settings: size, nesting, syntax, lists
/// within lists, and the names of filters, tests and functions.
///
/// # Errors
/// [`RenderError::Syntax`], [`RenderError::NotAvailable`], [`RenderError::Nested`],
/// [`RenderError::Failed`], [`RenderError::SourceTooLong`] and [`RenderError::TooDeep`].
pub fn check_template(source: &str, file_name: &str) -> Result<(), RenderError> {
    engine::check(source, file_name)
}

impl Limits {
    /// What files of a family may take: as much output as its phones read, and fuel in proportion
    /// to the settings that a layer of theirs may have.
    pub fn of(family: Family) -> Self {
        let usual = Self::default();
        let times = family.settings_limit() / MAX_SETTINGS;
        let times = u64::try_from(times).unwrap_or(u64::MAX);
        Self {
            fuel: usual.fuel.saturating_mul(times),
            output: family.total_limit(),
        }
    }
}

impl Default for Limits {
    /// Plenty for a file of 120 KB, the most that all files of most phones may have together.
    fn default() -> Self {
        Self {
            fuel: 100_000,
            output: 120 * 1024,
        }
    }
}

impl Rendered {
    fn new(
        text: String,
        used: BTreeSet<UsedSetting>,
        left_out: Vec<String>,
        unsaid: Vec<WrongValue>,
        partly: Vec<WrongValue>,
    ) -> Self {
        let used = used.into_iter().collect();
        Self {
            text,
            used,
            left_out,
            unsaid,
            partly,
        }
    }
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendered")
            .field("bytes", &self.text.len())
            .field("used", &self.used)
            .finish()
    }
}

#[cfg(test)]
mod tests;
