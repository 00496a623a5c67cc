//! How phones behave, as far as sources say: for people, in the API and in the pages for operators. No answer to a
//! phone depends on it.

use serde::Serialize;

/// How the phones of a family behave. Null, and an empty list of what was looked for, mean that it was not found.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Conduct {
    /// The names that the family's phones ask for by themselves, in their order, whether a file is there or not.
    pub asks: &'static [Asked],
    /// What a 404 means to the family's phones.
    pub missing: &'static [Fact],
    /// The file that counts where two files set one parameter; null where that was not found.
    pub between_files: Option<BetweenFiles>,
    /// The macros that the family's phones replace in a URL or a name; empty where they have none.
    pub macros: Option<&'static [Macro]>,
    /// What has to change in a file along with the key.
    pub with_key: Option<Fact>,
    /// What somebody has to do at a phone that was not reset, so that the phone takes the bootstrap of a new key. Null where
    /// the family's phones come for one by themselves.
    pub after_rekey: Option<Fact>,
    /// What the event that fetches does, unless a parameter says otherwise.
    pub fetch: Option<Fact>,
    /// What the event that restarts does, unless a parameter says otherwise.
    pub restart: Option<Fact>,
    /// Whether the family's phones challenge a NOTIFY.
    pub challenge: Option<Challenge>,
    /// The subject of the certificate that the family's phones show to a server.
    pub certificate_subject: Option<Fact>,
    /// More about the certificate that the family's phones show.
    pub certificate: &'static [Fact],
    /// How the family's phones answer a server that asks for a name and a password.
    pub http_authentication: &'static [Fact],
    /// Which servers the family's phones trust, and which versions of TLS they speak.
    pub tls: &'static [Fact],
    /// Models with the code that stands in names, and with their lines. The list may be the
    /// vendor's.
    pub models: &'static [KnownModel],
}

impl Conduct {
    /// Nothing was found.
    pub const NOT_FOUND: Self = Self {
        asks: &[],
        missing: &[],
        between_files: None,
        macros: None,
        with_key: None,
        after_rekey: None,
        fetch: None,
        restart: None,
        challenge: None,
        certificate_subject: None,
        certificate: &[],
        http_authentication: &[],
        tls: &[],
        models: &[],
    };

    /// How many lines a model has, as an operator writes the model: letter case, blanks and hyphens do not matter, nor
    /// what stands before its name, such as the vendor's.
    ///
    /// ```
    /// use ringfence_provision::family::Family;
    ///
    /// let conduct = Family::guess("T46S").expect("built in").spec().conduct;
    /// assert_eq!(conduct.lines_of("Yealink SIP-T46S"), Some(16));
    /// assert_eq!(conduct.lines_of("T99"), None);
    /// ```
    pub fn lines_of(&self, model: &str) -> Option<u16> {
        let model = bare(model);
        let known = self.models.iter().map(|known| (bare(known.model), known));
        known
            .filter(|(name, _)| model.ends_with(name.as_str()))
            .max_by_key(|(name, _)| name.len())
            .and_then(|(_, known)| known.lines)
    }
}

/// The letters and digits of a name, in capitals.
fn bare(name: &str) -> String {
    let kept = name.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|c| c.to_ascii_uppercase()).collect()
}

/// A sentence about phones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fact {
    /// The sentence in plain words.
    pub text: &'static str,
    /// Whether no source says it: it follows from what sources say, and nobody has shown it.
    pub inferred: bool,
}

/// A sentence that a source says.
pub const fn found(text: &'static str) -> Fact {
    Fact {
        text,
        inferred: false,
    }
}

/// A sentence that no source says, and that follows from what sources say.
pub const fn inferred(text: &'static str) -> Fact {
    Fact {
        text,
        inferred: true,
    }
}

/// A name that phones ask for by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Asked {
    /// The name, with braces around what differs: `{code}` is the code of a model, `{model}` a model in small letters,
    /// `{name}` any of the other names.
    pub name: &'static str,
    /// The phones that the file at this name would be for.
    pub role: Role,
    /// What a phone does after a 404 at this name; null where that was not found.
    pub missing: Option<AfterMissing>,
    /// More about the name, if there is any.
    pub remark: Option<&'static str>,
}

/// A name without a remark.
pub const fn asked(name: &'static str, role: Role, missing: Option<AfterMissing>) -> Asked {
    Asked {
        name,
        role,
        missing,
        remark: None,
    }
}

impl Asked {
    /// The same with a remark.
    pub const fn remark(self, remark: &'static str) -> Self {
        Self {
            remark: Some(remark),
            ..self
        }
    }
}

/// The phones that a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Role {
    /// The file leads to the device's own file.
    Initial,
    /// The file lists the names of other files.
    Index,
    /// The file is for one device.
    Device,
    /// The file is for the phones of one model.
    Model,
    /// The file is for all phones.
    Everybody,
}

impl Role {
    /// The word used in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Index => "index",
            Self::Device => "device",
            Self::Model => "model",
            Self::Everybody => "everybody",
        }
    }
}

/// What a phone does after a 404.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum AfterMissing {
    /// The phone goes on with what it would have asked for anyway.
    GoesOn,
    /// The phone asks for the next name, which it would not ask for otherwise.
    AsksNext,
    /// The phone keeps the files that it has.
    Keeps,
    /// The phone asks for none of the names that come behind.
    Stops,
}

/// The file that counts where two files set one parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum BetweenFiles {
    /// The file that the phone reads first counts.
    FirstRead,
    /// The file that the phone reads last counts.
    LastRead,
    /// The file for the fewest devices counts, in whatever order the phone reads the files: that of a device before that of a
    /// model, and that before the one for everybody.
    NearestToDevice,
}

/// A macro, which a phone replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Macro {
    /// How the macro is written.
    pub written: &'static str,
    /// What the macro stands for, in a few words.
    pub stands_for: &'static str,
    /// Whether no source tells of the macro.
    pub inferred: bool,
}

impl Macro {
    /// A macro that a source explains.
    pub const fn found(written: &'static str, stands_for: &'static str) -> Self {
        Self {
            written,
            stands_for,
            inferred: false,
        }
    }

    /// A macro that no source explains.
    pub const fn inferred(written: &'static str, stands_for: &'static str) -> Self {
        Self {
            written,
            stands_for,
            inferred: true,
        }
    }
}

/// Whether phones challenge a NOTIFY, and what answers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Challenge {
    /// When phones challenge a NOTIFY.
    pub when: Challenges,
    /// A sentence that says whose name and password answer the challenge; null where that was not
    /// found.
    pub credentials: Option<Fact>,
    /// More about the challenge, and about whom phones take the event from.
    pub remarks: &'static [Fact],
}

/// When phones challenge a NOTIFY.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Challenges {
    /// The phones challenge unless a parameter says otherwise.
    ByDefault,
    /// The phones challenge only where a parameter says so.
    IfSet,
    /// No source tells of a challenge.
    NotSeen,
}

/// A model of phones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KnownModel {
    /// The name of the model.
    pub model: &'static str,
    /// What stands for the model in the names of files.
    pub code: Option<&'static str>,
    /// How many lines the model has.
    pub lines: Option<u16>,
}

/// A model with its code, empty where none was found, and the number of its lines, 0 where it was not found.
pub const fn model(model: &'static str, code: &'static str, lines: u16) -> KnownModel {
    KnownModel {
        model,
        code: if code.is_empty() { None } else { Some(code) },
        lines: if lines == 0 { None } else { Some(lines) },
    }
}
