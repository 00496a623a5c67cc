//! The command line of Ringfence: a fleet of phones from a terminal, from a file and from git.
//!
//! What it can do is a table of [verbs](verb): each says which call of the API it is, what it takes and how its answer
//! is shown. Where one call is not enough, a verb is a function of [`command`]. [`cli`] makes the command line, its
//! help, completions and man pages from the table.

pub mod cli;
pub mod client;
pub mod command;
pub mod failure;
pub mod given;
pub mod output;
pub mod profile;
pub mod secret;
pub mod session;
pub mod table;
pub mod verb;
pub mod words;
pub mod wrapped;
