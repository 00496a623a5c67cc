//! Log lines on standard error, where a service manager or a container picks them up.

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Starts logging. The DNS library's own lines are kept to warnings unless asked for.
pub fn start(log: &Log) -> Result<(), String> {
    let filter = EnvFilter::try_new(format!(
        "hickory_resolver=warn,hickory_net=warn,{}",
        log.level
    ))
    .map_err(|error| format!("log.level `{}`: {error}", log.level))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false);
    match log.format {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    }
    .map_err(|error| error.to_string())
}
