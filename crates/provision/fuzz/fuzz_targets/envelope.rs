//! Sealed files: `cargo +nightly fuzz run envelope`.
#![cfg_attr(fuzzing, no_main)]

use ringfence_provision::seal::{Encoding, Envelope, Profile};
use ringfence_provision::vendor;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| envelope(data));

/// Reads `data` in each encoding: what is read is written and read back the same, and opening it
/// gives a plaintext or an error.
pub(crate) fn envelope(data: &[u8]) {
    for encoding in [Encoding::Base64Lines64, Encoding::Binary] {
        if let Ok(envelope) = Envelope::parse(encoding, data) {
            let file = Envelope::write(encoding, envelope.salt, &envelope.ciphertext);
            assert_eq!(Envelope::parse(encoding, &file).as_ref(), Ok(&envelope));
            if encoding == Encoding::Binary {
                assert_eq!(file, data);
            }
        }
        for name in vendor::profiles().map(|spec| spec.name) {
            let Some(profile) = vendor::profile(name) else {
                unreachable!("`{name}` is built in");
            };
            let profile = Profile {
                encoding,
                ..profile
            };
            if let Ok(plaintext) = profile.open("passphrase", data) {
                assert!(plaintext.len() < data.len());
            }
        }
    }
    if let Ok(profile) = serde_json::from_slice::<Profile>(data) {
        let json = serde_json::to_vec(&profile).unwrap_or_default();
        assert_eq!(serde_json::from_slice::<Profile>(&json).ok(), Some(profile));
    }
}
