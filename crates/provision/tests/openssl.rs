//! Sealing against the real `openssl`, both ways: what the guide's command writes opens here, and
//! what is sealed here opens with the guide's command.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use ringfence_provision::vendor;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ringfence_provision::seal::{Digest, Encoding, Envelope, Profile, salt};

const PASS: &str = "12341234abcdabcd12341234abcdabcd";

/// Around every border (AES blocks of 16, base64 lines of 48), a usual file, and the largest.
const SIZES: [usize; 18] = [
    0, 1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 49, 80, 1000, 28_672, 65_536, 122_879, 122_880,
];

#[test]
fn every_built_in_profile_round_trips_with_either_digest() {
    for name in vendor::profiles().map(|spec| spec.name) {
        let profile = vendor::profile(name).unwrap();
        round_trip(&profile);
        round_trip(&profile.with_digest(Digest::Sha256));
    }
}

#[test]
fn binary_profiles_of_other_vendors_round_trip() {
    for digest in [Digest::Md5, Digest::Sha256] {
        round_trip(&Profile {
            name: "binary-256".to_owned(),
            encoding: Encoding::Binary,
            extension: "cfg".to_owned(),
            ..vendor::profile("utg-256").unwrap().with_digest(digest)
        });
    }
}

/// The command as the guide prints it, but for `-md md5`, the default of its time.
#[test]
fn the_guides_decryption_command_opens_a_sealed_file() {
    let directory = Directory::new("guide");
    let plaintext = b"<PANASIPPhoneConfig/>\n";
    let sealed = directory.file("encrypted.enc");
    fs::write(
        &sealed,
        vendor::profile("utg-128")
            .unwrap()
            .seal(PASS, [7; 8], plaintext),
    )
    .unwrap();
    let opened = directory.file("plain.txt");
    openssl(
        &["enc", "-d", "-aes-128-cbc", "-a", "-md", "md5", "-pass"],
        &sealed,
        &opened,
    );
    assert_eq!(fs::read(opened).unwrap(), plaintext);
}

/// The command as docs/first-phone.md prints it: a present-day `openssl` needs `-md md5` for one profile, and takes
/// the digest of the other by itself.
#[test]
fn the_decryption_commands_of_the_readme_open_sealed_files() {
    for (name, options) in [
        ("utg-128", &["-aes-128-cbc", "-a", "-md", "md5"][..]),
        ("utg-192-sha256", &["-aes-192-cbc", "-a", "-md", "sha256"]),
        ("utg-256-sha256", &["-aes-256-cbc", "-a"]),
    ] {
        let directory = Directory::new(&format!("readme-{name}"));
        let (sealed, opened) = (directory.file("sealed.enc"), directory.file("plain.xml"));
        let file = vendor::profile(name)
            .unwrap()
            .seal(PASS, [7; 8], b"plain\n");
        fs::write(&sealed, file).unwrap();
        openssl(
            &[&["enc", "-d"], options, &["-pass"]].concat(),
            &sealed,
            &opened,
        );
        assert_eq!(fs::read(opened).unwrap(), b"plain\n", "{name}");
    }
}

fn round_trip(profile: &Profile) {
    let directory = Directory::new(&format!("{}-{}", profile.name, profile.kdf.as_str()));
    let [plain, theirs, ours, back] =
        ["plain.txt", "theirs.enc", "ours.enc", "back.txt"].map(|name| directory.file(name));
    let cipher = format!("-{}", profile.cipher.as_str());
    let mut options = vec![cipher.as_str(), "-md", profile.kdf.as_str()];
    if profile.encoding == Encoding::Base64Lines64 {
        options.push("-a");
    }
    let mut random = Random(profile.cipher.bits().into());

    for size in SIZES {
        let plaintext = random.bytes(size);
        fs::write(&plain, &plaintext).unwrap();

        openssl(
            &[&["enc", "-salt"], &options[..], &["-pass"]].concat(),
            &plain,
            &theirs,
        );
        let sealed = fs::read(&theirs).unwrap();
        assert_eq!(
            profile.open(PASS, &sealed).unwrap(),
            plaintext,
            "{profile:?} {size}"
        );
        assert_eq!(profile.sealed_len(size), sealed.len(), "{profile:?} {size}");
        // With openssl's salt the bytes are openssl's.
        let envelope = Envelope::parse(profile.encoding, &sealed).unwrap();
        assert_eq!(
            profile.seal(PASS, envelope.salt, &plaintext),
            sealed,
            "{profile:?} {size}"
        );

        let salt = salt(b"server secret", "device.1", &plaintext);
        fs::write(&ours, profile.seal(PASS, salt, &plaintext)).unwrap();
        openssl(
            &[&["enc", "-d"], &options[..], &["-pass"]].concat(),
            &ours,
            &back,
        );
        assert_eq!(fs::read(&back).unwrap(), plaintext, "{profile:?} {size}");
    }
}

/// Runs `openssl` with these arguments, the last of which is `-pass`.
fn openssl(arguments: &[&str], input: &Path, output: &Path) {
    let run = Command::new("openssl")
        .args(arguments)
        .arg(format!("pass:{PASS}"))
        .arg("-in")
        .arg(input)
        .arg("-out")
        .arg(output)
        .output()
        .expect("this test needs the openssl command");
    let message = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "openssl {arguments:?}: {message}");
}

/// A directory of its own for each test and profile, gone afterwards.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("openssl-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// SplitMix64: content without pattern, the same in every run.
struct Random(u64);

impl Random {
    fn bytes(&mut self, len: usize) -> Vec<u8> {
        std::iter::repeat_with(|| self.next().to_le_bytes())
            .flatten()
            .take(len)
            .collect()
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }
}
