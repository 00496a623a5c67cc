//! Which phone gets which file: the one rule behind what a phone is served and what names a tenant
//! may give its files.
//!
//! A name with `{MAC}` tells the device, a name with `{MODEL}` the model; any other is for
//! [everyone](Audience::Everyone), and then the tenant's families and its choice say for which
//! family the file is written ([`Rules::family_for_everyone`]). Whether a phone gets the file is
//! decided by its family and its sealing profile ([`Rules::serves`]). [`Rules::check_name`] asks
//! the same of every phone that there could be, so a name is refused exactly if it would never be
//! served.

use crate::vendor;
use crate::vendor::conduct::Fact;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::family::Family;
use crate::kind::{FileKind, Form};
use crate::seal::Profile;
use crate::url_template::{Route, UrlTemplate};

/// For whom the file at a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// The device that the name tells.
    Device,
    /// The model that the name tells.
    Model,
    /// Every phone of one family.
    Everyone,
}

/// What a tenant decided that bears on who gets which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Whether product, master and system files go in clear to phones that have a profile, too.
    pub shared_in_clear: bool,
    /// The family that a file for everyone is written for, where several families have one.
    pub shared_family: Option<Family>,
    /// Whether a model may have a profile whose [grade](crate::seal::Grade::is_sealing) is not one of sealing.
    pub unverified_profiles: bool,
    /// Whether sealed files may leave over plain HTTP.
    pub sealed_over_http: bool,
}

/// A phone, as far as it decides which files it gets.
#[derive(Clone, Copy, Debug)]
pub struct Phone<'a> {
    /// Its family.
    pub family: Family,
    /// How its files are sealed, if they are.
    pub profile: Option<&'a Profile>,
}

/// A family of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Present {
    /// Which.
    pub family: Family,
    /// Whether a model of it has no sealing profile.
    pub in_clear: bool,
}

/// Why a phone does not get a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotServed {
    /// Phones of the family ask for no such file.
    #[error("phones of this family ask for no such file")]
    Kind,
    /// The initial file is for a phone that may have no key yet.
    #[error("an initial file is for a phone that has no key yet, so it is never sealed")]
    NeverSealed,
    /// Files of the phone are not sealed.
    #[error("files of this phone are not sealed")]
    NoProfile,
    /// The name's extension belongs to another profile.
    #[error("the extension of the name is not the one of the phone's profile")]
    Extension,
    /// The file goes to this phone in sealed form alone.
    #[error("this phone gets the file in sealed form only")]
    SealedOnly,
}

/// Why a name would never be served. The words say what to do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unservable {
    /// An initial file in sealed form.
    #[error(
        "an initial file is for a phone that has no key yet, so it is never sealed: leave `sealed` \
         out, or put the name into `plain`"
    )]
    NeverSealed,
    /// The family has no such file.
    #[error("phones of the family {} ask for no {} file: leave the name out", .family.as_str(), .kind.as_str())]
    Kind {
        /// The family.
        family: Family,
        /// The kind.
        kind: FileKind,
    },
    /// No profile that may be used has this extension.
    #[error("{}", .0)]
    Extension(String),
}

impl Audience {
    /// For whom the file at the names of a template is.
    pub fn of(template: &UrlTemplate) -> Self {
        Self::named(template.uses_mac(), template.uses_model())
    }

    /// The same for a path that was read: whether it named a device, and a model.
    pub fn named(device: bool, model: bool) -> Self {
        match (device, model) {
            (true, _) => Self::Device,
            (false, true) => Self::Model,
            (false, false) => Self::Everyone,
        }
    }
}

impl Rules {
    /// Whether a phone gets a file of that kind and form; `extension` is the name's, without its
    /// dot. What the state of its key says comes on top.
    ///
    /// # Errors
    /// The first reason against it.
    pub fn serves(
        &self,
        kind: FileKind,
        form: Form,
        extension: &str,
        phone: Phone<'_>,
    ) -> Result<(), NotServed> {
        if !phone.family.kinds().contains(&kind) {
            return Err(NotServed::Kind);
        }
        match (form, phone.profile) {
            (Form::Sealed, _) if kind == FileKind::Initial => Err(NotServed::NeverSealed),
            (Form::Sealed, None) => Err(NotServed::NoProfile),
            (Form::Sealed, Some(profile)) if profile.extension != extension => {
                Err(NotServed::Extension)
            }
            (Form::Plain, Some(_)) if is_shared(kind) && !self.shared_in_clear => {
                Err(NotServed::SealedOnly)
            }
            _ => Ok(()),
        }
    }

    /// The family that the file at a plain name for everyone is written for. `named` is the family
    /// that the name belongs to. Else only families count whose phones may have the file: if there
    /// is just one, nothing is left to choose; of several it is the tenant's choice. `None` where
    /// nobody can say.
    pub fn family_for_everyone(
        &self,
        kind: FileKind,
        named: Option<Family>,
        families: &[Present],
    ) -> Option<Family> {
        let may_have = |one: &&Present| {
            one.family.kinds().contains(&kind)
                && (one.in_clear || !is_shared(kind) || self.shared_in_clear)
        };
        let mut fitting = families.iter().filter(may_have).map(|one| one.family);
        if let Some(wanted) = named {
            return fitting.find(|family| *family == wanted);
        }
        let fitting: Vec<Family> = fitting.collect();
        match fitting.as_slice() {
            [] => None,
            [only] => Some(*only),
            several => self.shared_family.filter(|chosen| several.contains(chosen)),
        }
    }

    /// Whether a plain name for everyone may be announced to a phone: not if the file there is written for
    /// a family whose files it cannot read.
    pub fn may_be_announced(&self, kind: FileKind, family: Family) -> bool {
        self.shared_family
            .filter(|chosen| chosen.kinds().contains(&kind))
            .is_none_or(|chosen| family.reads_files_of(chosen))
    }

    /// Whether the URLs in a file that a phone asks for over plain HTTP name plain HTTP, as the phone did. Any other file
    /// names HTTPS: one in clear, which never leaves over plain HTTP, and one for phones that can follow to HTTPS.
    pub fn stays_on_http(&self, form: Form, family: Family) -> bool {
        self.sealed_over_http && form == Form::Sealed && family.spec().refuses_public_certificates
    }

    /// Checks that some phone could get the file of a route.
    ///
    /// # Errors
    /// None could, whatever models the tenant has.
    pub fn check_name(&self, route: &Route) -> Result<(), Unservable> {
        let &Route { kind, form, .. } = route;
        if let Some(family) = route.family.filter(|one| !one.kinds().contains(&kind)) {
            return Err(Unservable::Kind { family, kind });
        }
        let extension = extension(route.template.as_str());
        let families = || {
            Family::ALL
                .into_iter()
                .filter(|family| route.family.is_none_or(|own| own == *family))
        };
        let profiles = |family: Family| {
            let named = family.profiles().filter_map(vendor::profile);
            named.filter(|profile| profile.grade.is_sealing() || self.unverified_profiles)
        };
        let somebody_gets_it = families().any(|family| {
            let gets = |profile: Option<&Profile>| {
                let phone = Phone { family, profile };
                self.serves(kind, form, extension, phone).is_ok()
            };
            gets(None) || profiles(family).any(|profile| gets(Some(&profile)))
        });
        if somebody_gets_it {
            return Ok(());
        }
        if kind == FileKind::Initial {
            return Err(Unservable::NeverSealed);
        }
        let fitting = || families().filter(|family| family.kinds().contains(&kind));
        Err(Unservable::Extension(no_profile(
            kind,
            extension,
            fitting().flat_map(profiles),
            fitting()
                .flat_map(|family| family.profiles())
                .filter_map(vendor::profile),
        )))
    }
}

/// Whether a file of this kind goes to several devices.
pub fn is_shared(kind: FileKind) -> bool {
    matches!(
        kind,
        FileKind::Product | FileKind::Master | FileKind::System
    )
}

/// What stands behind the last dot of a path: it tells which profile a sealed name is for. Empty
/// where there is no dot.
pub fn extension(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, end)| end)
}

/// What somebody has to do at a phone that is sealed by that profile, so that the phone takes the bootstrap of a new key;
/// `None` where it comes for one by itself: because its sealed file has no name of its own, or by what its family does.
pub fn after_rekey(family: Family, profile: &Profile) -> Option<Fact> {
    let spec = family.spec();
    let mut names = spec.names.iter();
    let has_own_name = names.any(|(kind, form, name)| {
        (*kind, *form) == (FileKind::Standard, Form::Sealed) && extension(name) == profile.extension
    });
    spec.conduct.after_rekey.filter(|_| has_own_name)
}

/// Why no profile that may be used goes with a sealed name, and what to do.
fn no_profile(
    kind: FileKind,
    extension: &str,
    allowed: impl Iterator<Item = Profile>,
    all: impl Iterator<Item = Profile>,
) -> String {
    let unverified = all.filter(|profile| profile.extension == extension).count() > 0;
    if unverified {
        return format!(
            "only profiles that are unpublished or obfuscation have the extension .{extension}: set \
             the option `unverified_profiles`, or leave the name out"
        );
    }
    let mut known: Vec<String> = allowed
        .map(|profile| format!(".{}", profile.extension))
        .collect();
    known.sort();
    known.dedup();
    let kind = kind.as_str();
    if known.is_empty() {
        return format!(
            "no profile that the tenant may use seals a {kind} file: put the name into `plain`, or \
             set the option `unverified_profiles`"
        );
    }
    format!(
        "a sealed {kind} file must end in {}, which tells the profile",
        known.join(" or ")
    )
}

#[cfg(test)]
mod tests;
