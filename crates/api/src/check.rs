//! What a change was checked against: files that were rendered, and tests of files.

use ringfence_provision::family::Family;
use ringfence_provision::format::RenderedFinding;
use ringfence_provision::kind::FileKind;
use ringfence_provision::unused::Unused;
use serde::Serialize;

use crate::tenancy::file_tests::Expect;

/// A test that a file does not meet.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FailedTest {
    /// The id of the test.
    pub test: String,
    /// The name of the test.
    pub name: String,
    /// The MAC of the device that the file is for; null for a file of a model.
    pub mac: Option<String>,
    /// The model of the phone.
    pub model: String,
    /// The kind of the file.
    pub file: FileKind,
    /// The parameter that the test is about.
    pub parameter: String,
    /// What the test expects of the parameter.
    pub expect: Expect,
    /// The value that the test compares with; null where it compares with none, and where the parameter
    /// has a secret in it.
    pub value: Option<String>,
    /// The values that the parameter has, at most the first 5; secrets are masked.
    pub found: Vec<String>,
}

/// What came of one test.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TestResult {
    /// The id of the test.
    pub test: String,
    /// The name of the test.
    pub name: String,
    /// Number of files that were held to the test; a file that cannot be made is not among them.
    pub files: u64,
    /// Number of files that do not meet the test.
    pub failed: u64,
    /// The files that do not meet the test; at most the first 20.
    pub failures: Vec<FailedTest>,
}

/// What came of all tests.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TestRun {
    /// The tests, in the order of their ids.
    pub items: Vec<TestResult>,
    /// The cursor of the next page; always null.
    pub next: Option<String>,
    /// Number of devices that were chosen.
    pub devices: u64,
    /// Number of devices that the tenant has.
    pub devices_of_tenant: u64,
    /// How the devices were chosen.
    pub method: Method,
}

/// How devices were chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Method {
    /// Each affected device was chosen.
    All,
    /// One device of every combination of model and site was chosen, and a sample of all.
    CombinationsAndSample,
    /// The files of all chosen devices take too much work for one request, so only some were
    /// rendered; one device of each combination of model and site came before any second one.
    WithinBudget,
}

/// What was rendered to see that a change breaks no file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Checked {
    /// Number of devices whose files were rendered. The number is smaller than that of the chosen
    /// devices where these have more than 250,000 settings of their own together.
    pub devices: u64,
    /// Number of devices that the change affects.
    pub affected: u64,
    /// How the rendered devices were chosen.
    pub method: Method,
    /// Settings of the changed layer that reach no file of these devices; at most the first 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub unused: Vec<Unused>,
    /// Settings of the changed layer that the files of some phones lack, or have for some of the lines alone; at most the first
    /// 100. The family has no parameter for them or no word for the value, or another setting is in the parameter.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub left_out: Vec<LeftOut>,
}

/// A setting that the files of a family's phones lack, or have for some of the lines alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LeftOut {
    /// The name of the setting.
    pub name: String,
    /// The family of the phones.
    pub family: Family,
    /// Number of devices of the family that were rendered and whose files lack the setting.
    pub devices: u64,
    /// Why the file lacks the setting, or for which lines, in words.
    pub message: String,
}

/// A file that could not be served with a change, and why.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BrokenFile {
    /// The MAC of the device that the file is for; null for a file of a model.
    pub mac: Option<String>,
    /// The model that the file is for.
    pub model: String,
    /// The kind of the file.
    pub file: FileKind,
    /// What is wrong with the file, line by line.
    pub findings: Vec<RenderedFinding>,
    /// Why the file cannot be rendered, where it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
