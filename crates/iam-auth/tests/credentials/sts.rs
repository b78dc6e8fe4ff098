//! Roles that are assumed: by a profile, or with the token of a pod.

use crate::asked::Environment;
use crate::http::{Request, serve};

const ROLE: &str = "arn:aws:iam::210987654321:role/database";

/// STS answers an `action` for [`ROLE`] if `is_proven`.
fn sts(action: &'static str, is_proven: impl Fn(&Request) -> bool + Send + 'static) -> String {
    serve(move |request| {
        let is_asked = request.body.contains(&format!("Action={action}&"))
            && request.body.contains("RoleArn=arn%3Aaws%3Aiam%3A%3A210987654321%3Arole%2Fdatabase");
        if !is_asked || !is_proven(request) {
            let error = "<ErrorResponse><Error><Code>AccessDenied</Code>\
                         <Message>not allowed</Message></Error></ErrorResponse>";
            return (403, error.to_owned());
        }
        let keys = "<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>KEYSECRET</SecretAccessKey>\
                    <SessionToken>SESSION</SessionToken>\
                    <Expiration>2100-01-01T00:00:00Z</Expiration>";
        let result = format!(
            "<{action}Response><{action}Result><Credentials>{keys}</Credentials></{action}Result>\
             </{action}Response>"
        );
        (200, result)
    })
}

fn profile(url: &str, key: &str) -> Environment {
    Environment::new().with("AWS_ENDPOINT_URL_STS", url).with("AWS_REGION", "eu-west-1").file(
        ".aws/config",
        &format!(
            "[default]\nrole_arn = {ROLE}\nsource_profile = own\n[profile own]\n\
                 aws_access_key_id = {key}\naws_secret_access_key = KEYSECRET\n"
        ),
    )
}

#[test]
fn a_role_in_a_profile() {
    let url = sts("AssumeRole", |request| {
        request.header("authorization").is_some_and(|it| it.contains("Credential=AKIDOWN/"))
    });
    let found = profile(&url, "AKIDOWN").found();
    assert_eq!(found, ("ASIAROLE".to_owned(), "SESSION".to_owned(), true));
    let error = profile(&url, "AKIDSTRANGER").refused();
    assert!(error.contains("AccessDenied") && error.contains("trust policy"), "{error}");
}

/// "IAM roles for service accounts", EKS user guide.
#[test]
fn a_service_account_of_eks() {
    let url = sts("AssumeRoleWithWebIdentity", |request| {
        request.body.contains("WebIdentityToken=POD.JWT")
            && request.header("authorization").is_none()
    });
    let environment = Environment::new().file("token", "POD.JWT");
    let file = environment.home().join("token").display().to_string();
    let environment = environment
        .with("AWS_ENDPOINT_URL_STS", &url)
        .with("AWS_REGION", "eu-west-1")
        .with("AWS_ROLE_ARN", ROLE)
        .with("AWS_WEB_IDENTITY_TOKEN_FILE", &file);
    assert_eq!(environment.found(), ("ASIAROLE".to_owned(), "SESSION".to_owned(), true));
}
