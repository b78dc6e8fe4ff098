//! A valid token, changed: each change is refused for a reason of its own.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

fn verdict(vector: &Vector, token: &str) -> Result<(), Refusal> {
    let Fixture { verifier, folder: _folder } = vector.fixture();
    verifier.verify(vector.user.as_bytes(), token.as_bytes(), vector.signed_at())
}

/// The refusal of the vector's token with `name` changed to `value`.
fn refusal(name: &str, value: &str) -> Refusal {
    let vector = vector();
    verdict(&vector, &vector.with(name, Some(value))).expect_err(name)
}

fn mismatch(part: Part, expected: &str, found: &str) -> Refusal {
    Refusal::Mismatch { part, expected: expected.into(), found: found.into() }
}

#[test]
fn each_parameter_is_needed_once() {
    let vector = vector();
    for name in [
        "Action",
        "DBUser",
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Security-Token",
        "X-Amz-Signature",
    ] {
        let missing = verdict(&vector, &vector.with(name, None)).unwrap_err();
        let expected = match name {
            "X-Amz-Security-Token" => Refusal::SessionTokenMissing,
            name => Refusal::MissingParameter(name),
        };
        assert_eq!(missing, expected);
        let twice = format!("{}&{name}=x", vector.token);
        assert_eq!(verdict(&vector, &twice), Err(Refusal::DuplicateParameter(name.into())));
    }
}

#[test]
fn what_a_token_must_say_is_compared_exactly() {
    use Part::*;
    assert_eq!(refusal("Action", "Connect"), mismatch(Action, "connect", "Connect"));
    assert_eq!(refusal("DBUser", "Peccy"), mismatch(User, "peccy", "Peccy"));
    assert_eq!(refusal("DBUser", "peccy%00"), mismatch(User, "peccy", "peccy\0"));
    assert_eq!(refusal("DBUser", ""), mismatch(User, "peccy", ""));
    assert_eq!(
        refusal("X-Amz-Algorithm", "AWS4-ECDSA-P256-SHA256"),
        mismatch(Algorithm, "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256")
    );
    assert_eq!(
        refusal("X-Amz-SignedHeaders", "host%3Bx-amz-date"),
        mismatch(SignedHeaders, "host", "host;x-amz-date")
    );
}

#[test]
fn the_credential_names_day_region_service_and_a_known_key() {
    use Part::*;
    let vector = vector();
    let id = &vector.access_key_id;
    let region = &vector.region;
    let credential = |text: String| refusal("X-Amz-Credential", &crate::percent::encode(&text));
    let day = &crate::calendar::amz_date(vector.signed_at())[..8];

    assert_eq!(
        credential(format!("{id}/20010101/{region}/rds-db/aws4_request")),
        mismatch(Day, day, "20010101")
    );
    assert_eq!(
        credential(format!("{id}/{day}/xx-west-1/rds-db/aws4_request")),
        mismatch(Region, region, "xx-west-1")
    );
    assert_eq!(
        credential(format!("{id}/{day}/{region}/rds/aws4_request")),
        mismatch(Service, "rds-db", "rds")
    );
    assert_eq!(
        credential(format!("{id}/{day}/{region}/rds-db/aws5")),
        mismatch(Terminator, "aws4_request", "aws5")
    );
    for malformed in ["", "x", "/////", &format!("{id}/{day}/{region}/rds-db")] {
        assert_eq!(credential(malformed.into()), Refusal::MalformedCredential, "{malformed}");
    }
    assert_eq!(
        credential(format!("AKIAIOSFODNN7EXAMPLE/{day}/{region}/rds-db/aws4_request")),
        Refusal::UnknownAccessKey("AKIAIOSFODNN7EXAMPLE".into())
    );
    let secret = "wJalrXUtnFEMI-K7MDENG+bPxRfiCYEXAMPLEKEY";
    let mixed_up = credential(format!("{secret}/{day}/{region}/rds-db/aws4_request"));
    assert!(matches!(mixed_up, Refusal::UnknownAccessKey(_)));
    assert!(!format!("{mixed_up} {mixed_up:?}").contains(secret), "{mixed_up}");
}

#[test]
fn date_lifetime_session_token_and_signature_are_checked() {
    for date in ["", "20200230T000000Z", "2020-07-28T02:57:22Z"] {
        assert_eq!(refusal("X-Amz-Date", date), Refusal::MalformedDate(date.into()));
    }
    for expires in ["", "0", "901", "-1", "9e2", "900s", "604800", "99999999999999999999999"] {
        assert_eq!(refusal("X-Amz-Expires", expires), Refusal::Lifetime(expires.into()));
    }
    assert_eq!(refusal("X-Amz-Expires", "%2B900"), Refusal::Lifetime("+900".into()));
    assert_eq!(refusal("X-Amz-Expires", "0900"), Refusal::Signature);
    assert_eq!(refusal("X-Amz-Security-Token", "x"), Refusal::SessionTokenDifferent);
    assert_eq!(refusal("X-Amz-Security-Token", ""), Refusal::SessionTokenDifferent);
    for signature in ["", "0", &"0".repeat(64), &"f".repeat(65), "%00"] {
        assert_eq!(refusal("X-Amz-Signature", signature), Refusal::Signature, "{signature}");
    }
    let vector = vector();
    let upper = Token::parse(vector.token.as_bytes()).unwrap();
    let upper = upper.get(SIGNATURE).unwrap().to_ascii_uppercase();
    assert_eq!(refusal("X-Amz-Signature", &upper), Refusal::Signature);
    assert_eq!(refusal("X-New", "x"), Refusal::Signature);
}

#[test]
fn the_host_and_port_are_those_of_the_endpoint() {
    let vector = vector();
    let (_, query) = vector.token.split_once('?').unwrap();
    let token = |start: String| verdict(&vector, &format!("{start}?{query}"));
    let Vector { host, port, .. } = &vector;
    assert_eq!(token(format!("127.0.0.1:{port}/")), Err(mismatch(Part::Host, host, "127.0.0.1")));
    assert_eq!(
        token(format!("{host}.:{port}/")),
        Err(mismatch(Part::Host, host, &format!("{host}.")))
    );
    assert_eq!(
        token(format!("{host}:0{port}/")),
        Err(mismatch(Part::Port, &port.to_string(), &format!("0{port}")))
    );
    assert_eq!(token(format!("https://{host}:{port}/")), Err(Refusal::NotAToken));
}

#[test]
fn what_means_the_same_is_let_in() {
    let vector = vector();
    let (start, query) = vector.token.split_once('?').unwrap();
    let mut parameters: Vec<&str> = query.split('&').collect();
    parameters.reverse();
    for token in [
        format!("{start}?{}", parameters.join("&")),
        format!("{}?{query}", start.trim_end_matches('/')),
        format!("{}?{query}", start.to_ascii_uppercase()),
        vector.token.replace("%2F", "%2f"),
        vector.token.replace("%2F", "/"),
        vector.token.replace("DBUser=peccy", "%44BUser=%70eccy"),
        vector.signed_anew(&vector.with("X-New", Some("anything"))),
    ] {
        assert_eq!(verdict(&vector, &token), Ok(()), "{token}");
    }
}

#[test]
fn a_user_who_is_not_utf_8_is_refused() {
    let vector = vector();
    let verifier = vector.fixture();
    let refusal =
        verifier.verifier.verify(b"pecc\xff", vector.token.as_bytes(), vector.signed_at());
    assert_eq!(refusal, Err(mismatch(Part::User, "pecc\u{fffd}", "peccy")));
}

/// All vectors with their verifiers, made once: the properties below run often. Nothing drops a
/// static, so that no folder may be part of it.
static VERIFIERS: LazyLock<Vec<(Vector, Verifier)>> = LazyLock::new(|| {
    let verifier = |vector: Vector| {
        let verifier = Verifier::new(vector.resource(), vector.key(), "/dev/null".into());
        verifier.set_policy(ALLOW_ALL).unwrap();
        (vector, verifier)
    };
    vectors().into_iter().map(verifier).collect()
});

fn let_in(which: usize, token: &[u8]) -> bool {
    let (vector, verifier) = &VERIFIERS[which];
    verifier.verify(vector.user.as_bytes(), token, vector.signed_at()).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// But for the case of letters in the host and in escapes, which means nothing.
    #[test]
    fn any_byte_changed_is_refused(
        which in 0_usize..24,
        at: prop::sample::Index,
        byte: u8,
    ) {
        let valid = VERIFIERS[which].0.token.as_bytes();
        let at = at.index(valid.len());
        prop_assume!(valid[at] != byte);
        let mut changed = valid.to_owned();
        changed[at] = byte;

        let host = at < VERIFIERS[which].0.host.len();
        let escape = valid[at.saturating_sub(2)..at].contains(&b'%');
        let same_letter = valid[at].eq_ignore_ascii_case(&byte);
        prop_assert_eq!(let_in(which, &changed), same_letter && (host || escape));
    }

    /// But for the `/` that the AWS SDK for Go leaves out too.
    #[test]
    fn any_byte_missing_is_refused(which in 0_usize..24, at: prop::sample::Index) {
        let valid = &VERIFIERS[which].0.token;
        let at = at.index(valid.len());
        let mut changed = valid.clone();
        changed.remove(at);
        prop_assert_eq!(let_in(which, changed.as_bytes()), valid[at..].starts_with("/?"));
    }

    #[test]
    fn any_byte_too_many_is_refused(
        which in 0_usize..24,
        at: prop::sample::Index,
        byte: u8,
    ) {
        let mut changed = VERIFIERS[which].0.token.clone().into_bytes();
        changed.insert(at.index(changed.len() + 1), byte);
        prop_assert!(!let_in(which, &changed));
    }

    #[test]
    fn no_password_makes_the_verifier_panic(user: Vec<u8>, password: Vec<u8>) {
        let (vector, verifier) = &VERIFIERS[0];
        prop_assert!(verifier.verify(&user, &password, vector.signed_at()).is_err());
    }
}
