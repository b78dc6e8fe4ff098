//! Signs as many tokens as its argument says, and prints how many seconds that took.

#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "it is a program, with a clock"
)]

use std::env;
use std::error::Error;
use std::time::{Instant, SystemTime};

use aws_credential_types::Credentials as AwsCredentials;
use iam_auth::{Credentials, Endpoint, TokenSigner};

/// The length of a role's session token.
const SESSION_TOKEN: usize = 900;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let count: u32 = env::args().nth(1).ok_or("usage: bench-token COUNT")?.parse()?;
    let (id, secret) = ("ASIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    let session_token = Some("t".repeat(SESSION_TOKEN));
    let credentials = AwsCredentials::new(id, secret, session_token, None, "bench");
    let endpoint = Endpoint::parse("db.abc123def456.eu-west-1.rds.amazonaws.com", 5432)?;
    let signer = TokenSigner::new(endpoint, "app_user", Credentials::from_provider(credentials))?;
    let start = Instant::now();
    for _ in 0..count {
        signer.token(SystemTime::now()).await?;
    }
    println!("{}", start.elapsed().as_secs_f64());
    Ok(())
}
