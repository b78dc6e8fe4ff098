//! ECS, EKS Pod Identity and EC2, whose agents answer over HTTP.

use crate::asked::Environment;
use crate::http::{keys, serve};

fn found(id: &str) -> (String, String, bool) {
    (id.to_owned(), "SESSION".to_owned(), true)
}

/// "Container credential provider", AWS SDKs and tools reference guide.
#[test]
fn an_ecs_task() {
    let url = serve(|request| {
        let is_asked = request.line.starts_with("GET /v2/credentials/task ")
            && request.header("authorization") == Some("Basic TASK");
        if is_asked { (200, keys("ASIATASK")) } else { (403, String::new()) }
    });
    let environment = Environment::new()
        .with("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("{url}/v2/credentials/task"))
        .with("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic TASK");
    assert_eq!(environment.found(), found("ASIATASK"));
}

/// "How EKS Pod Identity works", EKS user guide: the agent sets these variables, the second to a file
/// whose content changes.
#[test]
fn an_eks_pod() {
    let url = serve(|request| {
        let is_asked = request.line.starts_with("GET /v1/credentials ")
            && request.header("authorization") == Some("POD-TOKEN");
        if is_asked { (200, keys("ASIAPOD")) } else { (403, String::new()) }
    });
    let environment = Environment::new()
        .file("token", "POD-TOKEN")
        .with("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("{url}/v1/credentials"));
    let file = environment.home().join("token").display().to_string();
    let environment = environment.with("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &file);
    assert_eq!(environment.found(), found("ASIAPOD"));
}

#[test]
fn a_container_that_is_refused() {
    let url = serve(|_| (403, r#"{"message":"no role"}"#.to_owned()));
    let environment =
        Environment::new().with("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("{url}/v1"));
    let error = environment.refused();
    assert!(error.contains("the container's agent"), "{error}");
    assert!(error.contains("AWS_CONTAINER_CREDENTIALS_FULL_URI"), "{error}");
}

/// "Use IMDSv2", EC2 user guide: nothing is told to a client without a session token.
#[test]
fn an_ec2_instance() {
    let url = serve(|request| {
        const ROLES: &str = "GET /latest/meta-data/iam/security-credentials";
        let has_token = request.header("x-aws-ec2-metadata-token") == Some("IMDS-TOKEN");
        match &*request.line {
            line if line.starts_with("PUT /latest/api/token ") => (200, "IMDS-TOKEN".to_owned()),
            _ if !has_token => (401, String::new()),
            line if line.starts_with(&format!("{ROLES}/my-role ")) => (200, keys("ASIAINSTANCE")),
            line if line.starts_with(ROLES) => (200, "my-role".to_owned()),
            _ => (404, String::new()),
        }
    });
    let environment = Environment::new()
        .with("AWS_EC2_METADATA_DISABLED", "false")
        .with("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url);
    assert_eq!(environment.found(), found("ASIAINSTANCE"));
}

/// As on a machine that is not EC2's, in a network that drops packets.
#[test]
fn a_metadata_service_that_does_not_answer() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let environment = Environment::new()
        .with("AWS_EC2_METADATA_DISABLED", "false")
        .with("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url);
    let error = environment.refused();
    assert!(error.contains("AWS_PROFILE"), "{error}");
}
