//! RSA keys: the arithmetic and the encoding around the prime search of `crypto-primes`, which is about
//! eight times faster than that of the `rsa` crate.

use crypto_bigint::{BoxedUint, ConcatenatingMul as _, NonZero, Odd, Resize as _};
use crypto_primes::hazmat::{SetBits, SmallFactorsSieveFactory};
use crypto_primes::{Flavor, is_prime, sieve_and_find};
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;

/// The usual public exponent.
const EXPONENT: u64 = 65_537;

/// The DER tags in use (ITU-T X.690).
mod tag {
    pub(super) const INTEGER: u8 = 0x02;
    pub(super) const OCTET_STRING: u8 = 0x04;
    pub(super) const SEQUENCE: u8 = 0x30;
}

/// `AlgorithmIdentifier { rsaEncryption, NULL }` (RFC 8017, appendix A.1), encoded.
const RSA_ENCRYPTION: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// A new RSA key with a modulus of `bits` bits, in PKCS #8 (RFC 5208), DER.
///
/// # Panics
/// `bits` is odd or too small to make a key of, or the system gives no random numbers.
pub(super) fn generate(bits: u32) -> Vec<u8> {
    loop {
        // One prime in 65,537 does not go with the exponent, and needs another try.
        if let Some(key) = private_key(random_prime(bits / 2), random_prime(bits / 2)) {
            return key;
        }
    }
}

/// A random prime of `bits` bits whose two highest are set, so that two of them multiply to one of
/// exactly twice as many.
fn random_prime(bits: u32) -> BoxedUint {
    // The system's generator fails only before the system has booted.
    let mut random = UnwrapErr(SysRng);
    SmallFactorsSieveFactory::new(Flavor::Any, bits, SetBits::TwoMsb)
        .and_then(|sieve| sieve_and_find(&mut random, sieve, |_, n| is_prime(Flavor::Any, n)))
        .ok()
        .flatten()
        .unwrap_or_else(|| unreachable!("there are primes of {bits} bits"))
}

/// The key of the primes `p` and `q`, or `None` if they do not suit [`EXPONENT`].
fn private_key(p: BoxedUint, q: BoxedUint) -> Option<Vec<u8>> {
    // The usual order, which some parsers require.
    let (p, q) = if p > q { (p, q) } else { (q, p) };
    let one = BoxedUint::one();
    let n = p.concatenating_mul(&q);
    let p_less_one = NonZero::new(p.wrapping_sub(&one)).into_option()?;
    let q_less_one = NonZero::new(q.wrapping_sub(&one)).into_option()?;
    let totient =
        NonZero::new(p_less_one.as_ref().concatenating_mul(q_less_one.as_ref())).into_option()?;
    let e = BoxedUint::from(EXPONENT).resize(totient.bits_precision());
    let d = e.invert_mod(&totient).into_option()?;
    let d_p = d.rem(&p_less_one);
    let d_q = d.rem(&q_less_one);
    let q_inverse = q.invert_odd_mod(&Odd::new(p.clone()).into_option()?).into_option()?;

    let version = || integer(&BoxedUint::zero());
    let numbers = [&n, &e, &d, &p, &q, &d_p, &d_q, &q_inverse].map(integer).concat();
    let rsa_private_key = element(tag::SEQUENCE, &[version(), numbers].concat());
    let octets = element(tag::OCTET_STRING, &rsa_private_key);
    Some(element(tag::SEQUENCE, &[version(), RSA_ENCRYPTION.to_vec(), octets].concat()))
}

/// A DER integer: big-endian, with a zero in front of a set highest bit, which would mean minus.
fn integer(number: &BoxedUint) -> Vec<u8> {
    let bytes = number.to_be_bytes_trimmed_vartime();
    let sign: &[u8] = if bytes.first().is_none_or(|first| *first >= 0x80) { &[0] } else { &[] };
    element(tag::INTEGER, &[sign, &bytes].concat())
}

/// A DER element: tag, length, content.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    let mut element = vec![tag];
    match length {
        [] => element.push(0),
        [short] if *short < 0x80 => element.push(*short),
        // A usize has at most 8 bytes.
        long => {
            element.push(0x80 | long.len() as u8);
            element.extend_from_slice(long);
        }
    }
    element.extend_from_slice(content);
    element
}

#[cfg(test)]
mod tests {
    use ring::rsa::KeyPair;

    use super::*;

    #[test]
    fn every_key_passes_rings_checks() {
        for _ in 0..20 {
            let key = KeyPair::from_pkcs8(&generate(2048)).unwrap();
            assert_eq!(key.public().modulus_len(), 2048 / 8);
        }
    }

    #[test]
    fn primes_that_do_not_go_with_the_exponent_make_no_key() {
        // p - 1 is 65,537 times 14.
        let (p, q) = (BoxedUint::from(917_519_u64), BoxedUint::from(1_000_003_u64));
        assert!(is_prime(Flavor::Any, &p) && is_prime(Flavor::Any, &q));
        assert_eq!(private_key(p, q), None);
    }

    #[test]
    fn lengths_and_signs_are_encoded_as_der_asks() {
        assert_eq!(element(4, &[]), [4, 0]);
        assert_eq!(element(4, &[7; 127])[..2], [4, 127]);
        assert_eq!(element(4, &[7; 128])[..3], [4, 0x81, 128]);
        assert_eq!(element(4, &[7; 300])[..4], [4, 0x82, 1, 44]);
        assert_eq!(integer(&BoxedUint::zero()), [2, 1, 0]);
        assert_eq!(integer(&BoxedUint::from(127_u64)), [2, 1, 127]);
        assert_eq!(integer(&BoxedUint::from(128_u64)), [2, 2, 0, 128]);
        assert_eq!(integer(&BoxedUint::from(256_u64)), [2, 2, 1, 0]);
    }
}
