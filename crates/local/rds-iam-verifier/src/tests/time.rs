//! Clocks, lifetimes and keys that end.

use super::*;

fn at(vector: &Vector, millis: u64) -> SystemTime {
    vector.signed_at() + Duration::from_millis(millis)
}

#[test]
fn a_token_signed_for_less_than_900_seconds_ends_sooner() {
    let vector = vector();
    let Fixture { verifier, folder: _folder } = vector.fixture();
    let token = vector.signed_anew(&vector.with("X-Amz-Expires", Some("60")));
    let verify = |millis| verifier.verify(b"peccy", token.as_bytes(), at(&vector, millis));
    assert_eq!(verify(60_000), Ok(()));
    assert_eq!(
        verify(60_001),
        Err(Refusal::Expired {
            signed: vector.signed_at(),
            now: at(&vector, 60_001),
            lifetime: Duration::from_secs(60),
        })
    );
}

#[test]
fn a_token_signed_for_longer_than_900_seconds_is_refused_however_fresh() {
    let vector = vector();
    let Fixture { verifier, folder: _folder } = vector.fixture();
    let token = vector.signed_anew(&vector.with("X-Amz-Expires", Some("901")));
    let verdict = verifier.verify(b"peccy", token.as_bytes(), at(&vector, 0));
    assert_eq!(verdict, Err(Refusal::Lifetime("901".into())));
}

#[test]
fn the_clock_offset_makes_tokens_old_or_of_the_future() {
    let vector = vector();
    let Fixture { verifier, folder: _folder } = vector.fixture();
    let verify = || verifier.verify(b"peccy", vector.token.as_bytes(), at(&vector, 0));
    for (offset, allowed) in [(0, true), (900, true), (901, false), (-1, false), (0, true)] {
        verifier.set_clock_offset(offset);
        assert_eq!(verify().is_ok(), allowed, "{offset}");
    }
    for extreme in [i64::MIN, i64::MAX] {
        verifier.set_clock_offset(extreme);
        assert!(verify().is_err());
    }
}

#[test]
fn a_token_ends_with_its_key() {
    let vector = vector();
    let Fixture { verifier, folder: _folder } = vector.fixture();
    let expires = at(&vector, 10_000);
    verifier.set_keys(vec![AccessKey { expires: Some(expires), ..vector.key() }]);
    let verify = |millis| verifier.verify(b"peccy", vector.token.as_bytes(), at(&vector, millis));
    assert_eq!(verify(9_999), Ok(()));
    let refusal = Refusal::AccessKeyExpired { id: vector.key().id, expired: expires };
    assert_eq!(verify(10_000), Err(refusal));
}
