//! AWS credentials for logins: cached, renewed before they expire, and refused when they are about
//! to expire.
//!
//! A login fails if the credentials that signed its token expire before the database checks it, and
//! the database does not say why.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials as AwsCredentials;
use aws_credential_types::provider::{ProvideCredentials, error::CredentialsError};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::chain::EnvironmentFirst;
use crate::error::{Error, Kind};
use crate::no_credentials;

/// How long credentials must be valid after a login begins: time to connect, with retries, and
/// clock skew. More would refuse usable credentials; see [`RENEW_BEFORE_EXPIRY`].
pub(crate) const LOGIN_MARGIN: Duration = Duration::from_secs(60);

/// When the provider is asked for new credentials. EC2 does not provide them earlier: "at
/// least five minutes before the expiration of the old credentials" (EC2 user guide, "Retrieve
/// security credentials from instance metadata").
const RENEW_BEFORE_EXPIRY: Duration = Duration::from_secs(5 * 60);

/// How long credentials without an expiry are cached. They may expire nevertheless: other programs
/// write temporary keys to profile files. The AWS SDKs use the same time.
const RENEW_UNDATED: Duration = Duration::from_secs(15 * 60);

/// How long to wait before asking the provider again if it had nothing newer.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// How long the provider may take. Lambda's is the environment; others use the network.
const PROVIDER: Duration = Duration::from_secs(5);

/// AWS credentials from a provider. Clones share the cache.
#[derive(Clone)]
pub struct Credentials(Arc<Shared>);

struct Shared {
    provider: Box<dyn ProvideCredentials>,
    /// Locked while the provider is asked, so that concurrent callers share one request.
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    credentials: AwsCredentials,
    renew_at: SystemTime,
}

impl Credentials {
    /// The default chain: the environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
    /// `AWS_SESSION_TOKEN`), which has a function's credentials in Lambda.
    ///
    /// With the feature `https`, the default chain of the AWS SDKs follows: profile files (keys,
    /// AssumeRole, `credential_process`, `aws login`, SSO), web identity, ECS and EKS containers,
    /// EC2. Source: "Credential provider chain", AWS SDKs and tools reference guide.
    ///
    /// Nothing is read or opened here, and only the environment later if it has credentials.
    pub async fn from_chain() -> Self {
        Self::from_provider(EnvironmentFirst::default())
    }

    /// Credentials from another provider. They are cached here, so the provider need not do it.
    pub fn from_provider(provider: impl ProvideCredentials + 'static) -> Self {
        Self(Arc::new(Shared { provider: Box::new(provider), kept: Mutex::new(None) }))
    }

    /// Credentials for a login that begins at `now`: they are valid for at least 60 more seconds.
    ///
    /// The provider is asked on first use, and again from 5 minutes before they expire (after 15
    /// minutes, if they have no expiry). Concurrent callers share one request. If a renewal fails,
    /// the old ones are used as long as they are valid.
    ///
    /// # Errors
    ///
    /// [`Error::is_credentials`] if the provider has none, has only some that expire too soon, or
    /// does not answer within 5 seconds.
    pub async fn get(&self, now: SystemTime) -> Result<AwsCredentials, Error> {
        let mut kept = self.0.kept.lock().await;
        let good = kept.as_ref().filter(|kept| outlive_login(&kept.credentials, now).is_ok());
        if let Some(kept) = good.filter(|kept| now < kept.renew_at) {
            return Ok(kept.credentials.clone());
        }
        let good = good.map(|kept| kept.credentials.clone());
        let late = |_| Err(CredentialsError::provider_timed_out(PROVIDER));
        let asked = timeout(PROVIDER, self.0.provider.provide_credentials()).await;
        let fresh = match asked.unwrap_or_else(late) {
            Ok(fresh) => outlive_login(&fresh, now).map(|()| fresh),
            Err(source) => Err(no_credentials::error(source)),
        };
        let credentials = fresh.or_else(|error| good.ok_or(error))?;
        let renew_at = renew_at(&credentials, now);
        *kept = Some(Kept { credentials: credentials.clone(), renew_at });
        Ok(credentials)
    }

    /// Has the provider asked at the next login. To be called after a denied login: the credentials
    /// may have been rotated.
    pub async fn renew(&self) {
        if let Some(kept) = &mut *self.0.kept.lock().await {
            kept.renew_at = SystemTime::UNIX_EPOCH;
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(** redacted **)")
    }
}

/// Refuses credentials that expire too soon for a login that begins at `now`.
pub(crate) fn outlive_login(credentials: &AwsCredentials, now: SystemTime) -> Result<(), Error> {
    let Some(expiry) = credentials.expiry() else { return Ok(()) };
    match expiry.duration_since(now) {
        Ok(left) if left > LOGIN_MARGIN => Ok(()),
        left => {
            let left = left.unwrap_or_default().as_secs();
            let message = format!(
                "the AWS credentials expire in {left} s, but a login needs more than {} s; \
                 renew them at their source, and check this machine's clock",
                LOGIN_MARGIN.as_secs()
            );
            Err(Error::new(Kind::Expiring, message))
        }
    }
}

fn renew_at(credentials: &AwsCredentials, now: SystemTime) -> SystemTime {
    match credentials.expiry() {
        Some(expiry) => {
            let due = expiry.checked_sub(RENEW_BEFORE_EXPIRY).unwrap_or(now);
            due.max(now + RETRY_AFTER)
        }
        None => now + RENEW_UNDATED,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as StdMutex;
    use std::time::UNIX_EPOCH;

    use aws_credential_types::provider::{self, future};

    use super::*;

    const EPOCH: SystemTime = UNIX_EPOCH;

    fn at(seconds: u64) -> SystemTime {
        EPOCH + Duration::from_secs(seconds)
    }

    fn expiring(key: &str, expiry: Option<u64>) -> AwsCredentials {
        AwsCredentials::new(key, "SECRET", Some("SESSION".to_owned()), expiry.map(at), "test")
    }

    /// Answers from the end of a list and counts; the last answer stays.
    #[derive(Debug, Clone)]
    struct Script(Arc<StdMutex<(Vec<Option<AwsCredentials>>, usize)>>);

    impl Script {
        fn new(answers: &[Option<AwsCredentials>]) -> Self {
            Self(Arc::new(StdMutex::new((answers.iter().rev().cloned().collect(), 0))))
        }

        fn asked(&self) -> usize {
            self.0.lock().unwrap().1
        }

        fn next(&self) -> provider::Result {
            let (answers, asked) = &mut *self.0.lock().unwrap();
            *asked += 1;
            let answer =
                if answers.len() > 1 { answers.pop().flatten() } else { answers[0].clone() };
            answer.ok_or_else(|| CredentialsError::not_loaded("the script has none"))
        }
    }

    impl ProvideCredentials for Script {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::new(async {
                tokio::task::yield_now().await;
                self.next()
            })
        }
    }

    async fn key(credentials: &Credentials, now: u64) -> String {
        credentials.get(at(now)).await.unwrap().access_key_id().to_owned()
    }

    #[tokio::test]
    async fn kept_until_shortly_before_they_expire() {
        let script = Script::new(&[
            Some(expiring("first", Some(3600))),
            Some(expiring("second", Some(7200))),
        ]);
        let credentials = Credentials::from_provider(script.clone());
        assert_eq!(key(&credentials, 0).await, "first");
        assert_eq!(key(&credentials, 3299).await, "first");
        assert_eq!(script.asked(), 1);
        assert_eq!(key(&credentials, 3300).await, "second");
        assert_eq!(key(&credentials.clone(), 6899).await, "second");
        assert_eq!(script.asked(), 2);
    }

    #[tokio::test]
    async fn without_an_expiry_they_are_asked_for_again() {
        let script = Script::new(&[Some(expiring("first", None)), Some(expiring("second", None))]);
        let credentials = Credentials::from_provider(script.clone());
        assert_eq!(key(&credentials, 0).await, "first");
        assert_eq!(key(&credentials, 899).await, "first");
        assert_eq!(key(&credentials, 900).await, "second");
        assert_eq!(script.asked(), 2);
    }

    #[tokio::test]
    async fn renewed_before_they_expire_on_demand() {
        let rotated = [expiring("first", Some(3600)), expiring("second", Some(3600))];
        let script = Script::new(&rotated.map(Some));
        let credentials = Credentials::from_provider(script.clone());
        credentials.renew().await;
        assert_eq!(key(&credentials, 0).await, "first");
        credentials.renew().await;
        assert_eq!(key(&credentials, 1).await, "second");
        assert_eq!(key(&credentials, 2).await, "second");
        assert_eq!(script.asked(), 2);
    }

    #[tokio::test]
    async fn about_to_expire_is_refused() {
        let credentials =
            Credentials::from_provider(Script::new(&[Some(expiring("only", Some(1000)))]));
        assert_eq!(key(&credentials, 939).await, "only");
        for now in [940, 1000, 5000] {
            let error = credentials.get(at(now)).await.unwrap_err();
            assert!(error.is_credentials() && error.is_expiring());
            assert!(error.to_string().contains("more than 60 s"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_failed_renewal_leaves_good_ones_in_use_and_the_provider_in_peace() {
        let script = Script::new(&[Some(expiring("old", Some(1000))), None]);
        let credentials = Credentials::from_provider(script.clone());
        assert_eq!(key(&credentials, 0).await, "old");
        assert_eq!(key(&credentials, 700).await, "old");
        assert_eq!(key(&credentials, 709).await, "old");
        assert_eq!(script.asked(), 2);
        assert_eq!(key(&credentials, 710).await, "old");
        assert_eq!(script.asked(), 3);
        let error = credentials.get(at(940)).await.unwrap_err();
        assert!(error.is_credentials());
        assert!(std::error::Error::source(&error).is_some());
    }

    #[tokio::test]
    async fn a_failure_is_not_kept() {
        let script = Script::new(&[None, Some(expiring("late", None))]);
        let credentials = Credentials::from_provider(script);
        assert!(credentials.get(at(0)).await.is_err());
        assert_eq!(key(&credentials, 0).await, "late");
    }

    /// A provider that never answers.
    #[derive(Debug)]
    struct Silent;

    impl ProvideCredentials for Silent {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::new(std::future::pending())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_that_does_not_answer_is_not_waited_for() {
        let credentials = Credentials::from_provider(Silent);
        let asked = timeout(Duration::from_secs(60), credentials.get(at(0))).await;
        let error = asked.expect("it gives up").unwrap_err();
        assert!(error.is_credentials());
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("timed out") || source.contains("too long"), "{source}");
    }

    #[tokio::test]
    async fn callers_at_once_share_one_request() {
        let script = Script::new(&[
            Some(expiring("first", Some(3600))),
            Some(expiring("second", Some(7200))),
        ]);
        let credentials = Credentials::from_provider(script.clone());
        for (now, expected) in [(0, "first"), (3300, "second")] {
            let callers: Vec<_> = (0..100)
                .map(|_| {
                    let credentials = credentials.clone();
                    tokio::spawn(async move { key(&credentials, now).await })
                })
                .collect();
            for caller in callers {
                assert_eq!(caller.await.unwrap(), expected);
            }
        }
        assert_eq!(script.asked(), 2);
    }

    #[tokio::test]
    async fn a_caller_that_gives_up_does_not_block_the_others() {
        let credentials = Credentials::from_provider(Script::new(&[Some(expiring("it", None))]));
        {
            let mut given_up = std::pin::pin!(credentials.get(at(0)));
            let waker = &mut std::task::Context::from_waker(std::task::Waker::noop());
            assert!(given_up.as_mut().poll(waker).is_pending());
        }
        assert_eq!(key(&credentials, 0).await, "it");
    }

    #[test]
    fn debug_holds_no_secret() {
        let credentials = Credentials::from_provider(expiring("AKIDEXAMPLE", None));
        assert_eq!(format!("{credentials:?}"), "Credentials(** redacted **)");
    }
}
