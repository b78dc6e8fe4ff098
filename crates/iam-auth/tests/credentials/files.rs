//! Profiles, and the programs that they name.

use crate::asked::Environment;

#[test]
fn a_named_profile() {
    let environment = Environment::new()
        .with("AWS_PROFILE", "work")
        .file(".aws/config", "[profile work]\nregion = eu-west-1\n")
        .file(
            ".aws/credentials",
            "[default]\naws_access_key_id = AKIDOTHER\naws_secret_access_key = KEYSECRET\n\
             [work]\naws_access_key_id = AKIDWORK\naws_secret_access_key = KEYSECRET\n\
             aws_session_token = SESSION\n",
        );
    assert_eq!(environment.found(), ("AKIDWORK".to_owned(), "SESSION".to_owned(), false));
}

/// "Process credential provider", AWS SDKs and tools reference guide.
#[test]
fn a_credential_process() {
    let answer = r#"{"Version":1,"AccessKeyId":"ASIAPROCESS","SecretAccessKey":"KEYSECRET",
        "SessionToken":"SESSION","Expiration":"2100-01-01T00:00:00Z"}"#;
    let environment = Environment::new().file("answer.json", answer);
    let file = environment.home().join("answer.json").display().to_string();
    let environment = environment
        .with("PATH", "/usr/bin:/bin")
        .file(".aws/config", &format!("[default]\ncredential_process = cat {file}\n"));
    assert_eq!(environment.found(), ("ASIAPROCESS".to_owned(), "SESSION".to_owned(), true));
}

#[test]
fn a_credential_process_that_fails() {
    let environment = Environment::new()
        .with("PATH", "/usr/bin:/bin")
        .file(".aws/config", "[default]\ncredential_process = cat /nowhere\n");
    let error = environment.refused();
    assert!(error.contains("credential_process"), "{error}");
    assert!(error.contains("run it by hand"), "{error}");
}

#[test]
fn a_profile_that_does_not_exist() {
    let environment = Environment::new()
        .with("AWS_PROFILE", "wrok")
        .file(".aws/config", "[profile work]\ncredential_process = true\n");
    let error = environment.refused();
    assert!(error.contains("wrok"), "{error}");
    assert!(error.contains("AWS_PROFILE"), "{error}");
}
