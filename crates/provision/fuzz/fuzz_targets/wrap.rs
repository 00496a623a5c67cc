//! What comes out of the database, KV and secrets: `cargo +nightly fuzz run wrap`.
#![cfg_attr(fuzzing, no_main)]

use ringfence_provision::key::DeviceKey;
use ringfence_provision::wrap::{FileFrame, Keyring, MasterKey, key_id_of};

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| wrap(data));

/// A master key that is known to everybody.
pub(crate) const MASTER: &str = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// Reads `data` as each of the formats. None of it unwraps for a row that nothing was wrapped for.
pub(crate) fn wrap(data: &[u8]) {
    let master = MasterKey::parse(MASTER).and_then(|master| Keyring::new(master, None));
    let Ok(keyring) = master else {
        unreachable!("the master key above is one");
    };
    if let Ok(frame) = FileFrame::parse(data) {
        assert!(data.ends_with(frame.ciphertext) && frame.ciphertext.len() >= 16);
        if frame.key_id == keyring.current().id() {
            let again = FileFrame::write(keyring.current(), frame.nonce, frame.ciphertext);
            assert_eq!(again, data);
        }
    }
    assert!(keyring.unwrap_file("another row", data).is_err());
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(id) = key_id_of(text) {
        assert!(text.starts_with(&format!("v1.{id}.")));
    }
    assert!(keyring.unwrap("another row", text).is_err());
    if let Ok(key) = DeviceKey::parse(text) {
        assert_eq!(key.expose(), text);
    }
    if let Ok(master) = MasterKey::parse(text) {
        assert!(text.trim().starts_with(master.id()));
    }
}
