//! The console's pages: what is shown, without the Worker around it.
//!
//! A page is a [`shell::Shell`] and a list of [`part::Section`]s, filled from what the API answered
//! ([`data`]). The templates escape whatever is put into them; nothing here writes HTML. All words are in
//! [`text`] and [`reason`].

pub mod assets;
pub mod chart;
pub mod data;
pub mod device;
pub mod explain;
pub mod fleet;
pub mod history;
pub mod href;
pub mod import;
pub mod lint;
pub mod lists;
pub mod marks;
pub mod part;
pub mod problem;
pub mod reach;
pub mod reason;
pub mod settings;
pub mod shell;
pub mod sign_in;
pub mod start;
pub mod text;
pub mod time;
pub mod trial;
pub mod vocabulary;
