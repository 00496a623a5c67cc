//! Seals standard input with the reference implementation, and writes the file to standard output:
//!
//! ```sh
//! RINGFENCE_KEY=… cargo run -p ringfence-provision --example seal -- utg-128 0102030405060708
//! ```
//!
//! The key, and in `RINGFENCE_IV` the IV where a phone is told one, are the texts that a bootstrap carries. The
//! salt is as long as the method's: 16 or 32 hexadecimal digits, and `-` where it has none.
//!
//! The end-to-end tests hold what the Worker seals by WebCrypto to these bytes. Keys come by the
//! environment: arguments can be read by every user of a machine.

use ringfence_provision::vendor;
use std::error::Error;
use std::io::{Read as _, Write as _};

const USAGE: &str = "usage: RINGFENCE_KEY=… [RINGFENCE_IV=…] seal PROFILE SALT <plain >sealed";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(profile), Some(salt), None) = (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err(USAGE.into());
    };
    let profile = vendor::profile(&profile).ok_or(USAGE)?;
    let salt = match salt.len() {
        _ if salt == "-" => 0,
        // A method takes its bytes from the front.
        16 => u128::from(u64::from_str_radix(&salt, 16)?) << 64,
        32 => u128::from_str_radix(&salt, 16)?,
        _ => return Err(USAGE.into()),
    };
    let key = std::env::var("RINGFENCE_KEY").map_err(|_| USAGE)?;
    let iv = std::env::var("RINGFENCE_IV").ok();
    let mut plain = Vec::new();
    std::io::stdin().read_to_end(&mut plain)?;
    let sealed = profile
        .sealer_of_texts(&key, iv.as_deref())?
        .seal(&salt.to_be_bytes(), &profile.payload(&plain))?;
    std::io::stdout().write_all(&sealed)?;
    Ok(())
}
