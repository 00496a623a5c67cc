//! A change that is only tried: what it would do, and of one device which lines would differ.

use std::collections::BTreeSet;

use ringfence_api::answer::Shown;
use ringfence_api::changing::{DryRun, FileDiff};
use ringfence_api::check::Checked;
use ringfence_provision::diff::{Lines, hunks};
use ringfence_provision::kind::FileKind;
use ringfence_provision::mac::Mac;
use ringfence_provision::serving::Audience;
use ringfence_provision::template::SecretsMode;
use serde::Serialize;

use crate::api::check::candidate::Candidate;
use crate::api::check::look::CheckReport;
use crate::api::check::side::Side;
use crate::api::request::answer::IntoOutgoing;
use crate::api::request::call::Context;
use crate::api::request::changing::Trial;
use crate::api::request::commit::Failure;
use crate::files::inputs::FileInputs;
use crate::files::urls::Urls;
use crate::files::{names, render};
use crate::http::problem::Problem;

impl Candidate {
    /// How a trial ends.
    ///
    /// # Errors
    /// The device that was asked for is not there, or D1 does not answer.
    pub(super) async fn tried(
        &mut self,
        call: &Context,
        trial: Trial,
        report: CheckReport,
        checked: &Checked,
    ) -> Result<Failure, Problem> {
        let diff = match trial.device {
            Some(mac) => Some(self.diff(call, &mac).await?),
            None => None,
        };
        let answer = DryRun {
            affected: checked.affected,
            compared: report.devices,
            changed: report.changed,
            broken: report.broken_devices,
            checked: Some(json(checked)?),
            files: report.broken.iter().map(json).collect::<Result<_, _>>()?,
            tests: report.failed.iter().map(json).collect::<Result<_, _>>()?,
            diff,
            effects: std::mem::take(&mut self.effects),
        };
        Ok(Failure::Tried(Box::new(Shown(answer).into_outgoing()?)))
    }

    /// How the files of a device differ.
    async fn diff(&mut self, call: &Context, mac: &Mac) -> Result<Vec<FileDiff>, Problem> {
        let device = self.fetch(&call.app, mac).await?;
        let after = self.inputs(Side::After, Some(&device), &device.model)?;
        let this = &*self;
        let compared = this.compared(&device);
        let before = match compared {
            Some((of, was)) => of.inputs(Side::Before, Some(was), &was.model)?,
            None => None,
        };
        let from = compared.map_or(this, |(of, _)| of);
        let kinds = [&before, &after].into_iter().flatten();
        let kinds: BTreeSet<FileKind> = kinds
            .flat_map(|inputs| inputs.family.kinds().iter().copied())
            .collect();
        let side = |of: &Self, side, inputs: &Option<FileInputs>, kind| {
            let inputs = inputs.as_ref()?;
            let is_its = inputs.family.kinds().contains(&kind);
            let audience = names::audience(of.options(side), inputs, kind, of.now);
            let urls = of.urls(side, inputs);
            is_its.then(|| Compared::new(inputs, kind, audience, &urls))
        };
        let differences = kinds.into_iter().map(|kind| {
            let from = side(from, Side::Before, &before, kind);
            let to = side(this, Side::After, &after, kind);
            difference(kind, from.as_ref(), to.as_ref())
        });
        Ok(differences.collect())
    }
}

fn json(value: &impl Serialize) -> Result<serde_json::Value, Problem> {
    serde_json::to_value(value).map_err(|error| Problem::internal(error.to_string()))
}

/// A file that is compared with another one.
pub struct Compared {
    /// Before it is sealed; nothing where it cannot be made.
    pub bytes: Vec<u8>,
    /// The same as a text, and with masks.
    open: String,
    masked: String,
    error: Option<String>,
    /// Whether there is something of a URL in it that is another one under another access path.
    pub names_its_url: bool,
}

impl Compared {
    /// Makes the file of a kind.
    pub fn new(inputs: &FileInputs, kind: FileKind, audience: Audience, urls: &Urls) -> Self {
        let render = |secrets| render::render(inputs, kind, audience, urls, secrets);
        let made = render(SecretsMode::Reveal).and_then(|open| {
            let masked = render(SecretsMode::Mask)?;
            Ok((open, masked))
        });
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match made {
            Ok((open, masked)) => Self {
                open: text(&open.bytes),
                masked: text(&masked.bytes),
                names_its_url: open.names_its_url,
                bytes: open.bytes,
                error: None,
            },
            Err(error) => Self {
                bytes: Vec::new(),
                open: String::new(),
                masked: String::new(),
                error: Some(error.to_string()),
                names_its_url: false,
            },
        }
    }

    /// The lines with masks; what stands behind a mask makes its line another one. Where the secrets have line ends
    /// of their own, no line is known to be the same one, and only `changed` tells.
    fn lines(&self) -> Lines<'_> {
        let masked = self.masked.split_inclusive('\n');
        let open: Vec<&str> = self.open.split_inclusive('\n').collect();
        if masked.clone().count() != open.len() {
            return Lines::open(&self.masked);
        }
        let mut pairs = masked.zip(open);
        Lines::masked(&self.masked, |_| {
            let pair = pairs.next().filter(|(masked, open)| masked != open);
            pair.map(|(_, open)| open).into_iter().collect()
        })
    }
}

/// How two files of a kind differ; a file that is not there has no lines.
pub fn difference(kind: FileKind, from: Option<&Compared>, to: Option<&Compared>) -> FileDiff {
    let none = Lines::default();
    let from_lines = from.map(Compared::lines);
    let to_lines = to.map(Compared::lines);
    let error = |file: Option<&Compared>| file.and_then(|file| file.error.clone());
    FileDiff {
        kind,
        changed: from.map(|it| &it.bytes) != to.map(|it| &it.bytes),
        from_error: error(from),
        to_error: error(to),
        hunks: hunks(
            from_lines.as_ref().unwrap_or(&none),
            to_lines.as_ref().unwrap_or(&none),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(open: &str, masked: &str) -> Compared {
        Compared {
            bytes: open.into(),
            open: open.into(),
            masked: masked.into(),
            error: None,
            names_its_url: false,
        }
    }

    #[test]
    fn a_secret_that_changes_is_told_by_its_line_and_not_shown() {
        let of = |secret: &str| {
            file(
                &format!("A=1\nPASS={secret}\nB=2\n"),
                "A=1\nPASS=***\nB=2\n",
            )
        };
        let differs = |from, to| difference(FileKind::Standard, Some(&from), Some(&to));
        let found = differs(of("e3rl2"), of("other"));
        assert!(found.changed);
        let lines: Vec<_> = found.hunks.iter().flat_map(|hunk| &hunk.lines).collect();
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["A=1", "PASS=***", "PASS=***", "B=2"]);
        let same = differs(of("e3rl2"), of("e3rl2"));
        assert!(!same.changed && same.hunks.is_empty());
        // One with a line end of its own.
        let long = file("A=1\nPASS=a\nb\nB=2\n", "A=1\nPASS=***\nB=2\n");
        let found = differs(of("e3rl2"), long);
        let shown = format!(
            "{:?}",
            found
                .hunks
                .iter()
                .flat_map(|it| &it.lines)
                .map(|it| &it.text)
                .collect::<Vec<_>>()
        );
        assert!(
            found.changed && !shown.contains("e3rl2") && !shown.contains("PASS=a"),
            "{shown}"
        );
    }
}
