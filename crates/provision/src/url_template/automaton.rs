//! What a template can read, as a small non-deterministic automaton, and how two of them compare.
//!
//! A state is a place in the template: a literal character or a macro, and the progress within it.
//! All questions that [`super::RouteTable`] asks are searches through such states, and exact:
//!
//! - *Can two templates read one path differently?* Walk both over the same path and record whether
//!   they ever disagree about what a character is (a literal, or part of which macro).
//! - *Does one read all that another reads?* Walk the one, and beside it all states in which the
//!   other may be (the subset construction, on demand).
//!
//! Characters that no template at hand tells apart are represented by one of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Part;
use super::macros::{Macro, Progress, START};

/// One character for each kind of characters that a macro knows, all templates' literals aside.
/// The digit and the letter make a MAC that a device could have.
const REPRESENTATIVES: &[u8] = b"4CcKk._-:";

/// How much work the comparison of a whole table may be, in steps from one state by one character:
/// a fraction of a second. The tables that people write take about ten thousand steps; long literals
/// that the macro before them could read too, repeated over many templates, take any number.
const MAX_STEPS: usize = 2_000_000;

/// How often the search for an example comes by one pair of places, each time by another path. Paths that two
/// templates split otherwise and still read alike are few: their literals repeat themselves over the whole path.
const MAX_PATHS: usize = 4;

/// What is left of [`MAX_STEPS`].
#[derive(Debug)]
pub(crate) struct Budget(usize);

/// A comparison that takes too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMuchWork;

/// What a character of a path is to a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Symbol {
    Byte(u8),
    Macro(Macro),
}

/// A template, made ready to read paths.
#[derive(Clone, Debug)]
pub(crate) struct Automaton {
    symbols: Vec<Symbol>,
}

/// A place in a template. Ordered so that sets of them compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    symbol: usize,
    progress: Progress,
}

/// A place in each of two templates, reached by one path.
#[derive(Clone, Copy, Debug)]
struct Reached {
    place: (State, State),
    /// The index of the pair of places that was reached before this pair, and the character between the two.
    before: Option<(usize, u8)>,
}

/// Where in a path the value of each macro begins and ends, in bytes; by [`number_of`].
type Spans = [Option<(usize, usize)>; 3];

/// What a template reads out of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading<'p> {
    pub(crate) mac: Option<&'p str>,
    pub(crate) model: Option<&'p str>,
    pub(crate) fwver: Option<&'p str>,
}

impl Budget {
    fn spend(&mut self, steps: usize) -> Result<(), TooMuchWork> {
        self.0 = self.0.checked_sub(steps).ok_or(TooMuchWork)?;
        Ok(())
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self(MAX_STEPS)
    }
}

impl Automaton {
    pub(crate) fn new(parts: &[Part]) -> Self {
        let mut symbols = Vec::new();
        for part in parts {
            match part {
                Part::Literal(text) => symbols.extend(text.bytes().map(Symbol::Byte)),
                Part::Macro(each) => symbols.push(Symbol::Macro(*each)),
            }
        }
        Self { symbols }
    }

    /// Reads a whole path. Where a template could read it in two ways (a table refuses such
    /// templates), any of them.
    pub(crate) fn read<'p>(&self, path: &'p str) -> Option<Reading<'p>> {
        // All places that the template could be in after the bytes so far. A place that is reached twice
        // is kept once, so there are never more of them than places in the template, and reading takes
        // time in proportion to path and template, whatever the path is.
        let mut threads = vec![(self.start(), Spans::default())];
        for (at, byte) in path.bytes().enumerate() {
            let mut next: Vec<(State, Spans)> = Vec::with_capacity(threads.len());
            for (state, spans) in threads {
                for (to, symbol) in self.step(state, byte) {
                    if next.iter().any(|(known, _)| *known == to) {
                        continue;
                    }
                    next.push((to, extended(spans, symbol, at)));
                }
            }
            threads = next;
            if threads.is_empty() {
                return None;
            }
        }
        let (_, spans) = threads
            .into_iter()
            .find(|(state, _)| self.accepts(*state))?;
        let [mac, model, fwver] = spans.map(|span| path.get(span?.0..span?.1));
        Some(Reading { mac, model, fwver })
    }

    /// The shortest path that both templates read. With `differently`, the shortest path that the two templates
    /// read with different values for their macros, where such a path is found; otherwise the shortest path that
    /// they split into literals and macros in different ways.
    pub(crate) fn common_path(
        &self,
        other: &Self,
        differently: bool,
        budget: &mut Budget,
    ) -> Result<Option<String>, TooMuchWork> {
        let Some(shortest) = self.common_split(other, differently, budget)? else {
            return Ok(None);
        };
        if !differently || self.differs(other, &shortest) {
            return Ok(Some(shortest));
        }
        // `.cfg.cfg` is split by `{MODEL}.cfg` and `.cfg{MODEL}` in two ways, and the model is `.cfg` in both.
        let telling = self.telling_path(other, budget)?;
        Ok(Some(telling.unwrap_or(shortest)))
    }

    /// Whether two templates read a path with different values, or one reads it in two ways. A template that
    /// splits a path in two ways always reads it with different values: the template's parts are the same, in the same
    /// order.
    fn differs(&self, other: &Self, path: &str) -> bool {
        std::ptr::eq(self, other) || self.read(path) != other.read(path)
    }

    /// The shortest path that both read with different values, among the first few that lead to each pair of
    /// places.
    fn telling_path(
        &self,
        other: &Self,
        budget: &mut Budget,
    ) -> Result<Option<String>, TooMuchWork> {
        let alphabet = alphabet(&[self, other]);
        let start = (self.start(), other.start());
        let mut visits = BTreeMap::from([(start, 1)]);
        let mut reached = vec![Reached {
            place: start,
            before: None,
        }];
        let mut next = 0;
        while let Some(&Reached { place, .. }) = reached.get(next) {
            let (mine, theirs) = place;
            if self.accepts(mine) && other.accepts(theirs) {
                let path = path_back(&reached, next);
                if self.differs(other, &path) {
                    return Ok(Some(path));
                }
            }
            budget.spend(alphabet.len())?;
            for &byte in &alphabet {
                for (to_mine, _) in self.step(mine, byte) {
                    for (to_theirs, _) in other.step(theirs, byte) {
                        let to = (to_mine, to_theirs);
                        let visited = visits.entry(to).or_insert(0);
                        if *visited < MAX_PATHS {
                            *visited += 1;
                            reached.push(Reached {
                                place: to,
                                before: Some((next, byte)),
                            });
                        }
                    }
                }
            }
            next += 1;
        }
        Ok(None)
    }

    /// The shortest path that both read; with `differently`, that they split in different ways.
    fn common_split(
        &self,
        other: &Self,
        differently: bool,
        budget: &mut Budget,
    ) -> Result<Option<String>, TooMuchWork> {
        // A breadth-first search through pairs of places, one in each template, that the same path leads
        // to. `differ` stays true once the two have read a character as part of different macros: then they
        // split the path in different ways, whatever comes after. What is found first is shortest, which is
        // what an operator wants to see as the example of two names that clash.
        let alphabet = alphabet(&[self, other]);
        let start = (self.start(), other.start(), false);
        // From each place that was reached, the place before it and the character between.
        let mut came_from = BTreeMap::from([(start, None)]);
        let mut queue = VecDeque::from([start]);
        while let Some(place) = queue.pop_front() {
            let (mine, theirs, differ) = place;
            if (differ || !differently) && self.accepts(mine) && other.accepts(theirs) {
                return Ok(Some(path_to(place, &came_from)));
            }
            budget.spend(alphabet.len())?;
            for &byte in &alphabet {
                for (to_mine, my_symbol) in self.step(mine, byte) {
                    for (to_theirs, their_symbol) in other.step(theirs, byte) {
                        let differ = differ || number_of(my_symbol) != number_of(their_symbol);
                        let to = (to_mine, to_theirs, differ);
                        came_from.entry(to).or_insert_with(|| {
                            queue.push_back(to);
                            Some((place, byte))
                        });
                    }
                }
            }
        }
        Ok(None)
    }

    /// Whether `other` reads every path that this one reads.
    pub(crate) fn within(&self, other: &Self, budget: &mut Budget) -> Result<bool, TooMuchWork> {
        // `other` may be in several places after one path, and reads the path if any of them accepts. So
        // one place of this template stands beside the whole set of the other's.
        let alphabet = alphabet(&[self, other]);
        let start = (self.start(), BTreeSet::from([other.start()]));
        let mut seen = BTreeSet::from([start.clone()]);
        let mut queue = vec![start];
        while let Some((mine, theirs)) = queue.pop() {
            if self.accepts(mine) && !theirs.iter().any(|state| other.accepts(*state)) {
                return Ok(false);
            }
            budget.spend(alphabet.len() * (1 + theirs.len()))?;
            for &byte in &alphabet {
                for (to_mine, _) in self.step(mine, byte) {
                    let to_theirs = theirs.iter().flat_map(|state| other.step(*state, byte));
                    let to = (to_mine, to_theirs.map(|(state, _)| state).collect());
                    if seen.insert(to.clone()) {
                        queue.push(to);
                    }
                }
            }
        }
        Ok(true)
    }

    fn start(&self) -> State {
        State {
            symbol: 0,
            progress: START,
        }
    }

    /// Where one more character leads to, and what it is there: on within the symbol, or, where
    /// that may end, into the next.
    fn step(&self, state: State, byte: u8) -> impl Iterator<Item = (State, Symbol)> + use<> {
        let within = self.advance(state, byte);
        let next = State {
            symbol: state.symbol + 1,
            progress: START,
        };
        let beyond = self
            .complete(state)
            .then(|| self.advance(next, byte))
            .flatten();
        [within, beyond].into_iter().flatten()
    }

    fn advance(&self, state: State, byte: u8) -> Option<(State, Symbol)> {
        let symbol = *self.symbols.get(state.symbol)?;
        let progress = match symbol {
            Symbol::Byte(wanted) => (state.progress == START && wanted == byte).then_some(1)?,
            Symbol::Macro(each) => each.advance(state.progress, byte)?,
        };
        Some((State { progress, ..state }, symbol))
    }

    fn complete(&self, state: State) -> bool {
        match self.symbols.get(state.symbol) {
            Some(Symbol::Byte(_)) => state.progress != START,
            Some(Symbol::Macro(each)) => each.complete(state.progress),
            None => false,
        }
    }

    fn accepts(&self, state: State) -> bool {
        state.symbol + 1 == self.symbols.len() && self.complete(state)
    }
}

/// The thing that a symbol says something about, as an index of [`Spans`].
fn number_of(symbol: Symbol) -> Option<usize> {
    match symbol {
        Symbol::Byte(_) => None,
        Symbol::Macro(Macro::MacUpper | Macro::MacLower | Macro::MacColons) => Some(0),
        Symbol::Macro(Macro::Model) => Some(1),
        Symbol::Macro(Macro::Fwver) => Some(2),
    }
}

fn extended(mut spans: Spans, symbol: Symbol, at: usize) -> Spans {
    if let Some(span) = number_of(symbol).and_then(|number| spans.get_mut(number)) {
        let begin = span.map_or(at, |(begin, _)| begin);
        *span = Some((begin, at + 1));
    }
    spans
}

/// Every literal of the templates, and one of each kind of character that stands in none of them.
fn alphabet(automata: &[&Automaton]) -> Vec<u8> {
    let symbols = || automata.iter().flat_map(|automaton| &automaton.symbols);
    let literals: BTreeSet<u8> = symbols()
        .filter_map(|symbol| match symbol {
            Symbol::Byte(byte) => Some(*byte),
            Symbol::Macro(_) => None,
        })
        .collect();
    // A literal may use up a representative: its kind then needs another.
    let spares = (b'0'..=b'9').chain(b'A'..=b'Z').chain(b'a'..=b'z');
    let mut alphabet: Vec<u8> = REPRESENTATIVES.to_vec();
    for spare in spares {
        let kind = kind(spare);
        let covered = |byte: &&u8| !literals.contains(byte) && self::kind(**byte) == kind;
        if !literals.contains(&spare) && !alphabet.iter().any(|byte| covered(&byte)) {
            alphabet.push(spare);
        }
    }
    alphabet.extend(
        literals
            .iter()
            .filter(|byte| !REPRESENTATIVES.contains(byte)),
    );
    alphabet
}

/// Characters of one kind are the same to every macro.
fn kind(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => b'4',
        b'A'..=b'F' => b'C',
        b'a'..=b'f' => b'c',
        b'G'..=b'Z' => b'K',
        b'g'..=b'z' => b'k',
        other => other,
    }
}

/// The characters that led to a place.
fn path_back(reached: &[Reached], at: usize) -> String {
    let mut bytes = Vec::new();
    let mut at = at;
    while let Some((before, byte)) = reached.get(at).and_then(|one| one.before) {
        bytes.push(char::from(byte));
        at = before;
    }
    bytes.into_iter().rev().collect()
}

fn path_to<P: Copy + Ord>(place: P, came_from: &BTreeMap<P, Option<(P, u8)>>) -> String {
    let mut bytes = Vec::new();
    let mut at = place;
    while let Some(Some((before, byte))) = came_from.get(&at) {
        bytes.push(char::from(*byte));
        at = *before;
    }
    bytes.into_iter().rev().collect()
}
