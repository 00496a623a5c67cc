//! Log lines on standard error, where a service manager or a container picks them up.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::config::{Log, LogFormat};

/// Why nothing can be logged.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error(
        "`{0}` is none: write error, warn, info, debug or trace, or directives such as info,ringfence_relay=debug"
    )]
    Level(String),
    /// Something else logs already.
    #[error(transparent)]
    Started(Box<dyn std::error::Error + Send + Sync>),
}

/// What is to be logged, or what is wrong with saying so. The DNS library's own lines are kept to
/// warnings unless asked for.
pub fn directives(log: &Log) -> Result<EnvFilter, LogError> {
    let wrong = || LogError::Level(log.level.clone());
    // A bare word that is no level would be taken for a module's name, and nothing be logged.
    let bare = |word: &str| word.contains('=') || word.trim().parse::<LevelFilter>().is_ok();
    if !log.level.split(',').all(bare) {
        return Err(wrong());
    }
    EnvFilter::try_new(format!(
        "hickory_resolver=warn,hickory_net=warn,{}",
        log.level
    ))
    .map_err(|_| wrong())
}

/// Starts logging.
pub fn start(log: &Log) -> Result<(), LogError> {
    let filter = directives(log)?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false);
    match log.format {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    }
    .map_err(LogError::Started)
}
