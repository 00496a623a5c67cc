//! Lint: of a device's files, and of any text.

use ringfence_api::answer::Shown;
use ringfence_api::devices::lint::{FileLintView, LintInput, LintPage, LintView};
use ringfence_api::query::Nothing;
use ringfence_provision::format::{self, RenderedFinding, has_errors};
use ringfence_provision::kind::FileKind;
use ringfence_provision::template::SecretsMode;

use crate::api::devices::preview::DeviceFiles;
use crate::api::request::call::Call;
use crate::files::render::FileError;
use crate::http::problem::Problem;

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
    let device_files = DeviceFiles::read(&call).await?;
    let mut files = Vec::new();
    let mut sizes = Vec::new();
    let mut items: Vec<FileLintView> = Vec::new();
    for &kind in device_files.inputs.family.kinds() {
        // With the secrets in it, for they may be what is wrong; its findings never quote them.
        let (findings, error) = match device_files.render(kind, SecretsMode::Reveal) {
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
    let together = format::lint_sizes(device_files.inputs.family, &sizes);
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
        unused: device_files.unused(&files),
    }))
}
