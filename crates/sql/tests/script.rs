//! Scripts as the statements that they have, held to what SQLite reads.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::Path;

use proptest::prelude::*;
use ringfence_sql::statements;
use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::{Batch, Connection};

/// What SQLite reads as statements, each as it stands in the script, with what stands before it. They are run,
/// so that the next one finds its tables.
fn by_sqlite(connection: &Connection, script: &str) -> rusqlite::Result<Vec<String>> {
    let mut batch = Batch::new(connection, script);
    let mut found = Vec::new();
    while let Some(mut statement) = batch.next()? {
        found.push(statement.expanded_sql().unwrap());
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
    }
    Ok(found)
}

/// Holds the reading of a script to SQLite's.
fn compare(connection: &Connection, script: &str) {
    let theirs = by_sqlite(connection, script).unwrap_or_else(|error| panic!("{error}: {script}"));
    let ours = statements(script);
    assert_eq!(ours.len(), theirs.len(), "{ours:#?}\n{theirs:#?}");
    for (ours, theirs) in ours.iter().zip(&theirs) {
        // SQLite leaves the comments before a statement with it, and the semicolon.
        let theirs = theirs.trim_end().trim_end_matches(';').trim_end();
        let at = theirs
            .rfind(ours)
            .unwrap_or_else(|| panic!("{ours:?} is not in {theirs:?}"));
        assert_eq!(statements(&theirs[..at]), [""; 0], "before {ours:?}");
        assert_eq!(
            statements(&theirs[at + ours.len()..]),
            [""; 0],
            "behind {ours:?}"
        );
    }
}

#[test]
fn every_migration_is_read_as_sqlite_reads_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "sql"))
        .collect();
    files.sort();
    assert!(files.len() >= 17);
    let connection = Connection::open_in_memory().unwrap();
    for file in files {
        compare(&connection, &std::fs::read_to_string(file).unwrap());
    }
}

#[test]
fn semicolons_end_statements_and_nothing_else() {
    for (script, expected) in [
        ("", &[] as &[&str]),
        (" ;; -- nothing;\n ; /* ; */ ;", &[]),
        ("SELECT 1", &["SELECT 1"]),
        ("SELECT 1;SELECT 2 ;", &["SELECT 1", "SELECT 2"]),
        (
            "SELECT ';''' ; SELECT \";\"\"\"",
            &["SELECT ';'''", "SELECT \";\"\"\""],
        ),
        (
            "SELECT [;'], `;``'`; SELECT 2",
            &["SELECT [;'], `;``'`", "SELECT 2"],
        ),
        (
            "SELECT 1 -- ;'\n + 2; SELECT /*;'*/ 3",
            &["SELECT 1 -- ;'\n + 2", "SELECT /*;'*/ 3"],
        ),
        ("SELECT 1 /*/ ; */; SELECT 2", &["SELECT 1", "SELECT 2"]),
        ("SELECT 'open; SELECT 2;", &["SELECT 'open; SELECT 2;"]),
        ("SELECT 1 /* open; SELECT 2;", &["SELECT 1"]),
        (
            "BEGIN; SELECT CASE WHEN 1 THEN 2 END; END; SELECT 3",
            &["BEGIN", "SELECT CASE WHEN 1 THEN 2 END", "END", "SELECT 3"],
        ),
        (
            "create temp /* ; */ trigger t after insert on a begin select 1; select case when 2 then 3 end; /*;*/ end ; SELECT 4",
            &[
                "create temp /* ; */ trigger t after insert on a begin select 1; select case when 2 then 3 end; /*;*/ end",
                "SELECT 4",
            ],
        ),
        (
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT \"END\"; SELECT 'END'; END; SELECT 1",
            &[
                "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT \"END\"; SELECT 'END'; END",
                "SELECT 1",
            ],
        ),
        (
            "EXPLAIN QUERY PLAN SELECT 1; SELECT trigger FROM a; SELECT 2",
            &[
                "EXPLAIN QUERY PLAN SELECT 1",
                "SELECT trigger FROM a",
                "SELECT 2",
            ],
        ),
        (
            "CREATE TABLE trigger_end (a); SELECT 1",
            &["CREATE TABLE trigger_end (a)", "SELECT 1"],
        ),
    ] {
        assert_eq!(statements(script), expected, "{script}");
    }
}

/// What a string, a name or a comment may hold to mislead.
fn misleading() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        ";",
        "'",
        "\"",
        "`",
        "[",
        "--",
        "/*",
        "*/",
        "/",
        "\n",
        " ",
        "END",
        ";END;",
        "BEGIN",
        "CASE",
        "CREATE TRIGGER",
        "é",
        "x",
    ]);
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn comment() -> impl Strategy<Value = String> {
    let gap = Just(" ".to_owned());
    let line = misleading().prop_map(|text| format!("--{}\n", text.replace('\n', " ")));
    let block = misleading().prop_map(|text| format!("/*{}.*/", text.replace("*/", "+")));
    prop_oneof![gap, Just("\n\t".to_owned()), line, block]
}

/// A statement that SQLite takes; `{n}` in it stands for a number that no other has.
fn statement() -> impl Strategy<Value = String> {
    let parts = (misleading(), misleading(), comment(), comment());
    (0..7, parts).prop_map(|(kind, (one, two, gap, other))| {
        let text = format!("'{}'", one.replace('\'', "''"));
        let name = format!("\"n{}\"", two.replace('"', "\"\""));
        let mark = format!("`n{}`", one.replace('`', "``"));
        let bracket = format!("[n{}]", two.replace([']', '['], ""));
        match kind {
            0 => format!("CREATE{gap}TABLE t{{n}} (a TEXT DEFAULT {text},{other}{name} INTEGER)"),
            1 => format!("INSERT INTO base (a){gap}VALUES ({text}),{other}({text} || ';')"),
            2 => format!("SELECT CASE WHEN a ={gap}{text} THEN 1 ELSE 2 END{other}AS {mark} FROM base"),
            3 => format!("UPDATE base SET a = {text}{gap}WHERE a = {text} AND{other}1 = 2"),
            4 => format!(
                "CREATE{gap}TRIGGER{other}r{{n}} AFTER INSERT ON base WHEN NEW.a = {text} BEGIN{gap}\
                 UPDATE base SET a = {text} WHERE 1 = 2;{other}SELECT CASE WHEN 1 THEN {text} END; END"
            ),
            5 => format!(
                "CREATE TEMP TRIGGER r{{n}}{gap}AFTER DELETE ON main.base{other}BEGIN SELECT {text};{gap}end"
            ),
            _ => format!("SELECT{gap}a AS {bracket}{other}FROM base"),
        }
    })
}

proptest! {
    #[test]
    fn a_script_is_read_as_sqlite_reads_it(
        parts in prop::collection::vec((statement(), comment(), 1..3_usize, comment()), 0..8),
        is_ended in any::<bool>(),
    ) {
        let mut script = String::new();
        for (n, (statement, before, semicolons, behind)) in parts.iter().enumerate() {
            script.push_str(before);
            script.push_str(&statement.replace("{n}", &n.to_string()));
            script.push_str(behind);
            if is_ended || n + 1 < parts.len() {
                script.push_str(&";".repeat(*semicolons));
            }
        }
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE base (a)").unwrap();
        compare(&connection, &script);
    }

    #[test]
    fn what_is_found_is_found_again(script in prop_oneof![
        any::<String>(),
        prop::collection::vec(misleading(), 0..12).prop_map(|pieces| pieces.concat()),
    ]) {
        let found = statements(&script);
        let mut rest = script.as_str();
        for statement in &found {
            let at = rest.find(statement).unwrap();
            rest = &rest[at + statement.len()..];
        }
        let again = found.join(";\n");
        prop_assert_eq!(statements(&again), found);
    }
}
