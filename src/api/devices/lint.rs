//! Lint: of a device's files, and of any text.

use ringfence_provision::family::Family;
use ringfence_provision::format::{self, Finding, RenderedFinding, has_errors};
use ringfence_provision::kind::FileKind;
use ringfence_provision::template::SecretsMode;
use ringfence_provision::unused::Unused;
use serde::{Deserialize, Serialize};

use crate::api::devices::preview::Of;
use crate::api::request::answer::Shown;
use crate::api::request::call::{Call, Nothing};
use crate::files::render::FileError;
use crate::http::problem::Problem;

/// A text to check.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LintInput {
    /// The family whose rules the text is held to.
    pub family: Family,
    /// The kind of file that the text is.
    pub kind: FileKind,
    /// The text of the file that is checked.
    pub text: String,
}

/// What lint says of a text.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LintView {
    /// Whether it may be served: no finding is an error.
    pub ok: bool,
    /// What is wrong with the file, each with its place and what to do.
    pub findings: Vec<Finding>,
}

/// What lint says of one of a device's files.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FileLintView {
    /// The kind of the file that it is about.
    pub kind: FileKind,
    /// Whether it may be served.
    pub ok: bool,
    /// Why it cannot be rendered, where it cannot.
    pub error: Option<String>,
    /// What is wrong with the file, each with its place and what to do.
    pub findings: Vec<RenderedFinding>,
}

/// What lint says of all of a device's files.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LintPage {
    /// The items of this page, in the order of the list.
    pub items: Vec<FileLintView>,
    /// The cursor of the next page; always null.
    pub next: Option<String>,
    /// Settings of any layer that reach none of the device's files; at most the first 100. Empty
    /// where a file cannot be made.
    pub unused: Vec<Unused>,
}

/// `lint`.
pub async fn pasted(call: Call<Nothing, LintInput>) -> Result<Shown<LintView>, Problem> {
    let input = &call.body;
    let findings = format::lint(input.family, input.kind, input.text.as_bytes());
    Ok(Shown(LintView {
        ok: !has_errors(&findings),
        findings,
    }))
}

/// `lintDevice`.
pub async fn device(call: Call) -> Result<Shown<LintPage>, Problem> {
    let of = Of::read(&call).await?;
    let mut files = Vec::new();
    let mut sizes = Vec::new();
    let mut items: Vec<FileLintView> = Vec::new();
    for &kind in of.bundle.family.kinds() {
        // With the secrets in it, for they may be what is wrong; its findings never quote them.
        let (findings, error) = match of.render(kind, SecretsMode::Reveal) {
            Ok(file) => {
                sizes.push((kind, file.bytes.len()));
                let findings = file.findings.clone();
                files.push((kind, file));
                (findings, None)
            }
            Err(FileError::Lint(findings)) => (findings, None),
            Err(FileError::Render(error)) => (Vec::new(), Some(error.to_string())),
        };
        let ok = error.is_none() && !findings.iter().any(RenderedFinding::is_error);
        items.push(FileLintView {
            kind,
            ok,
            error,
            findings,
        });
    }
    sizes.retain(|(kind, _)| *kind != FileKind::Initial);
    let together = format::lint_sizes(of.bundle.family, &sizes);
    if let Some(standard) = items
        .iter_mut()
        .find(|item| item.kind == FileKind::Standard)
    {
        standard.ok &= !has_errors(&together);
        standard
            .findings
            .extend(together.into_iter().map(RenderedFinding::from));
    }
    Ok(Shown(LintPage {
        items,
        next: None,
        unused: of.unused(&files),
    }))
}
