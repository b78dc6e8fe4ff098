//! The writer of a global database, whose region is not in its name.
//!
//! The endpoint `db.global-….global.rds.amazonaws.com` leads to the writer in whichever region it is, and a
//! switchover or failover moves it. A token is signed for a region, and only the writer's is accepted. Without
//! `DB_REGION` the writer's certificate tells: it is in the region of whose roots one verifies it (see
//! [`rds_ca::proven_region`](crate::rds_ca::proven_region)). So before the first login at an address, one
//! connection looks at the server. On MySQL it logs in, because MySQL counts every client that does not.
//!
//! With `DB_REGION` nothing is looked up. A denied login is explained if the certificate contradicts it.
//!
//! Source: "Connecting to Amazon Aurora Global Database", Aurora user guide.

use std::net::IpAddr;
use std::time::Duration;
use tokio::net::TcpStream;

use diagnosis::Cause;
use iam_auth::{AuthToken, Endpoint, EndpointKind};

use crate::deadline::Deadline;
use crate::diagnose::{Startup, secure};
use crate::dial::Race;
use crate::error::{Error, Kind};
use crate::login::Login;
use crate::{dial, loggable};

/// How long a look at the server may take: some round trips, perhaps to another region, and RDS's request
/// to IAM.
const LOOK_LIMIT: Duration = Duration::from_secs(6);

/// A new token for one login to the verified server at `address`. At the endpoint of a global database it is
/// signed for the region of that server, unless `DB_REGION` is set.
///
/// # Errors
/// Those of [`Login::token`]; and of a connection, if this is the first login at the address of a global
/// database's writer.
pub async fn token_at<C: Startup>(
    login: &Login,
    address: IpAddr,
    deadline: Deadline,
) -> Result<AuthToken, Error> {
    if login.writer.as_ref().is_some_and(|writer| writer.at(address).is_none()) {
        look::<C>(login, address, deadline).await?;
    }
    login.token().await
}

/// Before a login at the endpoint of a global database: sees the server that answers first, unless the
/// writer was seen at the next address of `race`. Returns its address. A driver that dials by itself is
/// then not kept waiting by an address that is dead.
///
/// # Errors
/// Those of a connection.
pub async fn see_writer<C: Startup>(
    login: &Login,
    race: &mut Race<'_>,
    deadline: Deadline,
) -> Result<Option<IpAddr>, Error> {
    let Some(writer) = &login.writer else { return Ok(None) };
    if race.next_address().is_some_and(|address| writer.at(address).is_some()) {
        return Ok(None);
    }
    let stream = race.winner(deadline).await?;
    let address = stream.peer_addr().map(|address| address.ip());
    see::<C>(login, stream, deadline.at_most(Some(LOOK_LIMIT))).await?;
    Ok(address.ok())
}

/// Verifies the server at `address` and ends the connection. The region of a global database's writer is kept
/// by the login, and returned if AWS's roots tell it.
async fn look<C: Startup>(
    login: &Login,
    address: IpAddr,
    deadline: Deadline,
) -> Result<Option<String>, Error> {
    let deadline = deadline.at_most(Some(LOOK_LIMIT));
    let stream = dial::connect(&login.connect_to, &[address], deadline).await?;
    see::<C>(login, stream, deadline).await
}

/// Verifies the server over a connection to it, and ends the connection.
async fn see<C: Startup>(
    login: &Login,
    stream: TcpStream,
    deadline: Deadline,
) -> Result<Option<String>, Error> {
    let stream = secure::<C>(login, stream, deadline).await.outcome?;
    let region = login.proven_region(&stream);
    let conclude = async { Ok(C::conclude(login, stream).await.outcome) };
    deadline.bound(|| "the look at the writer".into(), conclude).await??;
    Ok(region)
}

/// `error`, or a better one if the login was denied because `DB_REGION` is not the region of the writer.
pub(crate) async fn explained<C: Startup>(
    login: &Login,
    error: Error,
    deadline: Deadline,
) -> Error {
    let endpoint = login.endpoint();
    let is_fixed = endpoint.kind() == EndpointKind::GlobalWriter && login.writer.is_none();
    if !is_fixed || error.kind() != Kind::LoginDenied {
        return error;
    }
    match writers_region::<C>(login, deadline).await {
        Some(region) if region != endpoint.region() => elsewhere(login, &region, error),
        _ => error,
    }
}

/// The region of the writer, if it can be asked now.
async fn writers_region<C: Startup>(login: &Login, deadline: Deadline) -> Option<String> {
    let deadline = deadline.at_most(Some(LOOK_LIMIT));
    let stream = dial::dial(&login.connect_to, deadline).await.ok()?;
    let stream = secure::<C>(login, stream, deadline).await.outcome.ok()?;
    let region = login.proven_region(&stream)?;
    let endpoint = login.endpoint();
    let there = Endpoint::with_region(endpoint.host(), endpoint.port(), &region).ok()?;
    // MySQL denies what is signed for the wrong region, and counts it.
    let conclude = async { Ok(C::conclude(&login.at(there), stream).await) };
    let _ = deadline.bound(|| "the look at the writer".into(), conclude).await;
    Some(region)
}

/// The writer is in `region`, and `DB_REGION` names another.
fn elsewhere(login: &Login, region: &str, denied: Error) -> Error {
    let endpoint = login.endpoint();
    let placeholders = login.placeholders().with("real_region", &format!(" ({region})"));
    let message = loggable!(
        "{} denied the login of {:?}: DB_REGION is {}, but the writer of this global database is in \
         {region}, by its certificate",
        endpoint.host(),
        login.signer.user(),
        endpoint.region()
    );
    let advice = loggable!(
        "remove DB_REGION, and tokens are signed for the region of the writer, or set it to {region}; allow \
         the role rds-db:connect on arn:{}:rds-db:{region}:ACCOUNT:dbuser:CLUSTER-ID/{}, with the resource id \
         of the cluster in {region}; and use a bundle with the roots of {region}, as the layer's \
         global-bundle.pem is",
        endpoint.partition(),
        login.signer.user()
    );
    Error::new(Kind::LoginDenied, message)
        .caused_by(denied)
        .certainly(Cause::WrongRegion, &placeholders)
        .advice(advice)
}
