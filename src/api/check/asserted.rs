//! Tests of files: whether a file is what an operator wants it to be.

use std::collections::BTreeMap;

use ringfence_api::check::{FailedTest, Method, TestResult, TestRun};
use ringfence_api::tenancy::file_tests::Expect;
use ringfence_provision::format::Parameter;
use ringfence_provision::kind::FileKind;
use ringfence_provision::serving::Audience;
use ringfence_provision::template::SecretsMode;

use crate::api::check::candidate::Candidate;
use crate::api::check::look::{Files, MAX_LISTED};
use crate::app::App;
use crate::files::inputs::FileInputs;
use crate::files::render::{self, File};
use crate::http::problem::Problem;
use crate::store::devices::Affected;
use crate::store::file_tests::FileTestRow;
use crate::store::tenants::TenantRow;

/// How many of the values that a parameter has are told at most.
const MAX_VALUES: usize = 5;

impl FileTestRow {
    /// Whether the files that are made from these inputs are held to it.
    pub(super) fn is_for(&self, inputs: &FileInputs) -> bool {
        let fits = |wanted: &Option<String>, is: Option<&str>| match wanted {
            Some(wanted) => is == Some(wanted),
            None => true,
        };
        let device = inputs.device.as_ref();
        fits(&self.model, Some(&inputs.model))
            && fits(&self.site_id, device.and_then(|it| it.site_id.as_deref()))
            && fits(&self.mac, device.map(|it| it.mac.as_str()))
    }

    fn is_met(&self, values: &[&str]) -> bool {
        match self.expect {
            Expect::Equals => !values.is_empty() && values.iter().all(|it| *it == self.value),
            Expect::Contains => {
                !values.is_empty() && values.iter().all(|it| it.contains(&self.value))
            }
            Expect::Present => !values.is_empty(),
            Expect::Absent => values.is_empty(),
        }
    }
}

/// The values of a parameter, by its path or, where no path is that, by its name.
fn values<'a>(parameters: &'a [Parameter], wanted: &str) -> Vec<&'a str> {
    let of = |part: fn(&Parameter) -> &str| -> Vec<&'a str> {
        let found = parameters.iter().filter(|it| part(it) == wanted);
        found.map(|it| it.value.as_str()).collect()
    };
    let by_path = of(|it| &it.path);
    match by_path.is_empty() {
        true => of(|it| &it.name),
        false => by_path,
    }
}

impl Candidate {
    /// Holds a file to the tests; what that takes, in the fuel of templates.
    pub(super) fn hold_to_tests(
        &self,
        files: &mut Files,
        kind: FileKind,
        audience: Audience,
        file: &File,
    ) -> u64 {
        let tests = self.tests.iter().enumerate();
        let mut tests = tests
            .filter(|(_, test)| test.kind == kind && test.is_for(&files.inputs))
            .peekable();
        if tests.peek().is_none() {
            return 0;
        }
        let parameters = file.document.parameters();
        let mut spent = 0;
        let mut failed = BTreeMap::new();
        for (at, test) in tests {
            spent += parameters.len() as u64 / 8 + 1;
            if !test.is_met(&values(&parameters, &test.parameter)) {
                failed.insert(at, audience);
            }
        }
        files.failed.extend(failed);
        spent
    }

    /// The tests that files do not meet, but for those that the files of before did not meet either, or whose
    /// file could not be made then.
    pub(super) fn failed(&self, files: &Files, before: Option<&Files>) -> Vec<FailedTest> {
        let is_old = |at: &usize, kind: FileKind| {
            before.is_some_and(|before| {
                before.failed.contains_key(at) || before.broken.iter().any(|it| it.file == kind)
            })
        };
        let tests = files.failed.iter();
        let tests = tests.filter_map(|(at, audience)| Some((at, *audience, self.tests.get(*at)?)));
        tests
            .filter(|(at, _, test)| !is_old(at, test.kind))
            .map(|(_, audience, test)| failed_test(files, audience, test))
            .collect()
    }

    /// Runs all tests of a tenant on the files as they are.
    ///
    /// # Errors
    /// D1 does not answer, or a stored secret does not unwrap.
    pub async fn run_tests(app: &App, tenant: &TenantRow) -> Result<TestRun, Problem> {
        Self::load(app, tenant, &Affected::All)
            .await?
            .test_run()
            .await
    }

    /// Runs one test on the files as they are; it need not be stored.
    ///
    /// # Errors
    /// As [`run_tests`](Self::run_tests).
    pub async fn try_test(
        app: &App,
        tenant: &TenantRow,
        test: FileTestRow,
    ) -> Result<TestRun, Problem> {
        let mut candidate = Self::load(app, tenant, &Affected::All).await?;
        candidate.tests = vec![test];
        candidate.test_run().await
    }

    async fn test_run(self) -> Result<TestRun, Problem> {
        let candidate = self;
        let run = candidate.run().await?;
        let items = candidate.tests.iter().enumerate().map(|(at, test)| {
            let failed = run.failed.iter().filter(|(of, _)| *of == at);
            let told = failed.clone().take(MAX_LISTED);
            TestResult {
                test: test.id.clone(),
                name: test.name.clone(),
                files: run.files.get(&at).copied().unwrap_or_default(),
                failed: failed.count() as u64,
                failures: told.map(|(_, it)| it.clone()).collect(),
            }
        });
        Ok(TestRun {
            items: items.collect(),
            next: None,
            devices: candidate.devices.len() as u64,
            devices_of_tenant: candidate.affected,
            method: match run.is_short {
                true => Method::WithinBudget,
                false => candidate.method,
            },
        })
    }
}

/// What is told of a test that a file does not meet. The values are read off the file with masks in it.
fn failed_test(files: &Files, audience: Audience, test: &FileTestRow) -> FailedTest {
    let render = |secrets| {
        let file = render::render(&files.inputs, test.kind, audience, &files.urls, secrets);
        file.map(|file| file.document.parameters()).ok()
    };
    let masked = render(SecretsMode::Mask).unwrap_or_default();
    let masked = values(&masked, &test.parameter);
    let open = render(SecretsMode::Reveal).unwrap_or_default();
    let is_secret = values(&open, &test.parameter) != masked;
    FailedTest {
        test: test.id.clone(),
        name: test.name.clone(),
        mac: files.inputs.device.as_ref().map(|it| it.mac.clone()),
        model: files.inputs.model.clone(),
        file: test.kind,
        parameter: test.parameter.clone(),
        expect: test.expect,
        value: (test.expect.has_value() && !is_secret).then(|| test.value.clone()),
        found: masked
            .into_iter()
            .take(MAX_VALUES)
            .map(str::to_owned)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn test(expect: Expect, value: &str) -> FileTestRow {
        serde_json::from_value(serde_json::json!({
            "id": "I", "name": "N", "model": null, "site_id": null, "mac": null, "kind": "standard",
            "parameter": "P", "expect": expect.as_str(), "value": value, "revision": 1,
            "created_at": 0, "updated_at": 0,
        }))
        .unwrap()
    }

    #[test]
    fn every_place_of_a_parameter_is_held_to_what_is_expected() {
        let is_met = |expect, values: &[&str]| test(expect, "sip.example").is_met(values);
        assert!(is_met(Expect::Equals, &["sip.example"]));
        assert!(!is_met(Expect::Equals, &["SIP.example"]));
        assert!(!is_met(Expect::Equals, &["sip.example", "other"]));
        assert!(is_met(Expect::Contains, &["<sip.example>", "sip.example"]));
        assert!(!is_met(Expect::Contains, &["sip"]));
        for missing in [Expect::Equals, Expect::Contains, Expect::Present] {
            assert!(!is_met(missing, &[]));
        }
        assert!(is_met(Expect::Absent, &[]) && !is_met(Expect::Absent, &[""]));
        assert!(is_met(Expect::Present, &[""]));
    }

    #[test]
    fn a_path_comes_before_a_name() {
        let parameter = |path: &str, name: &str, value: &str| Parameter {
            path: path.into(),
            name: name.into(),
            value: value.into(),
            line: 1,
            column: 1,
        };
        let all = [
            parameter("Line[1]/A", "A", "1"),
            parameter("Line[2]/A", "A", "2"),
        ];
        assert_eq!(values(&all, "Line[2]/A"), ["2"]);
        assert_eq!(values(&all, "A"), ["1", "2"]);
        assert!(values(&all, "B").is_empty());
    }
}
