//! The bucket of the zips: the account's own, in which each is named by its content.
//!
//! Whoever can write to it could have other code deployed, so that it is not the one which all SAM
//! applications of an account share. Nothing in it is ever overwritten.

use std::fs;
use std::path::Path;

use aws_cli::{Aws, Error};
use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;

use crate::artifacts::Zip;
use crate::caller::Caller;
use crate::sum::Sum;
use crate::{Failure, Report};

/// A bucket that belongs to the account.
pub(crate) struct Bucket<'a> {
    aws: &'a Aws,
    name: String,
    account: String,
    /// What is uploaded: nobody else changes it between its sum and its upload.
    folder: TempDir,
}

#[derive(Deserialize)]
struct Object {
    /// S3 has computed it, or compared it with what it got.
    #[serde(rename = "ChecksumSHA256")]
    sum: Option<Sum>,
}

impl<'a> Bucket<'a> {
    /// The bucket called `named`, or else our own, which is made where it is not there.
    ///
    /// # Errors
    /// It is another account's, or cannot be had.
    pub(crate) fn open(
        aws: &'a Aws,
        caller: &Caller,
        region: &str,
        named: Option<&str>,
        report: &Report,
    ) -> Result<Self, Failure> {
        let account = caller.account.clone();
        let own = format!("rds-iam-lambda-{account}-{region}");
        let name = named.map_or(own, str::to_owned);
        let bucket = Self { aws, name, account, folder: TempDir::with_prefix("rds-iam-lambda-")? };
        match bucket.call("head-bucket", &[]) {
            Ok(_) => Ok(bucket),
            Err(error) if is_missing(&error) && named.is_none() => {
                report.note(&format!("making the bucket {}", bucket.name));
                bucket.make(region, caller.partition())?;
                Ok(bucket)
            }
            Err(error) => Err(format!(
                "the zips cannot go to the bucket {}: it must be there, belong to the account {}, \
                 and let you list it; --s3-bucket names another: {error}",
                bucket.name, bucket.account
            )
            .into()),
        }
    }

    /// Makes it. New buckets are private and encrypted.
    fn make(&self, region: &str, partition: &str) -> Result<(), Failure> {
        let place = format!("LocationConstraint={region}");
        let create = ["s3api", "create-bucket", "--bucket", &self.name];
        // The first region is not one that may be named.
        let create = match region {
            "us-east-1" => create.to_vec(),
            _ => [&create[..], &["--create-bucket-configuration", &place]].concat(),
        };
        self.aws.run(&create)?;
        let policy = policy(partition, &self.name).to_string();
        self.call("put-bucket-policy", &["--policy", &policy])?;
        Ok(())
    }

    /// Uploads a zip, unless it is there. Returns its address.
    ///
    /// # Errors
    /// Other bytes are there under its name.
    pub(crate) fn keep(&self, stack: &str, zip: &Zip) -> Result<String, Failure> {
        let key = format!("{stack}/{}.zip", zip.sum);
        if !self.has(&key, &zip.sum)? {
            let file = self.folder.path().join("zip");
            fs::write(&file, &zip.bytes)?;
            // Another deploy may have put the same there in the meantime.
            if let Err(error) = self.put(&key, &file, &zip.sum)
                && !self.has(&key, &zip.sum)?
            {
                return Err(error);
            }
        }
        Ok(format!("s3://{}/{key}", self.name))
    }

    /// Uploads a file under a new name. S3 takes it with this sum alone.
    fn put(&self, key: &str, file: &Path, sum: &Sum) -> Result<(), Failure> {
        let body = file.display().to_string();
        let sum = ["--checksum-sha256", sum.base64()];
        let put = ["--key", key, "--body", &body, "--if-none-match", "*"];
        self.call("put-object", &[&put[..], &sum].concat())?;
        Ok(())
    }

    /// Whether the object is there, with this sum.
    fn has(&self, key: &str, sum: &Sum) -> Result<bool, Failure> {
        let answer = match self.call("head-object", &["--key", key, "--checksum-mode", "ENABLED"]) {
            Err(error) if is_missing(&error) => return Ok(false),
            answer => answer?,
        };
        let there = serde_json::from_slice::<Object>(&answer)?.sum;
        if there.as_ref() == Some(sum) {
            return Ok(true);
        }
        let there = there.map_or("of no known sum".to_owned(), |sum| format!("of sha256 {sum}"));
        Err(format!(
            "s3://{}/{key} holds other bytes, {there}: somebody has put them there in place of what \
             was built; find out who, remove the object and deploy again",
            self.name
        )
        .into())
    }

    /// Calls an operation on the bucket, which fails where it is another account's.
    fn call(&self, operation: &str, arguments: &[&str]) -> Result<Vec<u8>, Error> {
        let owner = ["--expected-bucket-owner", &self.account];
        let start = ["s3api", operation, "--bucket", &self.name];
        self.aws.run(&[&start[..], arguments, &owner].concat())
    }
}

/// An answer without a body has no code, only the status.
fn is_missing(error: &Error) -> bool {
    error.to_string().contains("(404)")
}

/// Nothing is overwritten, whoever may write
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html>), and
/// nothing goes without TLS.
fn policy(partition: &str, bucket: &str) -> serde_json::Value {
    let bucket = format!("arn:{partition}:s3:::{bucket}");
    let objects = format!("{bucket}/*");
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "NothingIsOverwritten",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:PutObject",
                "Resource": objects,
                "Condition": { "Null": { "s3:if-none-match": "true" } }
            },
            {
                "Sid": "NothingWithoutTls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [bucket, objects],
                "Condition": { "Bool": { "aws:SecureTransport": "false" } }
            }
        ]
    })
}
