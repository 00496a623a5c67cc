//! The check itself: the files of every device that was chosen, and what is wrong with them.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_api::check::{BrokenFile, Checked, FailedTest, LeftOut, Method};
use ringfence_provision::family::Family;
use ringfence_provision::format::{self, RenderedFinding, codes};
use ringfence_provision::kind::FileKind;
use ringfence_provision::layers::Layer;
use ringfence_provision::serving::Audience;
use ringfence_provision::template::SecretsMode;
use ringfence_provision::unused::Watch;

use crate::api::check::budget::Budget;
use crate::api::check::candidate::Candidate;
use crate::api::check::side::Side;
use crate::api::request::call::Context;
use crate::api::request::commit::Failure;
use crate::files::inputs::FileInputs;
use crate::files::names;
use crate::files::render::{self, FileError};
use crate::files::urls::Urls;
use crate::http::problem::{Problem, ProblemKind};
use crate::model::device::DeviceRow;

/// The most broken files, and the most broken tests, that are listed; after one more the check of a change ends.
pub const MAX_LISTED: usize = 20;

/// How many of the settings that phones do without are told at most.
const MAX_LEFT_OUT: usize = 100;

/// What a check counts and looks for.
pub(super) struct Look {
    budget: Budget,
    watch: Watch,
    /// Which settings of the layer that is changed phones do without.
    left_out: Missed,
    /// Whether files are compared with what they are, and all of them are counted.
    compares: bool,
}

/// Settings that phones do without, as their files are looked at.
#[derive(Default)]
pub(super) struct Missed {
    /// The settings that are looked for, and their layer.
    names: BTreeSet<String>,
    layer: Option<Layer>,
    found: BTreeMap<(String, Family), MissedBy>,
}

/// Which devices of a family do without a setting.
#[derive(Default)]
struct MissedBy {
    devices: u64,
    /// The last of them: the files of one follow each other.
    last: String,
    why: String,
}

impl Missed {
    fn of(layer: Option<Layer>, names: BTreeSet<String>) -> Self {
        Self {
            names,
            layer,
            ..Self::default()
        }
    }

    /// Whether it is the value of the layer that a device does without: another layer's may count instead.
    fn is_about(&self, inputs: &FileInputs, name: &str) -> bool {
        let counting = inputs.layers.lookup(name).map(|(layer, _)| layer);
        self.names.contains(name) && counting == self.layer
    }

    /// Looks at what is found about a file of a device.
    fn saw(&mut self, family: Family, inputs: &FileInputs, findings: &[RenderedFinding]) {
        let Some(device) = inputs.device.as_ref().filter(|_| !self.names.is_empty()) else {
            return;
        };
        for finding in findings {
            let is_one = finding.code == codes::SETTING_NOT_OF_FAMILY;
            let name = finding.settings.first().filter(|_| is_one);
            let Some(name) = name.filter(|name| self.is_about(inputs, name)) else {
                continue;
            };
            let by = self.found.entry((name.clone(), family)).or_default();
            if by.last != device.id {
                by.devices += 1;
                by.last.clone_from(&device.id);
                by.why.clone_from(&finding.message);
            }
        }
    }

    fn told(self) -> Vec<LeftOut> {
        let told = self.found.into_iter().take(MAX_LEFT_OUT);
        told.map(|((name, family), by)| LeftOut {
            name,
            family,
            devices: by.devices,
            message: by.why,
        })
        .collect()
    }
}

/// What a check found.
#[derive(Default)]
pub(super) struct CheckReport {
    /// Number of devices whose files were rendered.
    pub(super) devices: u64,
    /// Whether the budget ended before the devices did.
    is_short: bool,
    /// Broken files, as far as they are told, and how many there are.
    pub(super) broken: Vec<BrokenFile>,
    pub(super) files: usize,
    /// Tests that the change breaks, likewise.
    pub(super) failed: Vec<FailedTest>,
    pub(super) tests: usize,
    /// Number of devices with a broken file.
    pub(super) broken_devices: u64,
    /// Number of devices whose files are not what they were.
    pub(super) changed: u64,
}

impl CheckReport {
    fn is_enough(&self, look: &Look) -> bool {
        !look.compares && (self.files > MAX_LISTED || self.tests > MAX_LISTED)
    }

    /// Why the change is refused, if it is.
    fn problem(self, checked: &Checked) -> Option<Problem> {
        match (self.files, self.tests) {
            (0, 0) => None,
            (0, _) => Some(failed_tests(self, checked)),
            _ => Some(refusal(self, checked)),
        }
    }

    fn add(&mut self, broken: Vec<BrokenFile>, failed: Vec<FailedTest>) {
        self.files += broken.len();
        self.tests += failed.len();
        self.broken.extend(broken);
        self.broken.truncate(MAX_LISTED);
        self.failed.extend(failed);
        self.failed.truncate(MAX_LISTED);
    }
}

/// What a model's shared files came to.
#[derive(Default)]
struct Shared {
    sizes: Vec<(FileKind, Audience, usize)>,
    is_broken: bool,
    has_changed: bool,
}

impl Candidate {
    /// Renders and lints, and holds the files to the tests. A change that is only to be tried ends here.
    ///
    /// # Errors
    /// [`Problem`] `invalid-files`, with the devices and the findings; `failed-tests`, with the tests that the
    /// change breaks; [`Failure::Tried`].
    pub async fn check(&mut self, call: &Context) -> Result<Checked, Failure> {
        let mut look = Look {
            budget: Budget::default(),
            watch: self.watch(),
            left_out: Missed::of(self.layer_changed(), self.names_changed()),
            compares: call.changing.trial.is_some(),
        };
        let report = self.look_through(&mut look).await?;
        // Files that are not made show nothing of what would reach them.
        let unused = match report.files {
            0 => self.unused(&look.watch),
            _ => Vec::new(),
        };
        // What reaches no file at all is said once.
        let mut left_out = look.left_out.told();
        left_out.retain(|left| unused.iter().all(|unused| unused.name != left.name));
        let checked = Checked {
            devices: report.devices,
            affected: self.affected,
            method: match report.is_short {
                true => Method::WithinBudget,
                false => self.method,
            },
            unused,
            left_out,
        };
        if let Some(trial) = call.changing.trial {
            return Err(self.tried(call, trial, report, &checked).await?);
        }
        match report.problem(&checked) {
            Some(problem) => Err(problem.into()),
            None => Ok(checked),
        }
    }

    /// The same for devices that are changed together, each of which is changed or refused by itself: what refuses
    /// which, by the ids of the devices.
    ///
    /// # Errors
    /// A model is not there.
    pub async fn check_each(&self) -> Result<(Checked, BTreeMap<String, Problem>), Problem> {
        let mut look = Look {
            budget: Budget::default(),
            watch: Watch::new(Layer::Tenant, []),
            left_out: Missed::default(),
            compares: false,
        };
        let mut checked = Checked {
            devices: 0,
            affected: self.affected,
            method: self.method,
            unused: Vec::new(),
            left_out: Vec::new(),
        };
        let mut refused = BTreeMap::new();
        // The files that devices of a model share, and what is wrong with these.
        let mut shared: BTreeMap<&str, (Shared, CheckReport)> = BTreeMap::new();
        for device in in_turn(&self.devices) {
            if !look.budget.is_within(100) {
                checked.method = Method::WithinBudget;
                break;
            }
            let model = device.model.as_str();
            if !shared.contains_key(model) {
                let mut report = CheckReport::default();
                let files = self.shared_files(model, &mut look, &mut report)?;
                shared.insert(model, (files, report));
            }
            let Some((files, of_model)) = shared.get(model) else {
                continue;
            };
            let mut report = CheckReport::default();
            self.own_files(device, files, &mut look, &mut report)?;
            report.add(of_model.broken.clone(), of_model.failed.clone());
            checked.devices += 1;
            if let Some(problem) = report.problem(&checked) {
                refused.insert(device.id.clone(), problem);
            }
            look.budget.pause_if_due().await;
        }
        Ok((checked, refused))
    }

    async fn look_through(&self, look: &mut Look) -> Result<CheckReport, Problem> {
        let mut report = CheckReport::default();
        let mut shared = BTreeMap::new();
        let models: BTreeSet<&str> = self
            .devices
            .iter()
            .map(|device| device.model.as_str())
            .chain(self.shared.iter().map(String::as_str))
            .collect();
        for model in models {
            if report.is_enough(look) {
                break;
            }
            // The other half is the devices'.
            if !look.budget.is_within(50) {
                report.is_short = true;
                break;
            }
            shared.insert(model, self.shared_files(model, look, &mut report)?);
            look.budget.pause_if_due().await;
        }
        for device in in_turn(&self.devices) {
            if report.is_enough(look) {
                break;
            }
            if !look.budget.is_within(100) {
                report.is_short = true;
                break;
            }
            let none = Shared::default();
            let shared = shared.get(device.model.as_str()).unwrap_or(&none);
            self.own_files(device, shared, look, &mut report)?;
            look.budget.pause_if_due().await;
        }
        Ok(report)
    }

    fn shared_files(
        &self,
        model: &str,
        look: &mut Look,
        report: &mut CheckReport,
    ) -> Result<Shared, Problem> {
        let Some(inputs) = self.inputs(Side::After, None, model)? else {
            return Err(Problem::internal(format!("model {model} is not there")));
        };
        let files = self.files(Side::After, inputs, Part::Shared, look);
        let from = self.left.as_deref().unwrap_or(self);
        let before = match look.compares || !files.failed.is_empty() {
            true => from.inputs(Side::Before, None, model)?,
            false => None,
        };
        let before = before.map(|inputs| from.files(Side::Before, inputs, Part::Shared, look));
        let shared = Shared {
            is_broken: !files.broken.is_empty(),
            has_changed: look.compares && !files.are_as(before.as_ref()),
            sizes: files.sizes.clone(),
        };
        let failed = self.failed(&files, self.told_before(before.as_ref()));
        report.add(files.broken, failed);
        Ok(shared)
    }

    fn own_files(
        &self,
        device: &DeviceRow,
        shared: &Shared,
        look: &mut Look,
        report: &mut CheckReport,
    ) -> Result<(), Problem> {
        report.devices += 1;
        let Some(inputs) = self.inputs(Side::After, Some(device), &device.model)? else {
            return Err(Problem::internal(format!(
                "model {} is not there",
                device.model
            )));
        };
        let mut files = self.files(Side::After, inputs, Part::Own, look);
        let compared = match look.compares || !files.failed.is_empty() {
            true => self.compared(device),
            false => None,
        };
        let before = match compared {
            Some((of, was)) => of
                .inputs(Side::Before, Some(was), &was.model)?
                .map(|inputs| of.files(Side::Before, inputs, Part::Own, look)),
            None => None,
        };
        let has_moved = compared.is_none_or(|(_, was)| was.model != device.model);
        let differs = has_moved || shared.has_changed || !files.are_as(before.as_ref());
        report.changed += u64::from(look.compares && differs);
        files.sizes.extend(&shared.sizes);
        let options = self.options(Side::After);
        let told = names::audience(options, &files.inputs, FileKind::System, self.now);
        files.check_sizes(told);
        report.broken_devices += u64::from(shared.is_broken || !files.broken.is_empty());
        let failed = self.failed(&files, self.told_before(before.as_ref()));
        report.add(files.broken, failed);
        Ok(())
    }

    /// Files as they are, as far as they tell which tests failed before: those of another tenant had other tests.
    fn told_before<'a>(&self, before: Option<&'a Files>) -> Option<&'a Files> {
        before.filter(|_| self.left.is_none())
    }

    fn files(&self, side: Side, inputs: FileInputs, part: Part, look: &mut Look) -> Files {
        // Inputs have settings of their own.
        let layers = &inputs.layers;
        let settings = Layer::ALL.map(|layer| layers.layer(layer).len());
        look.budget.spend(settings.iter().sum::<usize>() as u64);
        let options = self.options(side);
        let urls = self.urls(side, &inputs);
        let family = inputs.family;
        let mut files = Files::new(inputs, urls);
        let each = family.kinds().iter().flat_map(|&kind| {
            let audiences = options.audiences(kind, family);
            audiences.into_iter().map(move |audience| (kind, audience))
        });
        for (kind, audience) in each.filter(|&(kind, audience)| part.has(kind, audience)) {
            let mut spent = 0;
            let rendered = render::render_metered(
                &files.inputs,
                kind,
                audience,
                &files.urls,
                SecretsMode::Reveal,
                &mut spent,
            );
            look.budget.spend(spent);
            match rendered {
                Ok(file) => {
                    if side == Side::After {
                        look.watch
                            .saw(render::layers_of(kind, audience), &file.used);
                    }
                    if side == Side::After {
                        look.watch.knew(file.unsaid.iter().map(String::as_str));
                        look.left_out.saw(family, &files.inputs, &file.findings);
                    }
                    files.sizes.push((kind, audience, file.bytes.len()));
                    let told = || names::audience(options, &files.inputs, kind, self.now);
                    // Of several system files the phone reads one.
                    if kind != FileKind::System || audience == told() {
                        look.budget
                            .spend(self.hold_to_tests(&mut files, kind, audience, &file));
                    }
                    if look.compares {
                        files.contents.push((kind, audience, Some(file.bytes)));
                    }
                }
                Err(error) => {
                    let broken = files.broken_by(kind, error);
                    files.broken.push(broken);
                    files.contents.push((kind, audience, None));
                }
            }
        }
        files
    }
}

/// Which of the files that are made from the inputs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Those that differ from device to device.
    Own,
    /// The others.
    Shared,
}

impl Part {
    fn has(self, kind: FileKind, audience: Audience) -> bool {
        render::own_of_device(kind, audience) == (self == Self::Own)
    }
}

/// The files that are made from the inputs of one device or model.
pub(super) struct Files {
    pub(super) inputs: FileInputs,
    pub(super) urls: Urls,
    sizes: Vec<(FileKind, Audience, usize)>,
    pub(super) broken: Vec<BrokenFile>,
    /// What each is, where that is compared; `None`: it cannot be made.
    contents: Vec<(FileKind, Audience, Option<Vec<u8>>)>,
    /// Tests that are not met, by their place in the list of tests.
    pub(super) failed: BTreeMap<usize, Audience>,
}

impl Files {
    fn new(inputs: FileInputs, urls: Urls) -> Self {
        Self {
            inputs,
            urls,
            sizes: Vec::new(),
            broken: Vec::new(),
            contents: Vec::new(),
            failed: BTreeMap::new(),
        }
    }

    /// Whether a phone gets the same bytes: the same contents, sealed in the same way.
    fn are_as(&self, before: Option<&Self>) -> bool {
        let profile = |files: &Self| files.inputs.profile.as_ref().map(|it| it.name.clone());
        before.is_some_and(|before| {
            self.contents == before.contents && profile(self) == profile(before)
        })
    }

    fn broken(
        &self,
        file: FileKind,
        findings: Vec<RenderedFinding>,
        error: Option<String>,
    ) -> BrokenFile {
        BrokenFile {
            mac: self.inputs.device.as_ref().map(|device| device.mac.clone()),
            model: self.inputs.model.clone(),
            file,
            findings,
            error,
        }
    }

    fn broken_by(&self, kind: FileKind, error: FileError) -> BrokenFile {
        match error {
            FileError::Render(error) => self.broken(kind, Vec::new(), Some(error.to_string())),
            FileError::Lint(mut findings) => {
                findings.retain(RenderedFinding::is_error);
                self.broken(kind, findings, None)
            }
        }
    }

    fn check_sizes(&mut self, told: Audience) {
        // The initial file only names the others; of several system files the phone reads one.
        let sizes: Vec<(FileKind, usize)> = self
            .sizes
            .iter()
            .filter(|(kind, audience, _)| match kind {
                FileKind::Initial => false,
                FileKind::System => *audience == told,
                _ => true,
            })
            .map(|&(kind, _, bytes)| (kind, bytes))
            .collect();
        let findings = format::lint_sizes(self.inputs.family, &sizes);
        if format::has_errors(&findings) {
            let findings = findings.into_iter().map(Into::into).collect();
            let broken = self.broken(FileKind::Standard, findings, None);
            self.broken.push(broken);
        }
    }
}

/// The devices, one of each combination of model and site first, then a second one of each, and so
/// on.
fn in_turn(devices: &[DeviceRow]) -> Vec<&DeviceRow> {
    let mut had: BTreeMap<(&str, Option<&str>), usize> = BTreeMap::new();
    let mut turns: Vec<(usize, &DeviceRow)> = devices
        .iter()
        .map(|device| {
            let key = (device.model.as_str(), device.site_id.as_deref());
            let turn = had.entry(key).or_default();
            *turn += 1;
            (*turn, device)
        })
        .collect();
    turns.sort_by_key(|(turn, _)| *turn);
    turns.into_iter().map(|(_, device)| device).collect()
}

/// How a number of which only the first are told is said.
fn number(of: usize) -> String {
    match of > MAX_LISTED {
        true => format!("at least {of}"),
        false => of.to_string(),
    }
}

fn files(of: usize) -> String {
    match of {
        1 => "1 file".to_owned(),
        of => format!("{} files", number(of)),
    }
}

fn refusal(report: CheckReport, checked: &Checked) -> Problem {
    let files = files(report.files);
    Problem::new(
        ProblemKind::InvalidFiles,
        format!(
            "With this change {files} could not be served, so nothing was changed. Mend what is said of each file, and make the change again."
        ),
    )
    .with("files", report.files)
    .with("devices", report.broken)
    .with("checked", checked)
}

fn failed_tests(report: CheckReport, checked: &Checked) -> Problem {
    let files = files(report.tests);
    Problem::new(
        ProblemKind::FailedTests,
        format!(
            "With this change {files} would no longer be what the tenant's tests of files say, so nothing was changed. Make another change, or change the tests that are named."
        ),
    )
    .with("tests", report.failed)
    .with("checked", checked)
}

/// What came of every test in the files as they are.
#[derive(Default)]
pub(super) struct Run {
    /// By the place of the test: number of files that it was held to.
    pub(super) files: BTreeMap<usize, u64>,
    pub(super) failed: Vec<(usize, FailedTest)>,
    pub(super) is_short: bool,
}

impl Candidate {
    /// Holds the files of the chosen devices to all tests, whatever a change breaks.
    pub(super) async fn run(&self) -> Result<Run, Problem> {
        let mut look = Look {
            budget: Budget::default(),
            watch: self.watch(),
            left_out: Missed::default(),
            compares: false,
        };
        let mut run = Run::default();
        let shared = self.shared.iter().map(|model| (None, model.as_str()));
        let devices = in_turn(&self.devices).into_iter();
        let own = devices.map(|device| (Some(device), device.model.as_str()));
        for (device, model) in shared.chain(own) {
            if !look.budget.is_within(100) {
                run.is_short = true;
                break;
            }
            let Some(inputs) = self.inputs(Side::After, device, model)? else {
                continue;
            };
            let part = if device.is_some() {
                Part::Own
            } else {
                Part::Shared
            };
            let files = self.files(Side::After, inputs, part, &mut look);
            let made = files.sizes.iter().map(|(kind, _, _)| *kind);
            let kinds: BTreeSet<FileKind> = made.collect();
            for (at, test) in self.tests.iter().enumerate() {
                if kinds.contains(&test.kind) && test.is_for(&files.inputs) {
                    *run.files.entry(at).or_default() += 1;
                }
            }
            let told = self.failed(&files, None).into_iter();
            run.failed
                .extend(files.failed.keys().copied().zip(told).collect::<Vec<_>>());
            look.budget.pause_if_due().await;
        }
        Ok(run)
    }
}
