//! `aws sso login` and `aws login`, whose sessions are files.

use crate::asked::Environment;
use crate::http::serve;

const FUTURE: &str = "2100-01-01T00:00:00Z";
const PAST: &str = "2020-01-01T00:00:00Z";

/// The SHA-1 and the SHA-256 of the session's name, as `sha1sum` and `sha256sum` print them.
const SSO_FILE: &str = ".aws/sso/cache/71b21161ffa1e6516bcc072aaf5ef38cbe85b511.json";
const LOGIN_FILE: &str =
    ".aws/login/cache/286187707741fc2ccb93cf9e56dbd0ee0a16208feed5fbc8ae1baa86d44c283f.json";

/// "IAM Identity Center credential provider", AWS SDKs and tools reference guide.
fn sso(expires: &str, url: &str) -> Environment {
    Environment::new()
        .with("AWS_ENDPOINT_URL_SSO", url)
        .with("AWS_ENDPOINT_URL_SSO_OIDC", url)
        .file(
            ".aws/config",
            "[default]\nsso_session = company\nsso_account_id = 123456789012\n\
             sso_role_name = Developer\n[sso-session company]\nsso_region = eu-west-1\n\
             sso_start_url = https://company.awsapps.com/start\n",
        )
        .file(
            SSO_FILE,
            &format!(
                r#"{{"accessToken":"SSO-TOKEN","expiresAt":"{expires}","region":"eu-west-1"}}"#
            ),
        )
}

#[test]
fn an_sso_session() {
    let url = serve(|request| {
        let is_asked = request.line.starts_with("GET /federation/credentials?")
            && request.line.contains("role_name=Developer")
            && request.line.contains("account_id=123456789012")
            && request.header("x-amz-sso_bearer_token") == Some("SSO-TOKEN");
        let keys = r#"{"roleCredentials":{"accessKeyId":"ASIASSO","secretAccessKey":"KEYSECRET",
            "sessionToken":"SESSION","expiration":4102444800000}}"#;
        if is_asked { (200, keys.to_owned()) } else { (401, String::new()) }
    });
    assert_eq!(sso(FUTURE, &url).found(), ("ASIASSO".to_owned(), "SESSION".to_owned(), true));
}

#[test]
fn an_sso_session_that_is_over() {
    let refusal =
        r#"{"__type":"UnauthorizedException","message":"Session token not found or invalid"}"#;
    let url = serve(|_| (401, refusal.to_owned()));
    let never = sso(FUTURE, &url);
    std::fs::remove_file(never.home().join(SSO_FILE)).unwrap();
    for environment in [sso(PAST, &url), sso(FUTURE, &url), never] {
        let error = environment.refused();
        assert!(error.contains("run `aws sso login`"), "{error}");
        assert!(!error.contains("SSO-TOKEN"), "{error}");
    }
}

/// "Login credentials provider", AWS SDKs and tools reference guide.
fn login(expires: &str, url: &str) -> Environment {
    let key = proof_key();
    Environment::new()
        .with("AWS_ENDPOINT_URL_SIGNIN", url)
        .file(
            ".aws/config",
            "[default]\nregion = eu-west-1\nlogin_session = arn:aws:iam::123456789012:user/me\n",
        )
        .file(
            LOGIN_FILE,
            &format!(
                r#"{{"accessToken":{{"accessKeyId":"ASIALOGIN","secretAccessKey":"KEYSECRET",
                    "sessionToken":"SESSION","accountId":"123456789012","expiresAt":"{expires}"}},
                    "tokenType":"aws_sigv4","refreshToken":"REFRESH-TOKEN",
                    "clientId":"arn:aws:signin:::devtools/same-device","dpopKey":"{key}"}}"#
            ),
        )
}

/// The key of P-256 by which the SDK proves that the session is its own, in PEM with `\n` for line ends:
/// the SEC 1 form (RFC 5915), which ends its PKCS #8 form (RFC 5958).
fn proof_key() -> String {
    const LENGTH: usize = 109;
    let pkcs8 = rcgen::KeyPair::generate().unwrap().serialize_der();
    let sec1 = &pkcs8[pkcs8.len() - LENGTH..];
    assert_eq!(sec1[..2], [0x30, LENGTH as u8 - 2]);
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sec1);
    let lines: Vec<_> = base64.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    let lines = lines.join(r"\n");
    format!(r"-----BEGIN EC PRIVATE KEY-----\n{lines}\n-----END EC PRIVATE KEY-----\n")
}

#[test]
fn a_login_session() {
    let url = serve(|_| (500, String::new()));
    assert_eq!(login(FUTURE, &url).found(), ("ASIALOGIN".to_owned(), "SESSION".to_owned(), true));
}

#[test]
fn a_login_session_whose_credentials_are_over_is_renewed() {
    let url = serve(|request| {
        let is_asked = request.line.starts_with("POST /v1/token ")
            && request.body.contains("REFRESH-TOKEN")
            && request.header("dpop").is_some_and(|proof| proof.split('.').count() == 3);
        let keys = r#"{"accessToken":{"accessKeyId":"ASIARENEWED","secretAccessKey":"KEYSECRET",
            "sessionToken":"SESSION"},"tokenType":"aws_sigv4","expiresIn":900,
            "refreshToken":"NEXT-TOKEN"}"#;
        if is_asked { (200, keys.to_owned()) } else { (400, String::new()) }
    });
    let environment = login(PAST, &url);
    assert_eq!(environment.found(), ("ASIARENEWED".to_owned(), "SESSION".to_owned(), true));
    let kept = std::fs::read_to_string(environment.home().join(LOGIN_FILE)).unwrap();
    assert!(kept.contains("NEXT-TOKEN"), "the CLI would use the old session");
}

#[test]
fn a_login_session_that_is_over() {
    let refusal = r#"{"__type":"AccessDeniedException","error":"TOKEN_EXPIRED","message":"over"}"#;
    let url = serve(|_| (400, refusal.to_owned()));
    for environment in [login(PAST, &url), missing(login(FUTURE, &url))] {
        let error = environment.refused();
        assert!(error.contains("run `aws login`"), "{error}");
        assert!(!error.contains("REFRESH-TOKEN"), "{error}");
    }
}

/// Without the file that `aws login` writes.
fn missing(environment: Environment) -> Environment {
    std::fs::remove_file(environment.home().join(LOGIN_FILE)).unwrap();
    environment
}
