//! What decides about a login and no client can see: conditions, resource ids, accounts, throttling.

use diagnosis::Cause;
use local_aws::{ACCOUNT, REGION};
use local_rds::Engine;
use serde_json::{Value, json};

use crate::cloud::{Account, DATABASE, FUNCTION, ROLE, cause};
use crate::run::first_cause;

impl Account {
    /// Replaces the role's policy.
    fn put(&self, statements: &Value) {
        let policy = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
        let put = ["iam", "put-role-policy", "--role-name", ROLE, "--policy-name"];
        let put = [&put[..], &["rds-iam-lambda", "--policy-document", &policy]].concat();
        self.aws.run(&put).unwrap();
        self.enforce();
    }

    fn arn(&self) -> String {
        let user = self.server.user();
        format!("arn:aws:rds-db:{REGION}:{ACCOUNT}:dbuser:{}/{user}", self.resource_id)
    }
}

/// One account for all, because starting the emulator takes longer than all of this.
#[test]
fn what_decides_elsewhere_is_told_first() {
    let account = Account::new(Engine::Postgres);
    let doctor = account.doctor();
    let enable = format!("modify-db-instance --db-instance-identifier {DATABASE}");
    let on = "--enable-iam-database-authentication --apply-immediately";
    account.call(&format!("rds {enable} {on}"));
    let allow = json!({ "Effect": "Allow", "Action": "rds-db:connect", "Resource": account.arn() });

    // A data perimeter.
    account.put(&json!([allow, { "Sid": "Perimeter", "Effect": "Deny", "Action": "*",
        "Resource": "*", "Condition": { "StringNotEquals": { "aws:SourceVpce": "vpce-1" } } }]));
    let (code, diagnosis) = doctor.diagnosis();
    let first = Cause::NetworkCondition.id();
    assert_eq!((code, first_cause(&diagnosis)), (Some(1), first), "{diagnosis:#}");
    let because = diagnosis["causes"][0]["because"].as_str().unwrap();
    for part in ["rds-iam-lambda", "Perimeter", "StringNotEquals aws:SourceVpce"] {
        assert!(because.contains(part), "{because}");
    }
    // An Allow that never applies.
    let mut conditional = allow.clone();
    conditional["Condition"] = json!({ "IpAddress": { "aws:SourceIp": "10.0.0.0/8" } });
    account.put(&json!([conditional]));
    let (_, diagnosis) = doctor.diagnosis();
    assert_eq!(first_cause(&diagnosis), first, "{diagnosis:#}");

    // All is right, but for what RDS counted a minute ago.
    account.put(&json!([allow]));
    assert_eq!(doctor.run().code, Some(0));
    for (metric, value) in
        [("IamDbAuthConnectionRequests", 340), ("IamDbAuthConnectionFailureThrottling", 12)]
    {
        let put = format!(
            "cloudwatch put-metric-data --namespace AWS/RDS --metric-name {metric} --value {value} \
             --unit Count --dimensions DBInstanceIdentifier={DATABASE}"
        );
        account.aws.run(&put.split_whitespace().collect::<Vec<_>>()).unwrap();
    }
    let (code, diagnosis) = doctor.diagnosis();
    assert_eq!((code, first_cause(&diagnosis)), (Some(1), Cause::Throttled.id()), "{diagnosis:#}");
    let because = diagnosis["causes"][0]["because"].as_str().unwrap();
    assert!(because.contains("was 12 in") && because.contains("at most 340"), "{because}");

    switched_over(&account);

    // A role of another account, whatever its policies.
    account.call(&format!(
        "lambda update-function-configuration --function-name {FUNCTION} --role \
         arn:aws:iam::999999999999:role/{ROLE}"
    ));
    let (_, diagnosis) = doctor.diagnosis();
    let other = cause(&diagnosis, Cause::OtherAccount);
    assert!(other["because"].as_str().unwrap().contains("999999999999"), "{diagnosis:#}");
    assert!(first_cause(&diagnosis) != Cause::PolicyMissing.id(), "{diagnosis:#}");
}

/// The same name has another resource id, and the policy names the old one.
fn switched_over(account: &Account) {
    let doctor = account.doctor();
    let blue = format!("arn:aws:rds:{REGION}:{ACCOUNT}:db:{DATABASE}");
    let made = account.call(&format!(
        "rds create-blue-green-deployment --blue-green-deployment-name upgrade --source {blue}"
    ));
    let id = made["BlueGreenDeployment"]["BlueGreenDeploymentIdentifier"].as_str().unwrap();
    account.call(&format!(
        "rds switchover-blue-green-deployment --blue-green-deployment-identifier {id}"
    ));
    // The server is the green one now: its id is not the policy's.
    let old = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow",
        "Action": "rds-db:connect", "Resource": account.arn() }] });
    account.server.iam().set_policy(&old.to_string()).unwrap();

    let (code, diagnosis) = doctor.diagnosis();
    assert_eq!(code, Some(1));
    let changed = cause(&diagnosis, Cause::ResourceIdChanged);
    let because = changed["because"].as_str().unwrap_or_else(|| panic!("{diagnosis:#}"));
    assert!(because.contains(id) && because.contains(&account.resource_id), "{because}");
    assert_eq!(cause(&diagnosis, Cause::PolicyWrongResource), &Value::Null, "{diagnosis:#}");
    let fix = changed["fix"].as_str().unwrap();
    let user = account.server.user();
    assert!(
        fix.contains(&format!("`cargo xtask deploy --db-instance {DATABASE} --db-user {user} ")),
        "{fix}"
    );
}
