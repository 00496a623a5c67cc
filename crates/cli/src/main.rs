//! `ringfence`: see `--help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ringfence_cli::cli::main()
}
