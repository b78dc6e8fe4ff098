//! Every way a login is known to fail, named once: how it is confirmed, and how it is mended.
//!
//! An ordinary error quotes the cause that is most likely, a diagnosis ranks them, and
//! `docs/TROUBLESHOOTING.md` is this table, written out. Words in braces are filled in from the
//! settings (see [`Placeholders`](crate::Placeholders)).

use crate::step::StepName;

/// What the table knows of a cause.
#[derive(Debug)]
pub struct Entry {
    /// Its stable name.
    pub id: &'static str,
    /// The step at which it shows.
    pub step: StepName,
    /// What it is, in one line.
    pub title: &'static str,
    /// The check or command that tells whether it is the one.
    pub confirm: &'static str,
    /// What to do about it.
    pub fix: &'static str,
}

macro_rules! causes {
    ($($variant:ident $id:literal at $step:ident: $title:literal
        confirm $confirm:literal
        fix $fix:literal)*) => {
        /// A way for a login to fail.
        #[allow(missing_docs, reason = "the table says what each is")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Cause { $($variant),* }

        impl Cause {
            /// Every cause, in the order of the steps.
            pub const ALL: &[Cause] = &[$(Cause::$variant),*];

            /// Its stable name, in kebab-case.
            pub const fn id(self) -> &'static str {
                self.entry().id
            }

            /// What the table says about it.
            pub const fn entry(self) -> &'static Entry {
                match self {
                    $(Cause::$variant => &Entry {
                        id: $id,
                        step: StepName::$step,
                        title: $title,
                        confirm: $confirm,
                        fix: $fix,
                    }),*
                }
            }
        }
    };
}

causes! {
    SettingMissing "setting-missing" at Settings:
        "a setting that has no default is missing"
        confirm "`aws lambda get-function-configuration --function-name {function:shell} --query \
                 Environment`"
        fix "set the variable that the error names in the function's environment: DB_HOST is the \
             endpoint that RDS shows, DB_USER the database user made for IAM, DB_NAME the database"
    SettingMalformed "setting-malformed" at Settings:
        "a setting has a value that it cannot have"
        confirm "read the value that the error quotes"
        fix "correct the variable that the error names: ports are numbers from 1 to 65535, and \
             DB_CONNECT_TO is host:port; leave a variable out to get its default"
    HostMalformed "db-host-malformed" at Settings:
        "DB_HOST is not the name of a database endpoint"
        confirm "`aws rds describe-db-instances --query \"DBInstances[].Endpoint\"` (for Aurora: \
                 describe-db-clusters, for a proxy: describe-db-proxies)"
        fix "set DB_HOST to the endpoint that RDS shows, without scheme, user, port or path"
    RegionContradicts "region-contradicts-host" at Settings:
        "DB_REGION is another region than the one in the name of the endpoint"
        confirm "compare DB_REGION with the region in DB_HOST"
        fix "leave DB_REGION out: the endpoint names its region"
    RegionUnknown "region-unknown" at Settings:
        "DB_HOST does not name its region, and nothing else does"
        confirm "compare DB_HOST with the endpoint that RDS shows"
        fix "set DB_HOST to the endpoint that RDS shows, which names its region; for a global \
             database, set DB_REGION to the region of the database"
    BundleMissing "ca-bundle-missing" at Settings:
        "the CA bundle is not there: the rds-ca layer is not attached, or DB_CA_BUNDLE is wrong"
        confirm "`aws lambda get-function-configuration --function-name {function:shell} --query \
                 Layers`"
        fix "attach the rds-ca layer to the function (`cargo xtask layer` makes it), or set \
             DB_CA_BUNDLE to a PEM file with the CA certificates of the endpoint's region"
    BundleLacksRegion "layer-lacks-region" at Settings:
        "the layer lacks the roots of {region}"
        confirm "`cargo xtask certs list`"
        fix "run `cargo xtask certs update`, then `cargo xtask layer`, and attach the layer again"
    BundleUnusable "ca-bundle-unusable" at Settings:
        "the CA bundle holds something other than CA certificates in their time"
        confirm "`openssl storeutl -noout -text -certs {bundle:shell}`"
        fix "attach the rds-ca layer to the function (`cargo xtask layer` makes it), or put AWS's \
             current bundle of the region into DB_CA_BUNDLE: \
             https://truststore.pki.rds.amazonaws.com/{region}/{region}-bundle.pem"
    StatementsMissing "statements-missing" at Settings:
        "no statement was deployed with the function"
        confirm "`unzip -l bootstrap.zip`: statements/ must hold .sql files"
        fix "deploy at least one .sql file in the folder statements/ beside bootstrap \
             (`cargo xtask build` packs them), or set STATEMENTS_DIR to the folder that holds them"
    ScheduledUnknown "scheduled-statement-unknown" at Settings:
        "SCHEDULED_STATEMENT names no deployed statement, or one that a schedule cannot run"
        confirm "compare SCHEDULED_STATEMENT with the names of the .sql files, and look for \
                 placeholders in the one it names"
        fix "set SCHEDULED_STATEMENT to the name of a .sql file without its ending, whose statement \
             takes no parameters, or unset it and deploy items.sql"
    StatementFile "statement-file-malformed" at Settings:
        "a statement's file, or an option at its top, is wrong"
        confirm "read the line that the error names"
        fix "correct the file as the error says: it is one statement in UTF-8, with options in comments \
             at its top, such as \"-- mode: write\" and \"-- timeout: 5s\""

    CredentialsMissing "credentials-missing" at Credentials:
        "there are no AWS credentials to sign with"
        confirm "`aws lambda get-function-configuration --function-name {function:shell} --query \
                 Role`"
        fix "give the function an execution role; outside Lambda set AWS_ACCESS_KEY_ID, \
             AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
    CredentialsExpired "credentials-expired" at Credentials:
        "the AWS credentials expire before a login can use them"
        confirm "`aws sts get-caller-identity`"
        fix "renew them where they come from (such as `aws sso login`), and check this machine's \
             clock"
    SessionTokenMissing "session-token-missing" at Credentials:
        "the access key is a temporary one, and its session token is missing"
        confirm "AWS_ACCESS_KEY_ID begins with ASIA and AWS_SESSION_TOKEN is empty"
        fix "set AWS_SESSION_TOKEN too: a temporary key is worth nothing without it; in Lambda set \
             none of the three, the role does"
    TokenTruncated "token-truncated" at Credentials:
        "the credentials were cut short or damaged in copying, and so is every token"
        confirm "`aws sts get-caller-identity`, with the same three variables, says \
                 InvalidClientTokenId or SignatureDoesNotMatch"
        fix "copy AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN again, whole, \
             without quotes and line breaks; in Lambda set none of them, the role does"

    BundleExpires "root-expires-soon" at Trust:
        "a root in the CA bundle expires soon"
        confirm "`cargo xtask certs list`"
        fix "run `cargo xtask certs update`, then `cargo xtask layer`, and attach the layer again"

    NameUnresolved "name-unresolved" at Dns:
        "the name has no address"
        confirm "`dig +short {dial_host}`, from the same VPC"
        fix "check the name for a typing error and that the database still exists; the VPC needs \
             enableDnsSupport, and a private name is only known in its own VPC"

    TcpSilent "security-group" at Tcp:
        "a security group, network ACL or route drops the packets: TCP never answers"
        confirm "`aws ec2 describe-security-group-rules --filters \
                 Name=group-id,Values=DATABASE-GROUP`: an inbound rule must allow port {dial_port} \
                 from the function's security group"
        fix "let the function's security group in: `aws ec2 authorize-security-group-ingress \
             --group-id DATABASE-GROUP --protocol tcp --port {dial_port} --source-group \
             FUNCTION-GROUP`; and put the function into subnets of the database's VPC"
    PublicAddress "public-address" at Tcp:
        "the name leads to a public address, which a function in a VPC does not reach"
        confirm "`dig +short {dial_host}` inside the VPC: a private address is expected"
        fix "resolve the endpoint inside the database's VPC (enableDnsHostnames and enableDnsSupport \
             on; DNS resolution on for a peering), or make the instance not publicly accessible; a \
             function outside of the VPC needs a NAT gateway and a rule for its address"
    NoRoute "no-route" at Tcp:
        "there is no route to the address: the subnet or the network is another one"
        confirm "`aws lambda get-function-configuration --function-name {function:shell} --query \
                 VpcConfig`"
        fix "put the function into subnets of the database's VPC, or of one that is peered with it \
             and has a route there"
    PortRefused "port-refused" at Tcp:
        "the address answers, and nothing listens on port {dial_port}"
        confirm "`aws rds describe-db-instances --query \
                 \"DBInstances[?Endpoint.Address=='{host}'].[DBInstanceStatus,Endpoint.Port]\"`"
        fix "set DB_PORT to the port that RDS shows; start the database if it is stopped; with \
             DB_CONNECT_TO, start the tunnel that listens there"

    NoTls "no-tls" at Tls:
        "the server offers no TLS, so no token was sent"
        confirm "{show_tls}"
        fix "turn TLS on at the server, and check that nothing on the way (a TCP proxy, a tunnel) \
             takes it off"
    ServerSilent "server-silent" at Tls:
        "the address takes the connection and then says nothing: the server hangs, or it is not a \
         {engine} server"
        confirm "the metrics CPUUtilization, FreeableMemory and DatabaseConnections, and `aws rds \
                 describe-db-instances --query \
                 \"DBInstances[?Endpoint.Address=='{host}'].[Engine,DBInstanceStatus]\"`"
        fix "give the server time to recover or reboot it, use a larger class if it runs out of memory \
             or CPU; deploy the function of the database's engine, and check DB_PORT and \
             DB_CONNECT_TO"
    WrongEngine "wrong-engine" at Tls:
        "what answers is not a {engine} server"
        confirm "`aws rds describe-db-instances --query \
                 \"DBInstances[?Endpoint.Address=='{host}'].Engine\"`"
        fix "deploy the function of the database's engine, and check DB_PORT and DB_CONNECT_TO"
    RdsBundleForProxy "rds-bundle-for-proxy" at Tls:
        "the server's certificate is one of ACM's, as an RDS Proxy's is, and the bundle holds RDS's \
         own roots: it comes from none of these roots"
        confirm "`openssl storeutl -noout -text -certs {bundle:shell} | grep Subject`: must name \
                 Amazon Root CA 1 to 4"
        fix "leave DB_CA_BUNDLE out, and the function takes the proxy's file of the layer; or set \
             it to /opt/rds-ca/amazon-trust-roots.pem"
    ProxyBundleForInstance "proxy-bundle-for-instance" at Tls:
        "the server's certificate is one of RDS's, and the bundle holds the roots for RDS Proxy: it \
         comes from none of these roots"
        confirm "`openssl storeutl -noout -text -certs {bundle:shell} | grep Subject`: must name \
                 Amazon RDS"
        fix "leave DB_CA_BUNDLE out, and the function takes its region's file of the layer; or set \
             it to /opt/rds-ca/{region}-bundle.pem"
    BundleOfOtherRegion "ca-bundle-of-another-region" at Tls:
        "the bundle holds the roots of another region than the server's: it comes from none of these \
         roots"
        confirm "compare the regions in the names of the server's issuer and of the bundle's roots"
        fix "leave DB_CA_BUNDLE out, and the function takes its region's file of the layer; or set \
             it to /opt/rds-ca/{region}-bundle.pem"
    SelfSigned "self-signed-server" at Tls:
        "the server's certificate is one that it made for itself, not one of RDS's: it comes from \
         none of these roots"
        confirm "`openssl s_client -connect {connect_to:shell} -starttls {starttls} -showcerts \
                 </dev/null`"
        fix "check that DB_CONNECT_TO leads to the database and not to another server; for a server \
             of your own, set DB_CA_BUNDLE to its CA certificate"
    UnknownIssuer "unknown-issuer" at Tls:
        "the server's certificate comes from none of these roots"
        confirm "`openssl s_client -connect {connect_to:shell} -starttls {starttls} -showcerts \
                 </dev/null`"
        fix "check that the bundle is the one of {region} (RDS Proxy needs the Amazon Trust roots), \
             that DB_CONNECT_TO leads to this database, and that nothing on the way answers in its \
             place"
    WrongName "certificate-names-another" at Tls:
        "the certificate names another server"
        confirm "compare DB_HOST with the certificate's names"
        fix "set DB_HOST to the endpoint that RDS shows, and put a CNAME, tunnel or address into \
             DB_CONNECT_TO; check that DB_CONNECT_TO leads to this database"
    CertificateExpired "certificate-expired" at Tls:
        "the server's certificate has expired"
        confirm "`aws rds describe-db-instances --query \
                 \"DBInstances[?Endpoint.Address=='{host}'].CertificateDetails\"`"
        fix "renew it by rotating the instance's CA: `aws rds modify-db-instance \
             --db-instance-identifier {identifier} --ca-certificate-identifier rds-ca-rsa2048-g1 \
             --apply-immediately`"
    CertificateExpires "certificate-expires-soon" at Tls:
        "the server's certificate expires soon, and RDS has not renewed it"
        confirm "`aws rds describe-db-instances --query \
                 \"DBInstances[?Endpoint.Address=='{host}'].CertificateDetails\"`"
        fix "RDS renews it in the maintenance window; if it does not, rotate the instance's CA: \
             `aws rds modify-db-instance --db-instance-identifier {identifier} \
             --ca-certificate-identifier rds-ca-rsa2048-g1 --apply-immediately`"
    HandshakeFailed "tls-handshake-failed" at Tls:
        "client and server agree on no TLS, or the connection ended while they talked"
        confirm "`openssl s_client -connect {connect_to:shell} -starttls {starttls} </dev/null`"
        fix "allow TLS 1.2 or 1.3 at the server ({tls_setting}), and check that DB_CONNECT_TO and \
             the port lead to this database"

    UserNotForIam "user-not-for-iam" at Login:
        "the user does not exist, or was not made for IAM"
        confirm "as the administrator: {show_user}"
        fix "as the administrator: {create_user}"
    UserCase "user-name-case" at Login:
        "the user's name has other capitals in the database than in DB_USER"
        confirm "as the administrator: {show_user}"
        fix "set DB_USER to the name in the very letters that the database shows, and name it so in \
             the policy too"
    UserSpelling "user-name-spelling" at Login:
        "the user's name is spelled otherwise in the database than in DB_USER"
        confirm "as the administrator: {show_user}"
        fix "set DB_USER to the name in the very letters that the database shows, and name it so in \
             the policy too"
    PolicyMissing "policy-missing" at Login:
        "the function's role is not allowed rds-db:connect as this user"
        confirm "`aws iam simulate-principal-policy --policy-source-arn ROLE-ARN --action-names \
                 rds-db:connect --resource-arns {arn:shell}`"
        fix "allow the role Action rds-db:connect on Resource {arn}, and see that no Deny covers it; \
             the id in it is the one that {show_resource} shows (of an Aurora cluster cluster-…, of \
             a proxy prx-…), and not the name of the instance"
    PolicyWrongResource "policy-on-wrong-resource" at Login:
        "the role's policy names another resource id than the database's"
        confirm "{show_resource}: the id stands in the policy, after dbuser:, and not the name of the \
                 instance"
        fix "allow Action rds-db:connect on Resource {arn}, with the id that the command shows (of an \
             Aurora cluster cluster-…, of a proxy prx-…)"
    IamOff "iam-authentication-off" at Login:
        "IAM authentication is off at the database"
        confirm "{show_iam}"
        fix "{turn_iam_on}"
    SignedForCname "signed-for-cname" at Login:
        "DB_HOST is a CNAME or another name of the database, and tokens must be signed for the \
         endpoint itself"
        confirm "`dig +short CNAME {host}`"
        fix "set DB_HOST to the endpoint that RDS shows{real_host}, and put the name that you use now \
             into DB_CONNECT_TO as {host}:{port}"
    WrongEndpoint "signed-for-another-endpoint" at Login:
        "DB_HOST is an endpoint of another database than the one that answers"
        confirm "compare DB_HOST with the certificate's names"
        fix "set DB_HOST to the endpoint of the database that is meant{real_host}, and check where \
             DB_CONNECT_TO leads"
    WrongPort "signed-for-wrong-port" at Login:
        "DB_PORT is not the endpoint's own port, for which tokens must be signed"
        confirm "`aws rds describe-db-instances --query \
                 \"DBInstances[?Endpoint.Address=='{host}'].Endpoint.Port\"`"
        fix "leave DB_PORT out or set it to the port that RDS shows; a tunnel's port belongs into \
             DB_CONNECT_TO alone"
    WrongRegion "signed-for-wrong-region" at Login:
        "the token is signed for {region}, and the database is in another region"
        confirm "read the region in the name of the server's CA"
        fix "set DB_REGION to the database's region{real_region}, or DB_HOST to the endpoint that RDS \
             shows, which names it"
    ClockOff "clock-off" at Login:
        "the clock here and the database's differ, and a token holds for 15 minutes"
        confirm "compare `date -u` here with the true time"
        fix "set this machine's clock by NTP (`timedatectl set-ntp true`); Lambda's own clock is \
             right, so look for a host or container with a clock of its own"
    Throttled "throttled" at Login:
        "too many new IAM connections a second: RDS takes fewer than 200, and small instances fewer"
        confirm "the metric DatabaseConnections and the function's ConcurrentExecutions at that time"
        fix "lower the function's reserved concurrency, keep connections open from one event to the \
             next, or put an RDS Proxy before the database"
    ProxyWithoutIam "proxy-without-iam" at Login:
        "the RDS Proxy does not ask for IAM tokens"
        confirm "`aws rds describe-db-proxies --query \"DBProxies[?Endpoint=='{host}'].Auth\"`: \
                 IAMAuth must be REQUIRED or ENABLED, and a secret of {user} be listed"
        fix "`aws rds modify-db-proxy --db-proxy-name {identifier} --auth \
             AuthScheme=SECRETS,SecretArn=SECRET-OF-USER,IAMAuth=REQUIRED --require-tls`"
    AccessKeyUnknown "access-key-not-accepted" at Login:
        "the access key was deleted, has expired or is of another account's role"
        confirm "`aws sts get-caller-identity`, with the same credentials"
        fix "in Lambda, deploy the function again so that it gets fresh credentials, and see that \
             its role still exists; elsewhere, renew the credentials"
    ChangePending "iam-change-pending" at Login:
        "a change of a policy, role or IAM authentication was made minutes ago and is not in force yet"
        confirm "the time of the change in CloudTrail"
        fix "wait some minutes and try again"
    LogUnread "read-iam-db-auth-error-log" at Login:
        "the reason stands in the database's iam-db-auth-error log"
        confirm "`aws rds describe-db-log-files --db-instance-identifier {identifier} \
                 --filename-contains iam-db-auth-error`"
        fix "export the log to CloudWatch Logs, `aws rds modify-db-instance \
             --db-instance-identifier {identifier} --cloudwatch-logs-export-configuration \
             EnableLogTypes=iam-db-auth-error`, try again, and read what it says of {user}"
    DatabaseUnknown "database-unknown" at Login:
        "there is no database called {database}"
        confirm "as the administrator: {show_databases}"
        fix "check DB_NAME: it is the name of the database inside the server, not of the instance"
    DatabaseDenied "database-denied" at Login:
        "the user may not use the database {database}, or there is none of that name"
        confirm "as the administrator: {show_databases} names {database}, and {show_grants} a right \
                 on it"
        fix "check DB_NAME: it must name a database that is there; when {database} is the one that is \
             meant, as the administrator: {grant_database}"
    TooManyConnections "too-many-connections" at Login:
        "the server, or the user, has as many connections as allowed"
        confirm "as the administrator: {show_connections}"
        fix "lower the function's reserved concurrency, or raise {connections_setting}, or put an RDS \
             Proxy before the database"
    HostBlocked "host-not-allowed" at Login:
        "the server lets this user, database or address in by no rule"
        confirm "as the administrator: {show_hosts}"
        fix "{allow_host}"
    UserLocked "user-locked" at Login:
        "the user is locked or may not log in"
        confirm "as the administrator: {show_user}"
        fix "as the administrator: {unlock_user}"
    ServerNotReady "server-not-ready" at Login:
        "the server is starting, stopping or failing over"
        confirm "`aws rds describe-events --source-type db-instance --duration 60`"
        fix "wait for the status `available`, and try again"
    LoginSilent "login-silent" at Login:
        "the server does not answer the login: it has no memory or CPU left for IAM, or is too busy"
        confirm "the metrics CPUUtilization, FreeableMemory and DatabaseConnections"
        fix "use an instance of a larger class, or lower the function's reserved concurrency"
    LoginRefused "login-refused" at Login:
        "the server turns the login away, in words of its own"
        confirm "read the server's words, and its error log"
        fix "the server's own words say why; check that DB_CONNECT_TO leads to a {engine} server"

    MasterUser "master-user" at Database:
        "the function logs in as an administrator of the database"
        confirm "as the administrator: {show_grants}"
        fix "make a user for the function alone ({create_user}) and set DB_USER to it; take IAM away \
             from the master user, whose password does not work as long as it has it"
    ReadOnly "read-only" at Database:
        "the database is read-only, and the catalogue holds statements that write"
        confirm "{show_read_only}"
        fix "set DB_HOST to the cluster's writer endpoint or to the primary instance, not to a reader \
             or replica; {unset_read_only}"
    ServerClock "clock-offset" at Database:
        "the clock here and the database's differ"
        confirm "compare `date -u` here with {show_time} there"
        fix "set this machine's clock by NTP (`timedatectl set-ntp true`): tokens from a clock that is \
             off by minutes are refused"

    TableMissing "table-missing" at Statements:
        "a statement names a table, column or function that is not there"
        confirm "run the .sql file as it is in {client}"
        fix "create what the server's words name, correct the statement, or set DB_NAME to the \
             database that has it"
    RightsMissing "rights-missing" at Statements:
        "the user lacks the rights that a statement needs"
        confirm "as the administrator: {show_grants}"
        fix "as the administrator: {grant_tables}"
    StatementInvalid "statement-invalid" at Statements:
        "a statement is not valid SQL for this server"
        confirm "run the .sql file as it is in {client}"
        fix "correct the statement where the server's words point, and deploy again"
    StatementMode "statement-mode" at Statements:
        "a statement writes, and its file does not say so"
        confirm "read the first lines of the .sql file"
        fix "put the line \"-- mode: write\" at its top"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_are_kebab_case_and_unique_and_in_the_order_of_the_steps() {
        let ids: BTreeSet<_> = Cause::ALL.iter().map(|cause| cause.id()).collect();
        assert_eq!(ids.len(), Cause::ALL.len());
        let kebab = |id: &str| {
            id.split('-')
                .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()))
        };
        assert!(ids.iter().all(|id| kebab(id)), "{ids:?}");
        let steps: Vec<_> = Cause::ALL.iter().map(|cause| cause.entry().step).collect();
        assert!(steps.is_sorted(), "{steps:?}");
    }

    #[test]
    fn texts_are_in_lower_case_with_no_final_dot() {
        for cause in Cause::ALL {
            let Entry { id, title, confirm, fix, .. } = cause.entry();
            for text in [title, confirm, fix] {
                assert!(!text.is_empty() && !text.ends_with('.') && !text.contains("  "), "{id}");
            }
        }
    }
}
