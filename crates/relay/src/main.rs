//! `ringfence-relay`: see `--help`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use ringfence_relay::cli::{self, Command};
use ringfence_relay::config::{Finding, check, load, on_this_machine};
use ringfence_relay::run::Relay;
use ringfence_relay::{log, send};
use ringfence_wire::Secret;
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let command = match cli::parse(std::env::args_os().skip(1)) {
        Ok(command) => command,
        Err(error) => return fail(2, &format!("{error}\nSee --help.")),
    };
    // One core is enough for thousands of NOTIFYs a second, and one thread needs no locks.
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(1, &error.to_string()),
    };
    match command {
        Command::Print(text) => {
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Command::Run { config, check } => runtime.block_on(run(config, check)),
        Command::Send(mut options) => {
            options.password = std::env::var("RINGFENCE_SIP_PASSWORD")
                .ok()
                .map(Secret::new);
            match runtime.block_on(send::send(*options, std::env::vars())) {
                Ok(true) => ExitCode::SUCCESS,
                Ok(false) => ExitCode::from(1),
                Err(error) => fail(2, &error.to_string()),
            }
        }
    }
}

async fn run(config: Option<PathBuf>, only_check: bool) -> ExitCode {
    let file = match load(config.as_deref(), std::env::vars()) {
        Ok(file) => file,
        Err(error) => return fail(2, &error.to_string()),
    };
    let checked = check(&file, true);
    say(&checked.findings);
    let Some(settings) = checked.settings else {
        return ExitCode::from(2);
    };
    if only_check {
        let findings = on_this_machine(&settings);
        say(&findings);
        if findings.iter().any(|finding| finding.error) {
            return ExitCode::from(2);
        }
        let _ = std::io::stdout().write_all(b"the configuration is fit to run\n");
        return ExitCode::SUCCESS;
    }
    if let Err(error) = log::start(&file.log) {
        return fail(2, &error.to_string());
    }
    let (mut term, mut int) = match (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) {
        (Ok(term), Ok(int)) => (term, int),
        (Err(error), _) | (_, Err(error)) => return fail(1, &error.to_string()),
    };
    let relay = match Relay::open(settings).await {
        Ok(relay) => relay,
        Err(error) => return fail(1, &error.to_string()),
    };
    relay
        .run(async move {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
        })
        .await;
    ExitCode::SUCCESS
}

fn say(findings: &[Finding]) {
    let mut err = std::io::stderr().lock();
    for finding in findings {
        let _ = writeln!(err, "{finding}");
    }
}

fn fail(code: u8, message: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "ringfence-relay: {message}");
    ExitCode::from(code)
}
