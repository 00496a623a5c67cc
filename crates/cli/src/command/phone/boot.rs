//! One boot: which names are asked for, and what is made of the answers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::time::{Duration, Instant};

use ringfence_provision::family::Family;
use ringfence_provision::format::Document;
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::mac::Mac;
use ringfence_provision::seal::Profile;
use ringfence_provision::secret::SecretString;
use ringfence_provision::url_template::{UrlTemplate, UrlVars};
use ringfence_provision::vendor;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::profile::write_private;
use ringfence_api::path::segment;

/// The longest file that a phone reads, in bytes: more than any family takes.
const MAX_FILE: u64 = 8 * 1024 * 1024;

/// How many of the further names that files tell are followed at most.
const MAX_FOLLOWED: usize = 8;

/// A phone, with what it has of earlier boots.
#[derive(Clone)]
pub(super) struct Phone {
    base: String,
    pub(super) mac: Mac,
    model: String,
    pub(super) family: Family,
    pub(super) user_agent: String,
    /// Its key, with its IV where there is one, by the parameter that told it.
    keys: BTreeMap<String, SecretString>,
    /// What it got, opened, by name.
    pub(super) files: BTreeMap<String, Vec<u8>>,
    /// The name of its standard file that it would ask for again.
    standard: Option<String>,
    /// Whether it opened a sealed file.
    pub(super) has_opened: bool,
}

/// One request and what came of it.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// The name behind the access path, which is not said.
    pub(super) name: String,
    /// 0 where there was no answer.
    pub(super) status: u16,
    pub(super) bytes: usize,
    /// What it is to the phone.
    pub(super) what: String,
    pub(super) took: Duration,
}

impl Step {
    pub(super) fn line(&self) -> String {
        let status = match self.status {
            0 => "---".to_owned(),
            status => status.to_string(),
        };
        let bytes = match self.bytes {
            0 => String::new(),
            bytes => format!("{bytes} bytes"),
        };
        format!(
            "GET …/{:<28} {status}  {bytes:>12}  {}",
            self.name, self.what
        )
        .trim_end()
        .to_owned()
    }

    pub(super) fn json(&self) -> Value {
        let milliseconds = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX);
        json!({"name": self.name, "status": self.status, "bytes": self.bytes, "what": self.what, "ms": milliseconds})
    }
}

/// Who hears of each step.
type Say<'a> = &'a mut dyn FnMut(&Step) -> Result<(), Failure>;

/// A name that is asked for, and what the family asks for by it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    kind: FileKind,
    form: Form,
    path: String,
    /// Whether a file told it, and the record knows no such name: which kind of file it is, nobody can say.
    told: bool,
}

impl Phone {
    /// A phone as it leaves the factory.
    pub(super) fn new(base: &str, mac: Mac, model: &str, family: Family) -> Self {
        let agent = vendor::user_agent(family, model, mac);
        Self {
            base: base.to_owned(),
            mac,
            model: model.to_owned(),
            family,
            user_agent: agent.unwrap_or_else(|| model.to_owned()),
            keys: BTreeMap::new(),
            files: BTreeMap::new(),
            standard: None,
            has_opened: false,
        }
    }

    /// The same phone with another MAC, as it leaves the factory.
    pub(super) fn as_another(&self, mac: Mac) -> Self {
        let mut other = Self::new(&self.base, mac, &self.model, self.family);
        // What was said instead of the usual is the same for all.
        let usual = vendor::user_agent(self.family, &self.model, self.mac);
        if usual.as_ref() != Some(&self.user_agent) {
            other.user_agent.clone_from(&self.user_agent);
        }
        other
    }

    /// Whether it asks by HTTPS.
    pub(super) fn is_tls(&self) -> bool {
        self.base.starts_with("https:")
    }

    /// Whether it has a standard file that it can read.
    pub(super) fn has_file(&self) -> bool {
        self.standard.is_some()
    }

    /// Whether it has a key.
    pub(super) fn has_key(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Takes the key of an earlier boot from its file, if there is one.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn remember(&mut self, path: &Path) -> Result<(), Failure> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Failure::file(path, &error)),
        };
        let kept: Value = serde_json::from_slice(&text).unwrap_or_default();
        for (name, value) in kept
            .get(self.mac.upper())
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            if let Some(text) = value.as_str() {
                self.keys.insert(name.clone(), SecretString::new(text));
            }
        }
        Ok(())
    }

    /// Keeps the key for the next boot, in a file for its owner alone.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn keep(&self, path: &Path) -> Result<(), Failure> {
        let keys: BTreeMap<&str, &str> = self
            .keys
            .iter()
            .map(|(name, key)| (name.as_str(), key.expose()))
            .collect();
        let kept = json!({self.mac.upper(): keys});
        write_private(path, kept.to_string().as_bytes())
    }

    /// The names of the family, in its order.
    fn names(&self) -> Vec<Name> {
        let own = self.family.spec().names;
        let names = if own.is_empty() { vendor::NAMES } else { own };
        let kinds = self.family.kinds();
        let used = names
            .iter()
            .filter(|(kind, _, _)| *kind == FileKind::Initial || kinds.contains(kind));
        used.filter_map(|(kind, form, template)| {
            let path = self.expand(template)?;
            Some(Name {
                kind: *kind,
                form: *form,
                path,
                told: false,
            })
        })
        .collect()
    }

    /// A name with what the phone puts in for its macros.
    fn expand(&self, template: &str) -> Option<String> {
        let vars = UrlVars {
            mac: Some(self.mac),
            model: Some(&self.model),
            fwver: Some("1.00"),
        };
        UrlTemplate::parse(template).ok()?.render(&vars).ok()
    }

    /// Boots.
    ///
    /// # Errors
    /// Nobody answers.
    pub(super) fn boot(&mut self, agent: &ureq::Agent, say: Say<'_>) -> Result<(), Failure> {
        let names = self.names();
        let mut asked = BTreeSet::new();
        // A phone with a key asks for what is sealed and is done; one without takes its files in the clear first.
        if !self.has_key() {
            let mut plain: VecDeque<Name> = names
                .iter()
                .filter(|name| name.form == Form::Plain)
                .cloned()
                .collect();
            let mut had: BTreeSet<&str> = BTreeSet::new();
            let mut followed = 0;
            while let Some(name) = plain.pop_front() {
                let is_over = had.contains(name.kind.as_str()) && !name.told;
                if is_over || !asked.insert(name.path.clone()) {
                    continue;
                }
                // It has the key already, and needs nothing that carries it.
                let carries = self.family.carries_key_at(&name.path);
                if carries && self.has_key() {
                    continue;
                }
                let told = self.ask(agent, &name, say)?;
                if told.is_file && !carries {
                    had.insert(name.kind.as_str());
                }
                // In the order in which they are told, each as the kind that the family has at that name.
                let room = MAX_FOLLOWED - followed;
                let further: Vec<String> = told.names.into_iter().take(room).collect();
                followed += further.len();
                for path in further.into_iter().rev() {
                    let known = names.iter().find(|name| name.path == path);
                    // What is sealed comes when there is a key.
                    if known.is_none_or(|name| name.form == Form::Plain) {
                        plain.push_front(Name {
                            kind: known.map_or(FileKind::Standard, |name| name.kind),
                            form: Form::Plain,
                            told: known.is_none(),
                            path,
                        });
                    }
                }
            }
        }
        if !self.has_key() || self.has_opened {
            return Ok(());
        }
        let at_plain = self.family.spec().sealed_at_plain_name;
        let mut had = BTreeSet::new();
        for name in names {
            let is_sealed = name.form == Form::Sealed;
            let is_at_plain = at_plain
                && name.kind == FileKind::Standard
                && !self.family.carries_key_at(&name.path);
            if !(is_sealed || is_at_plain) || had.contains(name.kind.as_str()) {
                continue;
            }
            if self.ask(agent, &name, say)?.is_file {
                had.insert(name.kind.as_str());
            }
        }
        Ok(())
    }

    /// Asks once more for its standard file, as it does when it is told of a change.
    ///
    /// # Errors
    /// Nobody answers.
    pub(super) fn again(&mut self, agent: &ureq::Agent, say: Say<'_>) -> Result<bool, Failure> {
        let Some(path) = self.standard.clone() else {
            return Ok(false);
        };
        let form = match self.has_opened {
            true => Form::Sealed,
            false => Form::Plain,
        };
        let name = Name {
            kind: FileKind::Standard,
            form,
            path,
            told: false,
        };
        Ok(self.ask(agent, &name, say)?.is_file)
    }

    fn ask(&mut self, agent: &ureq::Agent, name: &Name, say: Say<'_>) -> Result<Told, Failure> {
        let path: Vec<String> = name.path.split('/').map(segment).collect();
        let url = format!("{}/{}", self.base, path.join("/"));
        let began = Instant::now();
        let answer = agent
            .get(&url)
            .header("user-agent", &self.user_agent)
            .call();
        // The error of the library may name the URL.
        let unreachable = || {
            Failure::Unreachable(
                "the installation does not answer. Look at the host of the URL and at the network."
                    .to_owned(),
            )
        };
        let mut answer = answer.map_err(|_| unreachable())?;
        let status = answer.status().as_u16();
        let read = answer
            .body_mut()
            .with_config()
            .limit(MAX_FILE)
            .read_to_vec();
        let bytes = read.map_err(|_| unreachable())?;
        let mut step = Step {
            name: name.path.clone(),
            status,
            bytes: 0,
            what: String::new(),
            took: began.elapsed(),
        };
        let mut told = Told::default();
        match status {
            200 => {
                step.bytes = bytes.len();
                told = self.take(name, bytes);
                step.what = std::mem::take(&mut told.what);
            }
            304 => step.what = "not modified".to_owned(),
            300..400 => step.what = "sent elsewhere, which it does not follow here".to_owned(),
            503 => step.what = "cannot be had just now".to_owned(),
            _ => step.what = "refused".to_owned(),
        }
        say(&step)?;
        Ok(told)
    }

    /// What the phone makes of a file.
    fn take(&mut self, name: &Name, bytes: Vec<u8>) -> Told {
        if let Some(carrier) = self
            .family
            .carrier()
            .filter(|carrier| carrier.is_at(&name.path))
        {
            return match value_of(&bytes, carrier.key) {
                Some(key) => {
                    self.keys
                        .insert(carrier.key.to_owned(), SecretString::new(key));
                    Told::file(format!("carries the key, in {}", carrier.key))
                }
                None => Told::nothing("carries no key"),
            };
        }
        if let Ok(document) = Document::parse(self.family, &bytes) {
            let keys = self.keys_in(&document);
            let names = self.names_in(&document);
            let what = match keys.as_slice() {
                [] => "in clear".to_owned(),
                [(first, _), ..] => format!("in clear, with the key in {first}"),
            };
            self.keys.extend(keys);
            self.have(name, bytes);
            return Told {
                names,
                ..Told::file(what)
            };
        }
        match self.open(&bytes) {
            Some((profile, plain)) => {
                self.has_opened = true;
                let what = format!(
                    "sealed as {profile}; the key opens it, {} bytes",
                    plain.len()
                );
                self.have(name, plain);
                Told::file(what)
            }
            None if self.has_key() => {
                Told::nothing("its key does not open it, and it is no file of the family")
            }
            None => Told::nothing("no file of the family, and it has no key to open it with"),
        }
    }

    fn have(&mut self, name: &Name, bytes: Vec<u8>) {
        if name.kind == FileKind::Standard {
            self.standard = Some(name.path.clone());
        }
        self.files.insert(name.path.clone(), bytes);
    }

    fn profiles(&self) -> impl Iterator<Item = Profile> + use<> {
        self.family.profiles().filter_map(vendor::profile)
    }

    /// The parameters of a file that are its key, by the profiles of the family.
    fn keys_in(&self, document: &Document) -> Vec<(String, SecretString)> {
        let parameters = document.parameters();
        let found = |name: &str| {
            // Where objects are named by a text, the name stands at the end of theirs.
            let is_it = |path: &str| {
                let before = path.strip_suffix(name);
                before.is_some_and(|before| before.is_empty() || before.ends_with(['.', '/']))
            };
            let it = parameters.iter().find(|it| is_it(&it.path))?;
            (!it.value.is_empty()).then(|| (name.to_owned(), SecretString::new(it.value.as_str())))
        };
        let mut keys: Vec<(String, SecretString)> = Vec::new();
        for profile in self.profiles() {
            let names = [Some(profile.key_parameter), profile.iv_parameter];
            for name in names.into_iter().flatten() {
                if keys.iter().all(|(known, _)| *known != name) {
                    keys.extend(found(&name));
                }
            }
        }
        keys
    }

    /// Names below the same access path that a file tells the phone to ask for.
    fn names_in(&self, document: &Document) -> Vec<String> {
        let values = document
            .parameters()
            .into_iter()
            .map(|parameter| parameter.value);
        let paths = values.filter_map(|value| {
            let path = value.strip_prefix(&self.base)?.strip_prefix('/')?;
            self.expand(path)
        });
        paths.filter(|path| !path.is_empty()).collect()
    }

    /// Opens a sealed file by whichever profile of the family does.
    fn open(&self, bytes: &[u8]) -> Option<(String, Vec<u8>)> {
        self.profiles().find_map(|profile| {
            // A file with the key alone may call it otherwise.
            let carried = self.family.carrier().map(|carrier| carrier.key);
            let key = self.keys.get(&profile.key_parameter);
            let key = key.or_else(|| self.keys.get(carried?))?;
            let iv = match &profile.iv_parameter {
                Some(name) => Some(self.keys.get(name)?.expose()),
                None => None,
            };
            let sealer = profile.sealer_of_texts(key.expose(), iv).ok()?;
            let plain = profile.unpack(sealer.open(bytes).ok()?)?;
            Document::parse(self.family, &plain).ok()?;
            Some((profile.name.clone(), plain))
        })
    }
}

/// What a file was to the phone.
#[derive(Default)]
struct Told {
    is_file: bool,
    what: String,
    /// Names that it tells.
    names: Vec<String>,
}

impl Told {
    fn file(what: String) -> Self {
        Self {
            is_file: true,
            what,
            names: Vec::new(),
        }
    }

    fn nothing(what: &str) -> Self {
        Self {
            what: what.to_owned(),
            ..Self::default()
        }
    }
}

/// The value of `NAME=value` in a file of pairs between `&`, whatever stands before them and fills its end.
fn value_of(bytes: &[u8], name: &str) -> Option<String> {
    let wanted = format!("{name}=").into_bytes();
    let at = bytes.windows(wanted.len()).position(|it| it == wanted)?;
    let rest = bytes.get(at + wanted.len()..)?;
    let value = rest.split(|byte| matches!(byte, 0 | b'&')).next()?;
    let text = std::str::from_utf8(value).ok()?;
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn phone(model: &str) -> Phone {
        let mac = Mac::parse("0080F0C571EB").unwrap();
        let family = Family::guess(model).unwrap();
        Phone::new("https://a.example/Segment-1", mac, model, family)
    }

    #[test]
    fn every_family_has_names_and_calls_itself_something() {
        for family in Family::ALL {
            let mac = Mac::parse("0080F0C571EB").unwrap();
            let phone = Phone::new("https://a.example/s", mac, "Model-1", family);
            let names = phone.names();
            assert!(
                names
                    .iter()
                    .any(|name| name.kind == FileKind::Standard && name.form == Form::Plain),
                "{}",
                family.as_str()
            );
            assert!(!phone.user_agent.is_empty() && !phone.user_agent.contains('{'));
        }
    }

    #[test]
    fn a_key_is_found_where_pairs_are() {
        let mut file =
            b"\0\0\0\x20ab\0\x80\xf0\xc5\x71\xeb\r\n\r\nP1=a&P22=Harbour77&P3=x".to_vec();
        file.extend([0; 7]);
        assert_eq!(value_of(&file, "P22").unwrap(), "Harbour77");
        assert_eq!(value_of(&file, "P3").unwrap(), "x");
        assert_eq!(value_of(&file, "P4"), None);
    }

    #[test]
    fn names_that_a_file_tells_are_followed_below_the_same_access_path_alone() {
        let phone = phone("KX-UTG300B");
        let mut document =
            ringfence_provision::format::text::Document::new(Family::guess("KX-UT113").unwrap());
        for (name, value) in [
            ("A", "https://a.example/Segment-1/Config{MAC}.cfg"),
            ("B", "https://evil.example/Segment-1/Config{MAC}.cfg"),
            ("C", "https://a.example/Segment-1"),
            ("D", "https://a.example/Segment-12/x.cfg"),
        ] {
            document.push(name, value).unwrap();
        }
        let names = phone.names_in(&Document::Text(document));
        assert_eq!(names, ["Config0080F0C571EB.cfg"]);
    }

    #[test]
    fn a_key_is_kept_for_the_next_boot() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let mut first = phone("KX-UTG300B");
        first.remember(&path).unwrap();
        assert!(!first.has_key());
        first
            .keys
            .insert("K".into(), SecretString::new("Harbour-77"));
        first.keep(&path).unwrap();
        let mut second = phone("KX-UTG300B");
        second.remember(&path).unwrap();
        assert_eq!(second.keys.get("K").unwrap().expose(), "Harbour-77");
    }
}
