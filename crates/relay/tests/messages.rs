//! What the program says to whoever got something wrong: it must name the key and what to do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::net::{TcpListener, UdpSocket};
use std::process::{Command, Output};

const GOOD: &str = r#"
[pool]
url = "wss://ringfence.example/relay/v1"
credential = "rfr_test"
[sip]
bind = ["127.0.0.1:0"]
from = "sip:prov@pbx.example"
[destinations]
allow = ["198.51.100.0/24"]
[http]
listen = "127.0.0.1:0"
"#;

/// Runs the program with `config` as its file.
fn relay(config: &str, args: &[&str]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("relay.toml");
    std::fs::write(&path, config).unwrap();
    Command::new(env!("CARGO_BIN_EXE_ringfence-relay"))
        .args(args)
        .arg("--config")
        .arg(&path)
        .output()
        .unwrap()
}

fn says(output: &Output, message: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    for message in message {
        assert!(said.contains(message), "{message:?} is not in: {said}");
    }
}

#[test]
fn a_good_configuration_is_fit_to_run() {
    let output = relay(GOOD, &["--check"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stdout, b"the configuration is fit to run\n");
}

#[test]
fn what_cannot_run_is_told_with_its_key_and_what_to_do() {
    for (from, to, message) in [
        ("wss:", "http:", ["pool.url", "write wss://HOST/relay/v1"]),
        (
            "credential =",
            "credential_file =",
            ["pool.credential_file", "write the credential there"],
        ),
        (
            "credential",
            "credentail",
            ["unknown field `credentail`", "`credential_file`"],
        ),
        (
            "[destinations]",
            "[destination]",
            ["unknown field `destination`", "`destinations`"],
        ),
        (
            "127.0.0.1:0\"]",
            "127.0.0.1\"]",
            ["sip.bind", "198.51.100.20:5070"],
        ),
        (
            "127.0.0.1:0\"]",
            "::1:5070\"]",
            ["sip.bind", "[2001:db8::20]:5070"],
        ),
        // TEST-NET-1: no machine has it.
        (
            "127.0.0.1:0\"]",
            "192.0.2.77:5070\"]",
            ["sip.bind", "`ip address` lists"],
        ),
        (
            "\"198.51.100.0/24\"",
            "",
            ["destinations.allow", "name the networks"],
        ),
        (
            "198.51.100.0/24",
            "198.51.100.7",
            ["destinations.allow", "198.51.100.7/32"],
        ),
        (
            "listen = \"127",
            "listen = \"0",
            ["http.listen", "use 127.0.0.1:"],
        ),
    ] {
        let text = GOOD.replace(from, to);
        assert_ne!(text, GOOD);
        let output = relay(&text, &["--check"]);
        assert_eq!(output.status.code(), Some(2), "{from} → {to}: {output:?}");
        says(&output, &message);
    }
    let missing = Command::new(env!("CARGO_BIN_EXE_ringfence-relay"))
        .args(["--config", "/nowhere/relay.toml", "--check"])
        .output()
        .unwrap();
    says(
        &missing,
        &["/nowhere/relay.toml", "--config names the file"],
    );
}

#[test]
fn a_second_relay_on_a_host_is_told_which_keys_to_change() {
    let sip = UdpSocket::bind("127.0.0.1:0").unwrap();
    let http = TcpListener::bind("127.0.0.1:0").unwrap();
    let sip_taken = GOOD.replace(
        "bind = [\"127.0.0.1:0\"]",
        &format!("bind = [\"{}\"]", sip.local_addr().unwrap()),
    );
    let http_taken = GOOD.replace(
        "listen = \"127.0.0.1:0\"",
        &format!("listen = \"{}\"", http.local_addr().unwrap()),
    );
    for (config, key, example) in [
        (
            &sip_taken,
            "sip.bind",
            "for example `sip.bind = [\"127.0.0.1:",
        ),
        (
            &http_taken,
            "http.listen",
            "for example `http.listen = \"127.0.0.1:",
        ),
    ] {
        // It may be the relay that runs already: no error yet.
        let checked = relay(config, &["--check"]);
        assert!(checked.status.success(), "{checked:?}");
        says(&checked, &[key, "is in use now"]);
        let run = relay(config, &[]);
        assert_eq!(run.status.code(), Some(1), "{run:?}");
        says(&run, &[key, "Another relay", example]);
    }
}

#[test]
fn send_says_what_to_do_about_a_target_it_may_not_send_to() {
    let config = GOOD.replace("allow =", "domains = [\"pbx.example\"]\nallow =");
    for (args, message) in [
        (
            &["send", "sip:1@127.0.0.1"][..],
            "names a network inside 127.0.0.0/8",
        ),
        (
            &["send", "sip:1@203.0.113.9"],
            "in none of the networks of `destinations.allow`",
        ),
        (
            &["send", "sip:1@198.51.100.7:53"],
            "outside `destinations.port_min` to `port_max`, 1024 to 65535",
        ),
        (
            &["send", "sip:1@other.example"],
            "it is not in `destinations.domains`",
        ),
    ] {
        let output = relay(&config, args);
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(message) && said.contains("to do"), "{said}");
    }
    let output = relay(
        &config,
        &["send", "\"Front Desk\" <sip:1@other.example>;q=1"],
    );
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("NOTIFY sip:1@other.example, "), "{said}");
    let output = relay(&config, &["send", "201/sip:201@198.51.100.7"]);
    says(&output, &["write what follows the slash"]);
    let output = relay(GOOD, &["send", "--targets-file", "/nowhere/targets"]);
    says(&output, &["--targets-file /nowhere/targets"]);
}
