//! Where the static parts are: the names hold a hash of what is in them, so they are kept for ever.

/// The one style sheet.
pub const CSS: &str = env!("CONSOLE_CSS");
/// Shows times in the viewer's zone.
pub const JS: &str = env!("CONSOLE_JS");
/// htmx, on pages that bring themselves up to date.
pub const HTMX: &str = env!("CONSOLE_HTMX");
/// The icon.
pub const ICON: &str = env!("CONSOLE_ICON");
/// The editor of templates, on the pages that have one.
pub const EDITOR: &str = env!("CONSOLE_EDITOR");
