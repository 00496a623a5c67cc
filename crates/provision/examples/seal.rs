//! Seals standard input with the reference implementation, and writes the file to standard output:
//!
//! ```sh
//! RINGFENCE_KEY=… cargo run -p ringfence-provision --example seal -- utg-128 0102030405060708
//! ```
//!
//! The end-to-end tests hold what the Worker seals by WebCrypto to these bytes. The passphrase comes
//! by the environment: arguments can be read by every user of a machine.

use ringfence_provision::vendor;
use std::error::Error;
use std::io::{Read as _, Write as _};

const USAGE: &str = "usage: RINGFENCE_KEY=… seal PROFILE SALT-OF-16-HEX-DIGITS <plain >sealed";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(profile), Some(salt), None) = (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err(USAGE.into());
    };
    let profile = vendor::profile(&profile).ok_or(USAGE)?;
    if salt.len() != 16 {
        return Err(USAGE.into());
    }
    let salt = u64::from_str_radix(&salt, 16)?.to_be_bytes();
    let key = std::env::var("RINGFENCE_KEY").map_err(|_| USAGE)?;
    let mut plain = Vec::new();
    std::io::stdin().read_to_end(&mut plain)?;
    std::io::stdout().write_all(&profile.seal(&key, salt, &plain))?;
    Ok(())
}
