//! Where nothing has credentials.

use crate::asked::Environment;

#[test]
fn everything_that_was_tried_is_named() {
    let error = Environment::new().refused();
    for tried in ["Environment", "Profile", "WebIdentityToken", "EcsContainer", "Ec2Instance"] {
        assert!(error.contains(tried), "{tried}: {error}");
    }
    for way_out in ["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "aws login", "aws sso login", "role"] {
        assert!(error.contains(way_out), "{way_out}: {error}");
    }
}

#[test]
fn half_a_key_is_not_enough() {
    let error = Environment::new().with("AWS_ACCESS_KEY_ID", "AKIDHALF").refused();
    assert!(error.contains("AWS_SECRET_ACCESS_KEY"), "{error}");
}
