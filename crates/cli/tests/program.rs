//! The program itself, without an installation: its exit codes, and where it speaks.

#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};

fn ringfence(args: &[&str]) -> Output {
    ringfence_with(args, &[])
}

fn ringfence_with(args: &[&str], env: &[(&str, &str)]) -> Output {
    let home = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_ringfence"))
        .args(args)
        .env_clear()
        .env("HOME", home.path())
        .envs(env.iter().copied())
        .output()
        .unwrap()
}

/// Somebody has a token.
const TOKEN: &[(&str, &str)] = &[("RINGFENCE_TOKEN", "rf_1_Harbour")];

fn outcome_of(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn help_and_version_are_answers() {
    let (code, out, err) = outcome_of(&ringfence(&["--version"]));
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_eq!(out, format!("ringfence {}\n", env!("CARGO_PKG_VERSION")));
    let (code, out, _) = outcome_of(&ringfence(&["devices", "list", "--help"]));
    assert_eq!(code, Some(0));
    assert!(out.contains("--never-seen"), "{out}");
}

#[test]
fn what_is_wrong_with_the_command_line_is_two_on_standard_error() {
    for args in [
        &["devices"][..],
        &["devices", "lst"],
        &["devices", "list", "--no-such"],
        &["devices", "show"],
        &["devices", "list", "--state", "asleep"],
        &["devices", "list", "--json", "--csv"],
        &["tenants", "list"],
        &["tenants", "list", "--url", "not a url"],
        &[
            "phone",
            "https://a.example/s",
            "--mac",
            "desk",
            "--model",
            "KX-UTG300B",
        ],
        &["plan", "no-such-folder", "--url", "http://127.0.0.1:9"],
        &["profiles", "use", "nobody"],
    ] {
        let (code, out, err) = outcome_of(&ringfence(args));
        assert_eq!((code, out.as_str()), (Some(2), ""), "{args:?}: {err}");
        assert!(!err.is_empty() && !err.contains("panicked"), "{args:?}");
    }
}

#[test]
fn what_destroys_is_refused_where_nobody_can_be_asked() {
    let about = [
        "--url",
        "http://127.0.0.1:9",
        "--tenant",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    ];
    for args in [
        &["operations", "create", "delete", "--all"][..],
        &["operations", "create", "rekey", "--model", "KX-UTG300B"],
        &["operations", "create", "disable", "--all"],
        &["devices", "rekey", "0080F0C571EB"],
        &["devices", "remove", "0080F0C571EB"],
        &["webhooks", "remove", "01ARZ3NDEKTSV4RRFFQ69G5FAV"],
    ] {
        let args = [args, &about].concat();
        let (code, out, err) = outcome_of(&ringfence_with(&args, TOKEN));
        assert_eq!((code, out.as_str()), (Some(2), ""), "{args:?}: {err}");
        assert!(err.contains("repeat the command with --yes"), "{err}");
        // Nobody answers at that address: what is asked there ends otherwise.
        let (code, _, err) = outcome_of(&ringfence_with(&[args, vec!["--yes"]].concat(), TOKEN));
        assert_eq!(code, Some(3), "{err}");
    }
}

#[test]
fn a_command_without_a_token_is_not_configured() {
    let (code, out, err) = outcome_of(&ringfence(&[
        "tenants",
        "list",
        "--url",
        "http://127.0.0.1:9",
    ]));
    assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
    assert!(err.contains("RINGFENCE_TOKEN"), "{err}");
    // What nobody needs a token for is asked.
    let (code, _, err) = outcome_of(&ringfence(&["health", "--url", "http://127.0.0.1:9"]));
    assert_eq!(code, Some(3), "{err}");
}

#[test]
fn help_is_asked_for_by_its_word_too() {
    for (args, said_of) in [
        (&["help"][..], "Usage: ringfence"),
        (&["help", "devices"], "Usage: ringfence devices"),
        (
            &["help", "devices", "list"],
            "Usage: ringfence devices list",
        ),
        (
            &["devices", "help", "list"],
            "Usage: ringfence devices list",
        ),
    ] {
        let (code, out, err) = outcome_of(&ringfence(args));
        assert_eq!(code, Some(0), "{err}");
        assert!(out.contains(said_of), "{args:?}: {out}");
    }
}

#[test]
fn what_is_missing_or_not_to_be_chosen_is_named_without_a_call() {
    for (args, named) in [
        (&["tests", "add"][..], "--parameter"),
        (
            &[
                "webhooks",
                "create",
                "--name",
                "a",
                "--to",
                "https://a.example",
            ],
            "--kind",
        ),
        (
            &[
                "webhooks",
                "create",
                "--name",
                "a",
                "--to",
                "https://a.example",
                "--kind",
                "all",
            ],
            "file.broken",
        ),
        (&["devices", "list", "--sort", "-nobody"], "-last_seen"),
    ] {
        let (code, out, err) = outcome_of(&ringfence_with(args, TOKEN));
        assert_eq!((code, out.as_str()), (Some(2), ""), "{args:?}: {err}");
        assert!(err.contains(named), "{err}");
    }
    let sorted = [
        "devices",
        "list",
        "--sort",
        "-last_seen",
        "--url",
        "http://127.0.0.1:9",
    ];
    assert_eq!(outcome_of(&ringfence_with(&sorted, TOKEN)).0, Some(3));
}

#[test]
fn a_file_is_checked_without_an_installation() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.cfg");
    std::fs::write(&path, "X=\"1\"\n").unwrap();
    let path = path.to_str().unwrap();
    let (code, out, err) = outcome_of(&ringfence(&["lint", path, "--family", "ut", "--json"]));
    assert_eq!(code, Some(4), "{err}");
    let findings: serde_json::Value = serde_json::from_str(&out).unwrap();
    let first = findings.get(0).unwrap();
    assert_eq!(first.get("severity").unwrap(), "error");
    assert!(first.get("line").unwrap().as_u64().unwrap() > 0);
    let (code, _, err) = outcome_of(&ringfence(&["lint", path, "--family", "nobody"]));
    assert_eq!(code, Some(2));
    assert!(err.contains("no family"), "{err}");
}

#[test]
fn completions_know_every_verb() {
    let (code, out, _) = outcome_of(&ringfence(&["completions", "bash"]));
    assert_eq!(code, Some(0));
    for verb in ringfence_cli::verb::all() {
        let last = verb.words.split(' ').next_back().unwrap();
        assert!(out.contains(last), "{}", verb.words);
    }
}
