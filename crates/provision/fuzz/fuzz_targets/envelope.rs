//! Sealed files: `cargo +nightly fuzz run envelope`.
#![cfg_attr(fuzzing, no_main)]

use ringfence_provision::key::DeviceKey;
use ringfence_provision::seal::{Encoding, Envelope, Profile};
use ringfence_provision::vendor;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| envelope(data));

/// The key that files are opened with.
pub(crate) const KEY: &str = "12341234abcdabcd12341234abcdabcd";

/// Reads `data` in each encoding: what is read is written and read back the same; and opening it by each
/// profile gives a plaintext or an error.
pub(crate) fn envelope(data: &[u8]) {
    for encoding in [Encoding::Base64Lines64, Encoding::Binary] {
        if let Ok(envelope) = Envelope::parse(encoding, data) {
            let file = Envelope::write(encoding, envelope.salt, &envelope.ciphertext);
            assert_eq!(Envelope::parse(encoding, &file).as_ref(), Ok(&envelope));
            if encoding == Encoding::Binary {
                assert_eq!(file, data);
            }
        }
    }
    let Ok(key) = DeviceKey::parse(KEY) else {
        unreachable!("the key is one");
    };
    for spec in vendor::profiles() {
        let profile = spec.profile();
        if let Ok(plaintext) = profile.sealer(&key).open(data) {
            assert!(plaintext.len() < data.len());
        }
    }
    if let Ok(profile) = serde_json::from_slice::<Profile>(data) {
        let json = serde_json::to_vec(&profile).unwrap_or_default();
        assert_eq!(serde_json::from_slice::<Profile>(&json).ok(), Some(profile));
    }
}
