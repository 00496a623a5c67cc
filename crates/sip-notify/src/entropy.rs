//! Where unguessable strings come from.

/// A source of random bytes, supplied by the caller.
///
/// It must be cryptographically strong: the branch is what keeps a stranger who cannot see the
/// traffic from answering in a phone's place. Any `FnMut(&mut [u8])` is one.
pub trait Entropy {
    /// Fills all of `bytes`.
    fn fill(&mut self, bytes: &mut [u8]);
}

impl<F: FnMut(&mut [u8])> Entropy for F {
    fn fill(&mut self, bytes: &mut [u8]) {
        self(bytes);
    }
}

/// Characters of a branch after the magic cookie: 130 bits.
const BRANCH_CHARS: usize = 26;
/// RFC 3261 §8.1.1.7: says that the branch is unique in space and time.
pub(crate) const MAGIC_COOKIE: &str = "z9hG4bK";

/// A new Via branch.
pub(crate) fn branch(entropy: &mut dyn Entropy) -> String {
    let mut branch = String::with_capacity(MAGIC_COOKIE.len() + BRANCH_CHARS);
    branch.push_str(MAGIC_COOKIE);
    push_token(&mut branch, BRANCH_CHARS, entropy);
    branch
}

/// `chars` random characters of five bits each.
pub(crate) fn token(chars: usize, entropy: &mut dyn Entropy) -> String {
    let mut token = String::with_capacity(chars);
    push_token(&mut token, chars, entropy);
    token
}

/// Base 32 in lower case, because SIP tokens survive a peer that changes case only if case carries
/// nothing. 32 divides 256, so every character is equally likely.
fn push_token(into: &mut String, chars: usize, entropy: &mut dyn Entropy) {
    let mut random = [0_u8; 32];
    let mut left = chars;
    while left > 0 {
        entropy.fill(&mut random);
        for byte in random.iter().take(left) {
            let five = byte & 0x1f;
            into.push(char::from(match five {
                0..=25 => b'a' + five,
                _ => b'2' + (five - 26),
            }));
        }
        left = left.saturating_sub(random.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_has_the_cookie_and_130_bits() {
        let mut next = 0_u8;
        let mut entropy = |bytes: &mut [u8]| {
            bytes.fill_with(|| {
                next = next.wrapping_add(1);
                next
            });
        };
        assert_eq!(branch(&mut entropy), "z9hG4bKbcdefghijklmnopqrstuvwxyz2");
        assert_eq!(token(40, &mut entropy).len(), 40);
    }
}
