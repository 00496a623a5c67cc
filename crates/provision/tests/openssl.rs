//! Sealing against the real `openssl`, both ways: what the guide's command writes opens here, and
//! what is sealed here opens with the guide's command.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ringfence_provision::key::DeviceKey;
use ringfence_provision::seal::{Digest, Encoding, Envelope, Method, Profile, salt};
use ringfence_provision::vendor;

const PASS: &str = "12341234abcdabcd12341234abcdabcd";

/// Around every border (AES blocks of 16, base64 lines of 48), a usual file, and the largest.
const SIZES: [usize; 23] = [
    0, 1, 2, 5, 6, 7, 15, 16, 17, 21, 22, 31, 32, 33, 47, 48, 49, 80, 1000, 28_672, 65_536,
    122_880, 204_800,
];

#[test]
fn every_built_in_profile_of_the_salted_envelope_round_trips_with_either_digest() {
    for spec in vendor::profiles() {
        let profile = spec.profile();
        if matches!(profile.method, Method::Salted { .. }) {
            round_trip(&profile.clone().with_digest(Digest::Md5));
            round_trip(&profile.with_digest(Digest::Sha256));
        }
    }
}

/// What was packed before it was sealed: `openssl` opens it, and `gzip` unpacks it.
#[test]
fn what_is_packed_is_unpacked_by_gzip() {
    let key = DeviceKey::parse(PASS).unwrap();
    for name in ["spa-256-gzip", "spa-256-sha256-gzip"] {
        let profile = vendor::profile(name).unwrap();
        let sealer = profile.sealer(&key);
        let directory = Directory::new(name);
        let [ours, packed] = ["ours", "packed.gz"].map(|file| directory.file(file));
        let digest = if name.contains("sha256") {
            "sha256"
        } else {
            "md5"
        };
        let mut random = Random(9);
        for size in SIZES {
            // Half of it repeats itself, as a file does.
            let mut plaintext = random.bytes(size / 2);
            plaintext.resize(size, b'x');
            let payload = profile.payload(&plaintext);
            assert_eq!(payload, profile.payload(&plaintext), "{name} {size}");
            fs::write(&ours, sealer.seal(&[7; 16], &payload).unwrap()).unwrap();
            let pass = format!("pass:{PASS}");
            run(
                &["enc", "-d", "-aes-256-cbc", "-md", digest, "-pass", &pass],
                &ours,
                &packed,
            );
            let unpacked = Command::new("gzip").arg("-dc").arg(&packed).output();
            assert_eq!(unpacked.unwrap().stdout, plaintext, "{name} {size}");
            let opened = sealer.open(&fs::read(&ours).unwrap()).unwrap();
            assert_eq!(profile.unpack(opened), Some(plaintext), "{name} {size}");
        }
        assert_eq!(profile.unpack(b"no gzip".to_vec()), None);
    }
}

/// The commands that read what has no envelope: `-K` and `-iv` in hexadecimal, as a phone is told them or as
/// the bytes of the characters that it is told.
#[test]
fn raw_keys_round_trip() {
    let key = DeviceKey::parse(PASS).unwrap();
    for name in ["yealink-ecb-128", "yealink-ecb-256", "obi-128"] {
        let profile = vendor::profile(name).unwrap();
        let sealer = profile.sealer(&key);
        let directory = Directory::new(name);
        let [plain, theirs, ours, back] =
            ["plain", "theirs", "ours", "back"].map(|file| directory.file(file));
        let parameters = sealer.parameters();
        let is_ecb = matches!(profile.method, Method::Ecb(_));
        let cipher = format!("-{}", profile.method.as_str());
        let mut options = vec![cipher.as_str()];
        let key_hex = match is_ecb {
            true => parameters[0]
                .1
                .bytes()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
            false => parameters[0].1.to_string(),
        };
        options.extend(["-K", &key_hex]);
        if is_ecb {
            options.push("-nopad");
        } else {
            options.extend(["-iv", parameters[1].1.as_str()]);
        }
        let mut random = Random(u64::from(profile.method.bits()) + 1);
        for size in SIZES {
            let plaintext = random.bytes(size);
            let sealed = sealer.seal(&[0; 16], &plaintext).unwrap();
            assert_eq!(sealed.len(), profile.sealed_len(size), "{name} {size}");
            fs::write(&ours, &sealed).unwrap();
            run(&[&["enc", "-d"], &options[..]].concat(), &ours, &back);
            let mut read = fs::read(&back).unwrap();
            if is_ecb {
                let fill = read.split_off(size);
                assert!((10..=25).contains(&fill.len()), "{name} {size}");
                assert!(fill.iter().all(|byte| *byte == b'\n'), "{name} {size}");
            }
            assert_eq!(read, plaintext, "{name} {size}");
            // The same bytes from the same input.
            let mut filled = plaintext.clone();
            if is_ecb {
                filled.resize(sealed.len(), b'\n');
                // A reader that takes off PKCS#7 leaves line ends at most.
                let with_padding = &options[..options.len() - 1];
                run(&[&["enc", "-d"], with_padding].concat(), &ours, &back);
                assert_eq!(fs::read(&back).unwrap(), filled[..filled.len() - 10]);
            }
            fs::write(&plain, &filled).unwrap();
            run(&[&["enc"], &options[..]].concat(), &plain, &theirs);
            assert_eq!(fs::read(&theirs).unwrap(), sealed, "{name} {size}");
        }
    }
}

/// The command as the guide prints it, but for `-md md5`, the default of its time.
#[test]
fn the_guides_decryption_command_opens_a_sealed_file() {
    let directory = Directory::new("guide");
    let plaintext = b"<PANASIPPhoneConfig/>\n";
    let sealed = directory.file("encrypted.enc");
    fs::write(&sealed, seal("utg-128", plaintext)).unwrap();
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
        ("spa-256", &["-aes-256-cbc", "-md", "md5"]),
        ("spa-256-sha256", &["-aes-256-cbc"]),
    ] {
        let directory = Directory::new(&format!("readme-{name}"));
        let (sealed, opened) = (directory.file("sealed.enc"), directory.file("plain.xml"));
        fs::write(&sealed, seal(name, b"plain\n")).unwrap();
        openssl(
            &[&["enc", "-d"], options, &["-pass"]].concat(),
            &sealed,
            &opened,
        );
        assert_eq!(fs::read(opened).unwrap(), b"plain\n", "{name}");
    }
}

fn seal(profile: &str, plaintext: &[u8]) -> Vec<u8> {
    let profile = vendor::profile(profile).unwrap();
    let key = DeviceKey::parse(PASS).unwrap();
    profile.sealer(&key).seal(&[7; 16], plaintext).unwrap()
}

fn round_trip(profile: &Profile) {
    let Method::Salted {
        cipher,
        kdf,
        encoding,
    } = profile.method
    else {
        panic!("{} is not salted", profile.name);
    };
    let directory = Directory::new(&format!("{}-{}", profile.name, kdf.as_str()));
    let [plain, theirs, ours, back] =
        ["plain.txt", "theirs.enc", "ours.enc", "back.txt"].map(|name| directory.file(name));
    let cipher_option = format!("-{}", cipher.as_str());
    let mut options = vec![cipher_option.as_str(), "-md", kdf.as_str()];
    if encoding == Encoding::Base64Lines64 {
        options.push("-a");
    }
    let mut random = Random(cipher.bits().into());
    let key = DeviceKey::parse(PASS).unwrap();
    let sealer = profile.sealer(&key);

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
            sealer.open(&sealed).unwrap(),
            plaintext,
            "{profile:?} {size}"
        );
        assert_eq!(profile.sealed_len(size), sealed.len(), "{profile:?} {size}");
        // With openssl's salt the bytes are openssl's.
        let envelope = Envelope::parse(encoding, &sealed).unwrap();
        let mut their_salt = [0; 16];
        their_salt[..8].copy_from_slice(&envelope.salt);
        assert_eq!(
            sealer.seal(&their_salt, &plaintext).unwrap(),
            sealed,
            "{profile:?} {size}"
        );

        let salt = salt(b"server secret", "device.1", &plaintext);
        fs::write(&ours, sealer.seal(&salt, &plaintext).unwrap()).unwrap();
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
    let pass = format!("pass:{PASS}");
    run(&[arguments, &[&pass]].concat(), input, output);
}

fn run(arguments: &[&str], input: &Path, output: &Path) {
    let run = Command::new("openssl")
        .args(arguments)
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
