//! The bucket of the zips and of long templates, in which each object is named by its SHA-256.
//!
//! Whoever can write to it could deploy other code, so it is not the one that all SAM applications of an
//! account share. Its objects are never overwritten.

use std::fs;
use std::path::Path;

use aws_cli::{Aws, Caller, Error};
use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;

use crate::artifacts::Zip;
use crate::sum::Sum;
use crate::{Failure, Report};

/// A bucket of the account.
pub(crate) struct Bucket<'a> {
    aws: &'a Aws,
    name: String,
    account: String,
    /// S3 in the region.
    host: String,
    /// The copy that is uploaded, which nobody else can change after it was hashed.
    folder: TempDir,
}

#[derive(Deserialize)]
struct Object {
    /// Computed or verified by S3.
    #[serde(rename = "ChecksumSHA256")]
    sum: Option<Sum>,
}

impl<'a> Bucket<'a> {
    /// The bucket `named`, or else the default one, which is created where it is missing.
    ///
    /// # Errors
    /// It belongs to another account, or cannot be used or created.
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
        let domain =
            if caller.partition() == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
        let host = format!("s3.{region}.{domain}");
        let folder = TempDir::with_prefix("rds-iam-lambda-")?;
        let bucket = Self { aws, name, account, host, folder };
        match bucket.call("head-bucket", &[]) {
            Ok(_) => Ok(bucket),
            Err(error) if error.is_not_found() && named.is_none() => {
                report.note(&format!("creating the bucket {}", bucket.name));
                bucket.create(region, caller.partition())?;
                Ok(bucket)
            }
            Err(error) => Err(format!(
                "cannot use the bucket {}: it must exist, belong to the account {} and let you list it; \
                 choose another with --s3-bucket: {error}",
                bucket.name, bucket.account
            )
            .into()),
        }
    }

    /// The client of its account.
    pub(crate) fn aws(&self) -> &'a Aws {
        self.aws
    }

    /// Creates it. New buckets are private and encrypted.
    fn create(&self, region: &str, partition: &str) -> Result<(), Failure> {
        let place = format!("LocationConstraint={region}");
        let create = ["s3api", "create-bucket", "--bucket", &self.name];
        // us-east-1 must not be named.
        let create = match region {
            "us-east-1" => create.to_vec(),
            _ => [&create[..], &["--create-bucket-configuration", &place]].concat(),
        };
        self.aws.run(&create)?;
        let policy = policy(partition, &self.name).to_string();
        self.call("put-bucket-policy", &["--policy", &policy])?;
        Ok(())
    }

    /// Uploads a zip, unless the bucket has it. Returns its address.
    ///
    /// # Errors
    /// The object of its name has other bytes.
    pub(crate) fn keep(&self, stack: &str, zip: &Zip) -> Result<String, Failure> {
        let key = self.upload(stack, "zip", &zip.bytes, &zip.sum)?;
        Ok(format!("s3://{}/{key}", self.name))
    }

    /// Uploads a template, unless the bucket has it. Returns its address for CloudFormation.
    ///
    /// # Errors
    /// The object of its name has other bytes.
    pub(crate) fn keep_template(&self, stack: &str, template: &str) -> Result<String, Failure> {
        let key = self.upload(stack, "yaml", template.as_bytes(), &Sum::of(template.as_bytes()))?;
        Ok(format!("https://{}/{}/{key}", self.host, self.name))
    }

    /// Uploads bytes, unless the bucket has them. Returns the key, which has their sum.
    fn upload(&self, stack: &str, kind: &str, bytes: &[u8], sum: &Sum) -> Result<String, Failure> {
        let key = format!("{stack}/{sum}.{kind}");
        if !self.has(&key, sum)? {
            let file = self.folder.path().join(kind);
            fs::write(&file, bytes)?;
            // Another deployment may have uploaded it in the meantime.
            if let Err(error) = self.put(&key, &file, sum)
                && !self.has(&key, sum)?
            {
                return Err(error);
            }
        }
        Ok(key)
    }

    /// Uploads a file under a new name. S3 verifies the sum.
    fn put(&self, key: &str, file: &Path, sum: &Sum) -> Result<(), Failure> {
        let body = file.display().to_string();
        let sum = ["--checksum-sha256", sum.base64()];
        let put = ["--key", key, "--body", &body, "--if-none-match", "*"];
        self.call("put-object", &[&put[..], &sum].concat())?;
        Ok(())
    }

    /// Whether the object exists, with this sum.
    fn has(&self, key: &str, sum: &Sum) -> Result<bool, Failure> {
        let answer = match self.call("head-object", &["--key", key, "--checksum-mode", "ENABLED"]) {
            Err(error) if error.is_not_found() => return Ok(false),
            answer => answer?,
        };
        let there = serde_json::from_slice::<Object>(&answer)?.sum;
        if there.as_ref() == Some(sum) {
            return Ok(true);
        }
        let there = there.map_or("has no SHA-256".to_owned(), |sum| format!("has sha256 {sum}"));
        Err(format!(
            "s3://{}/{key} is not what was built, it {there}: somebody replaced it; find out who, delete \
             the object and deploy again",
            self.name
        )
        .into())
    }

    /// Calls an operation on the bucket, which fails if it belongs to another account.
    fn call(&self, operation: &str, arguments: &[&str]) -> Result<Vec<u8>, Error> {
        let owner = ["--expected-bucket-owner", &self.account];
        let start = ["s3api", operation, "--bucket", &self.name];
        self.aws.run(&[&start[..], arguments, &owner].concat())
    }
}

/// No object is overwritten
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html>), and no
/// request is accepted without TLS.
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
