//! AssumeRole: the database belongs to another account, which lets you assume its role `DB_ROLE_ARN`.

use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use driver_examples::{Database, Failure, variable};
use iam_auth::{Credentials, TokenSigner};
use std::time::SystemTime;
use tokio_postgres::config::{Config, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let db = Database::from_environment().await?;
    let ip = db.ip().await?;
    let Database { signer, trust, address, name } = db;
    let https = aws_smithy_http_client::Builder::new();
    let https = https.tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let region = Region::new(signer.endpoint().region().to_owned());
    let own = aws_config::defaults(BehaviorVersion::latest()).http_client(https).region(region);
    let role = AssumeRoleProvider::builder(variable("DB_ROLE_ARN")?).session_name("iam-auth");
    let role = role.configure(&own.load().await).build().await;
    // It asks for the role's credentials again before they expire.
    let credentials = Credentials::from_provider(role);
    let signer = TokenSigner::new(signer.endpoint().clone(), signer.user(), credentials)?;

    let token = signer.token(SystemTime::now()).await?;
    let mut config = Config::new();
    config.ssl_mode(SslMode::Require).host(signer.endpoint().host()).port(address.port());
    config.hostaddr(ip);
    config.user(signer.user()).password(token.expose()).dbname(name);
    let tls = MakeRustlsConnect::new((*trust.client_config()).clone());
    let (client, connection) = config.connect(tls).await?;
    tokio::spawn(connection);
    let row = client.query_one("SELECT current_user::text", &[]).await?;
    println!("logged in as {}", row.get::<_, String>(0));
    Ok(())
}
