//! The command line, and nothing else.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use lexopt::prelude::{Long, Short, Value, ValueExt};
use ringfence_sip_notify::Transport;
use ringfence_wire::{Header, Secret};

/// What `--help` says.
pub const HELP: &str = "\
ringfence-relay: sends a pool's NOTIFYs over UDP, TCP or TLS

  ringfence-relay [--config FILE] [--check]
      Runs, until SIGTERM or SIGINT. --check only says what is wrong with the configuration.
      Variables RINGFENCE_RELAY_<SECTION>_<KEY> override the file.

  ringfence-relay send sip:USER@HOST [--event check-sync] [options]
      Sends one NOTIFY without a pool, and explains the answer.
      --config FILE       sockets, proxy and allowed destinations as there; without it the system's
                          own address, and any destination
      --address HOST:PORT send there, whatever the SIP address says
      --route URI         through this proxy
      --transport tcp     over a connection (tcp, tls) to the proxy of --route, or to the host of
                          the SIP address
      --ca FILE           certificates in PEM that sign the proxy's, beside the system's
      --header 'NAME: VALUE'   one more header, may be repeated
      --body TEXT  --content-type TYPE
      --username NAME     for a challenge; the password is in RINGFENCE_SIP_PASSWORD
      --realm REALM
      --bind ADDRESS:PORT send from there
      --allow NETWORK     an allowed destination, may be repeated
      --json              the result for machines

  ringfence-relay send --count N [--rate R] [--in-flight M] [--targets-file FILE] [sip:…] --json
      Sends N, R in a second (0: as fast as it goes), to the lines of FILE in turn (a SIP address,
      then maybe an address to send to), and counts. For measuring a network of your own.

  --version, --help
";

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Print this.
    Print(String),
    /// Run the relay.
    Run {
        /// The file.
        config: Option<PathBuf>,
        /// Only check.
        check: bool,
    },
    /// Send without a pool.
    Send(Box<SendOptions>),
}

/// Options of `send`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendOptions {
    /// The SIP address.
    pub target: Option<String>,
    /// The file.
    pub config: Option<PathBuf>,
    /// Text of the Event header.
    pub event: String,
    /// Where to send.
    pub address: Option<String>,
    /// A proxy.
    pub route: Option<String>,
    /// Over what to reach it.
    pub transport: Transport,
    /// Certificates beside the system's.
    pub ca: Option<PathBuf>,
    /// More headers.
    pub headers: Vec<Header>,
    /// A body.
    pub body: Option<String>,
    /// Its type.
    pub content_type: Option<String>,
    /// For a challenge.
    pub username: Option<String>,
    /// From the environment.
    pub password: Option<Secret>,
    /// Answer only this one's challenges.
    pub realm: Option<String>,
    /// Where to send from.
    pub bind: Vec<SocketAddr>,
    /// Where to send.
    pub allow: Vec<IpNet>,
    /// For machines.
    pub json: bool,
    /// How many; `None`: one, explained.
    pub count: Option<u64>,
    /// In a second, 0 for no limit.
    pub rate: u32,
    /// At one time.
    pub in_flight: u32,
    /// SIP addresses, one a line.
    pub targets_file: Option<PathBuf>,
}

impl Default for SendOptions {
    fn default() -> Self {
        Self {
            target: None,
            config: None,
            event: "check-sync".into(),
            address: None,
            route: None,
            transport: Transport::Udp,
            ca: None,
            headers: Vec::new(),
            body: None,
            content_type: None,
            username: None,
            password: None,
            realm: None,
            bind: Vec::new(),
            allow: Vec::new(),
            json: false,
            count: None,
            rate: 0,
            in_flight: 50_000,
            targets_file: None,
        }
    }
}

/// Reads the arguments after the program's name.
pub fn parse(args: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Command, lexopt::Error> {
    let mut parser = lexopt::Parser::from_args(args);
    let (mut config, mut check) = (None, false);
    while let Some(arg) = parser.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(Command::Print(HELP.into())),
            Short('V') | Long("version") => {
                return Ok(Command::Print(format!(
                    "ringfence-relay {}\n",
                    env!("CARGO_PKG_VERSION")
                )));
            }
            Short('c') | Long("config") => config = Some(parser.value()?.into()),
            Long("check") => check = true,
            Value(word) if word == "run" => {}
            Value(word) if word == "send" => return send(parser, config),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Run { config, check })
}

fn send(mut parser: lexopt::Parser, config: Option<PathBuf>) -> Result<Command, lexopt::Error> {
    let mut to = SendOptions {
        config,
        ..SendOptions::default()
    };
    while let Some(arg) = parser.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(Command::Print(HELP.into())),
            Short('c') | Long("config") => to.config = Some(parser.value()?.into()),
            Long("event") => to.event = parser.value()?.string()?,
            Long("address") => to.address = Some(parser.value()?.string()?),
            Long("route") => to.route = Some(parser.value()?.string()?),
            Long("transport") => {
                let name = parser.value()?.string()?;
                to.transport = Transport::parse(&name)
                    .ok_or_else(|| format!("`{name}`: --transport takes udp, tcp or tls"))?;
            }
            Long("ca") => to.ca = Some(parser.value()?.into()),
            Long("header") => to.headers.push(header(&parser.value()?.string()?)?),
            Long("body") => to.body = Some(parser.value()?.string()?),
            Long("content-type") => to.content_type = Some(parser.value()?.string()?),
            Long("username") => to.username = Some(parser.value()?.string()?),
            Long("realm") => to.realm = Some(parser.value()?.string()?),
            Long("bind") => to.bind.push(read(
                &parser.value()?.string()?,
                "--bind takes ADDRESS:PORT, for example 198.51.100.20:5070 or [2001:db8::20]:5070",
            )?),
            Long("allow") => to.allow.push(read(
                &parser.value()?.string()?,
                "--allow takes a network, for example 198.51.100.0/24; one address is 198.51.100.7/32",
            )?),
            Long("json") => to.json = true,
            Long("count") => to.count = Some(parser.value()?.parse()?),
            Long("rate") => to.rate = parser.value()?.parse()?,
            Long("in-flight") => to.in_flight = parser.value()?.parse()?,
            Long("targets-file") => to.targets_file = Some(parser.value()?.into()),
            Value(word) if to.target.is_none() => to.target = Some(word.string()?),
            other => return Err(other.unexpected()),
        }
    }
    if to.target.is_none() && to.targets_file.is_none() {
        return Err("send needs a SIP address, for example sip:101@pbx.example".into());
    }
    Ok(Command::Send(Box::new(to)))
}

fn read<T: std::str::FromStr>(text: &str, takes: &str) -> Result<T, lexopt::Error> {
    text.parse()
        .map_err(|_| format!("`{text}`: {takes}").into())
}

fn header(text: &str) -> Result<Header, lexopt::Error> {
    let (name, value) = text
        .split_once(':')
        .ok_or_else(|| format!("`{text}` is no header: write 'Name: value'"))?;
    Ok(Header {
        name: name.trim().to_owned(),
        value: value.trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
    use super::*;

    fn parse(line: &str) -> Result<Command, lexopt::Error> {
        super::parse(line.split(' ').filter(|w| !w.is_empty()).map(Into::into))
    }

    #[test]
    fn without_a_command_the_relay_runs() {
        let run = |config: Option<&str>, check| Command::Run {
            config: config.map(Into::into),
            check,
        };
        assert_eq!(parse("").unwrap(), run(None, false));
        assert_eq!(
            parse("--config a.toml --check").unwrap(),
            run(Some("a.toml"), true)
        );
        assert_eq!(parse("run -c a.toml").unwrap(), run(Some("a.toml"), false));
    }

    #[test]
    fn send_takes_a_target_and_its_options() {
        let Command::Send(options) = parse(
            "send sip:101@pbx.example --event resync --header X-A:1 --allow 198.51.100.0/24 --json",
        )
        .unwrap() else {
            panic!("not send");
        };
        assert_eq!(options.target.as_deref(), Some("sip:101@pbx.example"));
        assert_eq!((options.event.as_str(), options.json), ("resync", true));
        assert_eq!(options.headers[0].name, "X-A");
        assert_eq!(options.allow.len(), 1);
    }

    #[test]
    fn an_address_of_another_shape_is_told_how_to_write_it() {
        for (line, message) in [
            ("send sip:a --bind 127.0.0.1", "ADDRESS:PORT"),
            ("send sip:a --allow 198.51.100.7", "/32"),
            ("send sip:a --transport sctp", "udp, tcp or tls"),
        ] {
            let error = parse(line).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "send",
            "send a b",
            "--colour",
            "send sip:a --header x",
            "send sip:a --count many",
            "dance",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
