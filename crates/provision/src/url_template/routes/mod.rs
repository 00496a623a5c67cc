//! The routes of a tenant: which path asks for which file.
//!
//! A table is checked when it is saved, so that reading a path never has to guess:
//!
//! - Where two templates read one path differently and every path of the one is also a path of the
//!   other, the narrower wins: `PhoneAll.cfg` before `Phone{MODEL}.cfg`, `Phone{MAC}.cfg`
//!   before `{MODEL}.cfg`.
//! - Where neither is narrower, or one template alone can read a path in two ways, the table is
//!   refused, with the templates and an example.
//! - Two templates that read a path in the same way (`Phone{MAC}.cfg` and `Phone{mac}.cfg` for
//!   the same file, and a MAC without letters) do not disturb each other.
//! - Where phones of two families ask one path for different files, and both names tell the same device, the
//!   device's family decides ([`Resolved::others`]): `{mac}.cfg` is the index of one and the file of another.
//! - A name that a family brings along stands back behind one that a tenant gives, if nothing else tells the two
//!   apart ([`RouteTable::beside`]).
//!
//! The comparison is exact but for one thing, on purpose: it does not know the upper bounds on the
//! length of a model and a firmware. With them `Phone{MODEL}.cfg` would not be narrower than
//! `{MODEL}.cfg` (a model of 30 characters fits behind `Phone` but not together with it), and
//! phones that append `{MODEL}.cfg` to their URL by themselves could not be served beside it. The
//! bounds are checked after a path has been read; a value beyond them asks for nothing.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::automaton::{Automaton, Budget, Reading, TooMuchWork};
use super::{Macro, UrlTemplate, path};
use crate::family::Family;
use crate::kind::{FileKind, Form};
use crate::mac::Mac;
use crate::serving::Audience;

/// The most routes that one table holds, beside those of the families' own names.
pub const MAX_ROUTES: usize = 32;

/// The name under which a file is served in one form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// What is served.
    pub kind: FileKind,
    /// Plain or sealed.
    pub form: Form,
    /// Under which name.
    pub template: UrlTemplate,
    /// The family that the name belongs to, where a tenant has names for one family alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
}

/// What a path asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The kind of file.
    pub kind: FileKind,
    /// Plain or sealed.
    pub form: Form,
    /// The device, where the template names it.
    pub mac: Option<Mac>,
    /// The model, where the template names it.
    pub model: Option<String>,
    /// The firmware, where the template names it.
    pub fwver: Option<String>,
    /// The family that the name belongs to, where neither a device nor a model tells it.
    pub family: Option<Family>,
    /// The families whose phones ask that path for another kind of file in clear: of a device of one of them it is
    /// this kind. Empty where the path has one meaning.
    pub others: Vec<(Family, FileKind)>,
}

/// A tenant's routes, in the order in which they are tried.
///
/// Serialises as a list of routes in that order. Deserialising trusts the list: it is meant for
/// what [`RouteTable::new`] made and a store kept, on the path of every request; whatever an
/// operator sends goes through `new`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RouteTable {
    routes: Vec<Entry>,
}

/// Why a table is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RouteError {
    /// A path could be read in two ways.
    #[error(transparent)]
    Conflict(Box<RouteConflict>),
    /// The file belongs to one device, and the template does not name it.
    #[error(
        "{template:?} is to serve the {} {} file, which belongs to one device: put {{MAC}} into \
         it", .form.as_str(), .kind.as_str()
    )]
    NoDevice {
        /// What is served.
        kind: FileKind,
        /// In which form.
        form: Form,
        /// The template.
        template: String,
    },
    /// The file differs from model to model, and the template names neither model nor device.
    #[error(
        "{template:?} is to serve the product file, which differs from model to model: put {{MODEL}} or {{MAC}} into it"
    )]
    NoModel {
        /// The template.
        template: String,
    },
    /// Nobody can say in reasonable time whether the templates are unambiguous.
    #[error(
        "these templates take too long to compare with each other: use shorter ones, or tell them \
         apart by their first characters"
    )]
    TooComplicated,
    /// More than [`MAX_ROUTES`].
    #[error(
        "{0} names are too many; at most {MAX_ROUTES} are compared with each other: leave out those that no phone asks for"
    )]
    TooMany(usize),
}

/// A path that could be read in two ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteConflict {
    /// One of the routes.
    pub first: Route,
    /// The other; the same one where it is ambiguous by itself.
    pub second: Route,
    /// A path that both read, as short as can be.
    pub example_path: String,
}

/// A route, ready to read.
#[derive(Clone, Debug)]
struct Entry {
    route: Route,
    automaton: Automaton,
}

impl RouteTable {
    /// Checks routes against each other and brings them into the order in which they are tried.
    /// The same route twice is kept once.
    ///
    /// # Errors
    /// [`RouteError`]. The first conflict found is reported.
    pub fn new(routes: Vec<Route>) -> Result<Self, RouteError> {
        Self::beside(routes, &[]).map(|(table, _)| table)
    }

    /// The same, and the routes of the families' own names, of which there are as many as there are. Of those
    /// the table lacks the ones that stand back: each that reads a path that a given one reads too, where
    /// neither is the narrower one and no device tells them apart. Such a one is the second of its pair.
    ///
    /// # Errors
    /// [`RouteError`], likewise: of the given routes among themselves, or of the families'.
    pub fn beside(
        given: Vec<Route>,
        of_families: &[Route],
    ) -> Result<(Self, Vec<RouteConflict>), RouteError> {
        if given.len() > MAX_ROUTES {
            return Err(RouteError::TooMany(given.len()));
        }
        let mut entries = Vec::new();
        add_entries(&mut entries, given)?;
        let given = entries.len();
        add_entries(&mut entries, of_families.to_vec())?;
        // Pairs of positions (narrower, wider).
        let mut narrower = Vec::new();
        let mut back: BTreeMap<usize, RouteConflict> = BTreeMap::new();
        let mut budget = Budget::default();
        for (at, first) in entries.iter().enumerate() {
            first.check_alone(&mut budget)?;
            for (n, second) in entries.iter().enumerate().skip(at + 1) {
                if back.contains_key(&at) || back.contains_key(&n) {
                    continue;
                }
                match first.compare(second, &mut budget) {
                    Ok(Order::First) => narrower.push((at, n)),
                    Ok(Order::Second) => narrower.push((n, at)),
                    Ok(Order::Any) => {}
                    Err(RouteError::Conflict(conflict)) if at < given && n >= given => {
                        back.insert(n, *conflict);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        let mut routes = sorted(entries, narrower);
        routes.retain(|entry| !back.values().any(|one| one.second == entry.route));
        Ok((Self { routes }, back.into_values().collect()))
    }

    /// The routes, in the order in which they are tried.
    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter().map(|entry| &entry.route)
    }

    /// The template under which a phone is told to ask for a file; of several, the first given
    /// among those that are tried equally early.
    pub fn template(&self, kind: FileKind, form: Form) -> Option<&UrlTemplate> {
        self.routes()
            .find(|route| route.kind == kind && route.form == form)
            .map(|route| &route.template)
    }

    /// What a request's path asks for: the path below the access path, as it came, without a
    /// leading slash. `None` for all that asks for nothing.
    pub fn resolve(&self, path: &str) -> Option<Resolved> {
        let path = path::decode(path).ok()?;
        let mut entries = self.routes.iter();
        let (entry, reading) =
            entries.find_map(|entry| Some((entry, entry.automaton.read(&path)?)))?;
        let mut found = resolved(&entry.route, &reading)?;
        // The hot path's names have one meaning each.
        if entry.route.is_told_by_family() {
            let told_apart = entries.filter(|other| {
                other.route.is_told_apart_from(&entry.route)
                    && other.automaton.read(&path) == Some(reading)
            });
            let told_apart = told_apart.map(|it| Some((it.route.family?, it.route.kind)));
            found.others = told_apart.flatten().collect();
        }
        Some(found)
    }

    /// The families whose phones ask for a file of that kind and form at a path; `None`: those of all
    /// families may, since a name there belongs to none.
    pub fn families_at(&self, path: &str, kind: FileKind, form: Form) -> Option<Vec<Family>> {
        let path = path::decode(path).ok()?;
        let fitting = self.routes.iter().filter(|entry| {
            entry.route.kind == kind
                && entry.route.form == form
                && entry.automaton.read(&path).is_some()
        });
        fitting.map(|entry| entry.route.family).collect()
    }

    /// The families at whose phones' name of the file that carries the key a path is.
    pub fn carriers_at(&self, path: &str) -> Vec<Family> {
        let Ok(path) = path::decode(path) else {
            return Vec::new();
        };
        let fitting = self.routes.iter().filter_map(|entry| {
            let Route {
                kind,
                form,
                template,
                family,
            } = &entry.route;
            let family = family.filter(|it| it.carries_key_at(template.as_str()))?;
            let asked = *kind == FileKind::Standard && *form == Form::Plain;
            (asked && entry.automaton.read(&path).is_some()).then_some(family)
        });
        fitting.collect()
    }
}

impl Route {
    /// The family that the name alone tells: a device or a model in it has its own.
    fn told_family(&self) -> Option<Family> {
        match Audience::of(&self.template) {
            Audience::Everyone => self.family,
            Audience::Device | Audience::Model => None,
        }
    }

    /// Whether both serve the same file where they read a path in the same way.
    fn serves_as(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.form == other.form
            && self.told_family() == other.told_family()
    }

    /// Whether the name is one of a family, for a device's file in clear of which it depends on the family which
    /// one it is.
    fn is_told_by_family(&self) -> bool {
        self.family.is_some()
            && self.form == Form::Plain
            && matches!(self.kind, FileKind::Initial | FileKind::Standard)
            && Audience::of(&self.template) == Audience::Device
    }

    /// Whether the family of the device tells which of two routes is asked for, at a path in which both read the
    /// same device.
    fn is_told_apart_from(&self, other: &Self) -> bool {
        self.is_told_by_family()
            && other.is_told_by_family()
            && self.family != other.family
            && self.kind != other.kind
    }

    /// Whether the template names what the file depends on.
    fn check(&self) -> Result<(), RouteError> {
        let &Self { kind, form, .. } = self;
        let template = &self.template;
        let of_a_device = kind == FileKind::Standard || form == Form::Sealed;
        if of_a_device && !template.uses_mac() {
            let template = template.to_string();
            return Err(RouteError::NoDevice {
                kind,
                form,
                template,
            });
        }
        if kind == FileKind::Product && !template.uses_model() && !template.uses_mac() {
            let template = template.to_string();
            return Err(RouteError::NoModel { template });
        }
        Ok(())
    }
}

/// Which of two routes is tried before the other.
enum Order {
    First,
    Second,
    Any,
}

impl Entry {
    fn check_alone(&self, budget: &mut Budget) -> Result<(), RouteError> {
        match self.automaton.common_path(&self.automaton, true, budget)? {
            Some(example) => Err(self.conflict(self, example)),
            None => Ok(()),
        }
    }

    fn compare(&self, other: &Self, budget: &mut Budget) -> Result<Order, RouteError> {
        // Phones of several families ask by one name: nothing is to be told apart.
        let same_file =
            self.route.serves_as(&other.route) || self.route.is_told_apart_from(&other.route);
        if self.route.template == other.route.template && same_file {
            return Ok(Order::Any);
        }
        let (mine, theirs) = (&self.automaton, &other.automaton);
        let Some(example) = mine.common_path(theirs, same_file, budget)? else {
            return Ok(Order::Any);
        };
        match (mine.within(theirs, budget)?, theirs.within(mine, budget)?) {
            (true, false) => Ok(Order::First),
            (false, true) => Ok(Order::Second),
            _ => Err(self.conflict(other, example)),
        }
    }

    fn conflict(&self, other: &Self, example_path: String) -> RouteError {
        RouteError::Conflict(Box::new(RouteConflict {
            first: self.route.clone(),
            second: other.route.clone(),
            example_path,
        }))
    }
}

impl From<TooMuchWork> for RouteError {
    fn from(_: TooMuchWork) -> Self {
        Self::TooComplicated
    }
}

impl From<Route> for Entry {
    fn from(route: Route) -> Self {
        let automaton = Automaton::new(route.template.parts());
        Self { route, automaton }
    }
}

impl Serialize for Entry {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.route.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Route::deserialize(deserializer).map(Self::from)
    }
}

impl fmt::Display for RouteConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            first,
            second,
            example_path,
        } = self;
        if first == second {
            return write!(
                f,
                "{first} reads {example_path:?} in two ways: put a character between the macros \
                 that cannot be part of either, such as /"
            );
        }
        write!(
            f,
            "{first} and {second} both read {example_path:?}, and neither is the narrower one: \
             tell them apart by a literal prefix, folder or extension"
        )
    }
}

impl std::error::Error for RouteConflict {}

/// `"Phone{MAC}.cfg" (plain standard file)`
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} ({} {} file",
            self.template.as_str(),
            self.form.as_str(),
            self.kind.as_str()
        )?;
        match self.family {
            Some(family) => write!(f, " of {})", family.as_str()),
            None => f.write_str(")"),
        }
    }
}

/// `None` where a value is none that a phone can have.
fn resolved(route: &Route, reading: &Reading<'_>) -> Option<Resolved> {
    let mac = reading.mac.map(Mac::parse).transpose().ok()?;
    let bounded = |wanted: Macro, value: Option<&str>| match value {
        Some(value) if !wanted.accepts(value) => None,
        value => Some(value.map(str::to_owned)),
    };
    Some(Resolved {
        kind: route.kind,
        form: route.form,
        mac,
        model: bounded(Macro::Model, reading.model)?,
        fwver: bounded(Macro::Fwver, reading.fwver)?,
        family: route.told_family(),
        others: Vec::new(),
    })
}

/// Adds routes that are not there yet.
fn add_entries(entries: &mut Vec<Entry>, routes: Vec<Route>) -> Result<(), RouteError> {
    for route in routes {
        route.check()?;
        if !entries.iter().any(|entry| entry.route == route) {
            entries.push(Entry::from(route));
        }
    }
    Ok(())
}

/// Narrower entries before wider ones, otherwise in the order given. Being narrower is transitive
/// and irreflexive, so there is always one to take next.
fn sorted(entries: Vec<Entry>, mut narrower: Vec<(usize, usize)>) -> Vec<Entry> {
    let mut left: Vec<(usize, Entry)> = entries.into_iter().enumerate().collect();
    let mut sorted = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let free = left
            .iter()
            .position(|(at, _)| !narrower.iter().any(|(_, wider)| wider == at))
            .unwrap_or(0);
        let (at, entry) = left.remove(free);
        narrower.retain(|(first, _)| *first != at);
        sorted.push(entry);
    }
    sorted
}

#[cfg(test)]
mod tests;
