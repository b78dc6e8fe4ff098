//! The table of causes: every known way for a login to fail, how to confirm it, and how to fix it.
//!
//! Words in braces are filled in from the settings: see [`Placeholders`](crate::Placeholders).

use crate::step::StepName;

/// A row of the table.
#[derive(Debug)]
pub struct Entry {
    /// Its stable name.
    pub id: &'static str,
    /// The step that detects it.
    pub step: StepName,
    /// What it is, in one line.
    pub title: &'static str,
    /// The check or command that confirms it.
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

            /// Its row.
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
        "a required setting is missing"
        confirm "`aws lambda get-function-configuration --function-name {function:shell} --query \
                 Environment`"
        fix "set the environment variable that the error names: DB_HOST is the endpoint that RDS shows, \
             DB_USER is the database user created for IAM, and DB_NAME is the database"
    SettingMalformed "setting-malformed" at Settings:
        "a setting has an invalid value"
        confirm "check the value that the error quotes"
        fix "correct the environment variable that the error names: a port is a number from 1 to 65535, \
             and DB_CONNECT_TO is host:port; remove a variable to use its default"
    HostMalformed "db-host-malformed" at Settings:
        "DB_HOST is not the name of a database endpoint"
        confirm "`aws rds describe-db-instances --query \"DBInstances[].Endpoint\"` (for Aurora: \
                 describe-db-clusters, for a proxy: describe-db-proxies)"
        fix "set DB_HOST to the endpoint that RDS shows, without a scheme, user, port or path"
    OtherService "other-service" at Settings:
        "DB_HOST is an endpoint of another AWS service, which takes other tokens than RDS"
        confirm "compare DB_HOST with the endpoint that RDS shows"
        fix "set DB_HOST to the endpoint of an RDS or Aurora database, or of an RDS Proxy; Aurora DSQL, \
             Redshift, DocumentDB and Neptune do not take the tokens of RDS"
    EndpointUnsupported "endpoint-unsupported" at Settings:
        "DB_HOST is an endpoint of a kind that is not supported"
        confirm "compare DB_HOST with the endpoints that RDS shows"
        fix "set DB_HOST to the endpoint of an instance, a cluster or an RDS Proxy; the endpoint of a DB \
             shard group (Aurora PostgreSQL Limitless Database) is not supported"
    RegionContradicts "region-contradicts-host" at Settings:
        "DB_REGION differs from the region in the endpoint's name"
        confirm "compare DB_REGION with the region in DB_HOST"
        fix "remove DB_REGION: the endpoint names its region"
    RegionUnknown "region-unknown" at Settings:
        "DB_HOST does not name its region, and no other setting does"
        confirm "compare DB_HOST with the endpoint that RDS shows"
        fix "set DB_HOST to the endpoint that RDS shows, which names its region; for a global \
             database, set AWS_REGION, and tokens are signed for the region of the writer"
    BundleMissing "ca-bundle-missing" at Settings:
        "the CA bundle does not exist: the rds-ca layer is not attached, or DB_CA_BUNDLE is wrong"
        confirm "`aws lambda get-function-configuration --function-name {function:shell} --query \
                 Layers`"
        fix "attach the rds-ca layer to the function (`cargo xtask layer` builds it), or set \
             DB_CA_BUNDLE to a PEM file with the CA certificates of the endpoint's region"
    BundleLacksRegion "layer-lacks-region" at Settings:
        "the layer has no root certificates for {region}"
        confirm "`cargo xtask certs list`"
        fix "run `cargo xtask certs update` and `cargo xtask layer`, and attach the new layer"
    RegionWithoutRoots "region-without-roots" at Settings:
        "no root certificates are known for {region}, where the database is"
        confirm "`cargo xtask certs list`"
        fix "set DB_CA_BUNDLE to the bundle that AWS publishes for {region}, if it does: see \"Using \
             SSL/TLS to encrypt a connection to a DB instance\" in the user guide of that partition"
    BundleUnusable "ca-bundle-unusable" at Settings:
        "the CA bundle contains something other than valid CA certificates"
        confirm "`openssl storeutl -noout -text -certs {bundle:shell}`"
        fix "attach the rds-ca layer to the function (`cargo xtask layer` builds it), or set \
             DB_CA_BUNDLE to AWS's current bundle for the region: \
             https://truststore.pki.rds.amazonaws.com/{region}/{region}-bundle.pem"
    StatementsMissing "statements-missing" at Settings:
        "no statement was deployed with the function"
        confirm "`unzip -l bootstrap.zip`: statements/ must contain .sql files"
        fix "put at least one .sql file into the folder statements/ beside bootstrap (`cargo xtask \
             build` packs them) and deploy again, or set STATEMENTS_DIR to the folder that contains \
             them"
    ScheduledUnknown "scheduled-statement-unknown" at Settings:
        "SCHEDULED_STATEMENT does not name a deployed statement that a schedule can run"
        confirm "compare SCHEDULED_STATEMENT with the names of the .sql files, and check its statement \
                 for placeholders"
        fix "set SCHEDULED_STATEMENT to the name of a .sql file, without its extension, whose statement \
             takes no parameters, or remove it and deploy items.sql"
    StatementFile "statement-file-malformed" at Settings:
        "a statement's file, or an option at its top, is invalid"
        confirm "check the line that the error names"
        fix "correct the file as the error says: it contains one statement in UTF-8, with options in \
             comments at its top, such as \"-- mode: write\" and \"-- timeout: 5s\""

    CredentialsMissing "credentials-missing" at Credentials:
        "there are no AWS credentials to sign with"
        confirm "`aws lambda get-function-configuration --function-name {function:shell} --query \
                 Role`"
        fix "give the function an execution role; outside Lambda, set AWS_ACCESS_KEY_ID, \
             AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
    CredentialsExpired "credentials-expired" at Credentials:
        "the AWS credentials expire before a login can use them"
        confirm "`aws sts get-caller-identity`"
        fix "renew them at their source (for example with `aws sso login`), and check this machine's \
             clock"
    SessionTokenMissing "session-token-missing" at Credentials:
        "the access key is temporary, and its session token is missing"
        confirm "check whether AWS_ACCESS_KEY_ID begins with ASIA and AWS_SESSION_TOKEN is empty"
        fix "set AWS_SESSION_TOKEN too: a temporary key is invalid without it; in Lambda, set none of \
             the three, because the role provides them"
    TokenTruncated "token-truncated" at Credentials:
        "the credentials were truncated or damaged when they were copied, so every token is invalid"
        confirm "run `aws sts get-caller-identity` with the same three variables: it fails with \
                 InvalidClientTokenId or SignatureDoesNotMatch"
        fix "copy AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN again, in full, \
             without quotes or line breaks; in Lambda, set none of them, because the role provides \
             them"

    BundleExpires "root-expires-soon" at Trust:
        "a root certificate in the CA bundle expires soon"
        confirm "`cargo xtask certs list`"
        fix "run `cargo xtask certs update` and `cargo xtask layer`, and attach the new layer"

    NameUnresolved "name-unresolved" at Dns:
        "the name cannot be resolved"
        confirm "run `dig +short {dial_host}` in the same VPC"
        fix "check the spelling of the name, and that the database still exists; the VPC needs \
             enableDnsSupport, and a private name resolves only in its own VPC"
    NameLookupFails "name-lookup-fails" at Dns:
        "the resolver fails or does not answer, which says nothing about the name; this passes"
        confirm "run `dig +short {dial_host}` in the same VPC several times: SERVFAIL and time-outs come \
                 from the resolver, NXDOMAIN would mean that there is no such name"
        fix "send the event again; if it happens often, check the DHCP options of the VPC (its own \
             resolver answers for the endpoint; another name server must forward to it), and that the \
             functions of one network interface ask it less than 1,024 times a second"

    TcpSilent "security-group" at Tcp:
        "a security group, network ACL or route table drops the packets: the connection times out"
        confirm "`aws ec2 describe-security-group-rules --filters \
                 Name=group-id,Values=DATABASE-GROUP`: an inbound rule must allow port {dial_port} \
                 from the function's security group"
        fix "allow inbound traffic from the function's security group: `aws ec2 \
             authorize-security-group-ingress --group-id DATABASE-GROUP --protocol tcp --port \
             {dial_port} --source-group FUNCTION-GROUP`; and put the function into subnets of the \
             database's VPC"
    PublicAddress "public-address" at Tcp:
        "the name resolves to a public address, which a function in a VPC cannot reach"
        confirm "run `dig +short {dial_host}` inside the VPC: it must return a private address"
        fix "resolve the endpoint inside the database's VPC (turn on enableDnsHostnames and \
             enableDnsSupport, and DNS resolution for a peering connection), or make the instance not \
             publicly accessible; an Aurora express cluster has only a public address: deploy the \
             function outside a VPC"
    NoRoute "no-route" at Tcp:
        "there is no route to the database: the function is in another subnet, VPC or network"
        confirm "`aws lambda get-function-configuration --function-name {function:shell} --query \
                 VpcConfig`"
        fix "put the function into subnets of the database's VPC, or of a peered VPC that has a route \
             to it"
    PortRefused "port-refused" at Tcp:
        "the address answers, but nothing listens on port {dial_port}"
        confirm "`aws rds describe-db-instances --query \
                 \"DBInstances[?Endpoint.Address=='{host}'].[DBInstanceStatus,Endpoint.Port]\"`"
        fix "set DB_PORT to the port that RDS shows; start the database if it is stopped; with \
             DB_CONNECT_TO, start the tunnel"
    NoIpv6 "no-ipv6" at Tcp:
        "the name has only IPv6 addresses, and the function's network has no IPv6"
        confirm "`aws ec2 describe-subnets --subnet-ids FUNCTION-SUBNETS --query \
                 \"Subnets[].[SubnetId,CidrBlock,Ipv6CidrBlockAssociationSet[].Ipv6CidrBlock]\"`, and `aws \
                 lambda get-function-configuration --function-name {function:shell} --query \
                 VpcConfig.Ipv6AllowedForDualStack`"
        fix "put the function into subnets that each have an IPv6 CIDR block, and set \
             Ipv6AllowedForDualStack (`cargo xtask deploy` with --ipv6; in the template, the parameter \
             of that name); or give the endpoint an IPv4 address too: the DB_CONNECT_TO that is dialled, \
             or the database's network type"
    FamilySilent "address-family-silent" at Tcp:
        "the name has addresses of both IPv4 and IPv6, and those of one do not answer"
        confirm "`aws ec2 describe-security-group-rules --filters \
                 Name=group-id,Values=DATABASE-GROUP`: rules with CidrIpv4 and with CidrIpv6 are \
                 separate; and look at the route tables of both networks for both protocols"
        fix "allow the function's security group itself on port {dial_port}, which covers both protocols \
             (`aws ec2 authorize-security-group-ingress --group-id DATABASE-GROUP --protocol tcp --port \
             {dial_port} --source-group FUNCTION-GROUP`), and let the function's group send to both \
             0.0.0.0/0 and ::/0, or to the database's group; until then each login takes the other \
             address, a quarter of a second later"
    DatabasePaused "database-paused" at Tcp:
        "the database was paused, and resumes: Aurora Serverless v2 with a minimum of 0 ACUs pauses when \
         nobody is connected, and the login that wakes it waits some 15 s, or 30 s and more after a day"
        confirm "`aws rds describe-db-clusters --region {region} --query \
                 \"DBClusters[?Endpoint=='{host}' || \
                 ReaderEndpoint=='{host}'].ServerlessV2ScalingConfiguration\"`: MinCapacity 0 pauses \
                 after SecondsUntilAutoPause, and the metric ServerlessDatabaseCapacity is 0 then; \
                 without MinCapacity 0 this is not the cause"
        fix "send the event again: the database is awake now. Give the function a time-out of 45 s or \
             more (`cargo xtask deploy` with --parameter Timeout=60), so that a login waits for it; or set a \
             minimum of 0.5 ACUs or more, with which it never pauses. A function's warm connection keeps it \
             awake, and billed, until Lambda ends the environment; any login wakes it, even one with wrong \
             credentials; and an RDS Proxy in front of it keeps it from pausing at all"

    NoTls "no-tls" at Tls:
        "the server does not offer TLS, so no token was sent"
        confirm "{show_tls}"
        fix "turn on TLS at the server, and check that no TCP proxy or tunnel in between removes it"
    ServerSilent "server-silent" at Tls:
        "the server accepts the connection but sends nothing: it hangs, or it is not a {engine} server"
        confirm "check the metrics CPUUtilization, FreeableMemory and DatabaseConnections, and run `aws \
                 rds describe-db-instances --query \
                 \"DBInstances[?Endpoint.Address=='{host}'].[Engine,DBInstanceStatus]\"`"
        fix "let the server recover, or reboot it; use a larger instance class if it runs out of memory \
             or CPU; deploy the function for the database's engine, and check DB_PORT and \
             DB_CONNECT_TO"
    WrongEngine "wrong-engine" at Tls:
        "the server is not a {engine} server"
        confirm "`aws rds describe-db-instances --query \
                 \"DBInstances[?Endpoint.Address=='{host}'].Engine\"`"
        fix "deploy the function for the database's engine, and check DB_PORT and DB_CONNECT_TO"
    RdsBundleForProxy "rds-bundle-for-proxy" at Tls:
        "the server's certificate is from ACM, like an RDS Proxy's, but the bundle contains the roots \
         of RDS"
        confirm "`openssl storeutl -noout -text -certs {bundle:shell} | grep Subject`: must name \
                 Amazon Root CA 1 to 4"
        fix "set DB_HOST to the proxy's endpoint, and remove DB_CA_BUNDLE and DB_TRUST, so that the \
             function uses the layer's file for proxies; or set DB_CA_BUNDLE to \
             /opt/rds-ca/amazon-trust-roots.pem"
    GatewayNeedsAmazonRoots "gateway-needs-amazon-roots" at Tls:
        "the server's certificate is from Amazon Trust Services, like that of an Aurora express \
         cluster's internet access gateway, but the bundle contains the roots of RDS"
        confirm "`aws rds describe-db-clusters --region {region} --query \
                 \"DBClusters[?Endpoint=='{host}' || \
                 ReaderEndpoint=='{host}'].InternetAccessGatewayEnabled\"`: must be true"
        fix "if it is true, remove DB_CA_BUNDLE and set DB_TRUST to amazon (in the template, the \
             parameter PostgresTrust): `cargo xtask deploy {target}` does; if it is not, the server is \
             not this cluster: check where DB_CONNECT_TO leads"
    ProxyBundleForInstance "proxy-bundle-for-instance" at Tls:
        "the server's certificate is from RDS, but the bundle contains the roots of Amazon Trust \
         Services, which only an RDS Proxy and an Aurora express cluster have"
        confirm "`openssl storeutl -noout -text -certs {bundle:shell} | grep Subject`: must name \
                 Amazon RDS"
        fix "remove DB_TRUST and DB_CA_BUNDLE, so that the function uses the layer's file for its \
             region; or set DB_CA_BUNDLE to {layer_file}"
    BundleOfOtherRegion "ca-bundle-of-another-region" at Tls:
        "the server's certificate is from one region, but the bundle contains the roots of another"
        confirm "compare the region in the name of the server's issuer with those in the names of the \
                 bundle's roots"
        fix "remove DB_CA_BUNDLE, so that the function uses the layer's file, {layer_file}; if it is this \
             file, build the layer with the region of the server's certificate (`cargo xtask layer`) and \
             attach it"
    SelfSigned "self-signed-server" at Tls:
        "the server's certificate is self-signed, not from RDS"
        confirm "`openssl s_client -connect {connect_to:shell} -starttls {starttls} -showcerts \
                 </dev/null`"
        fix "check that DB_CONNECT_TO leads to the database and not to another server; for a \
             self-managed server, set DB_CA_BUNDLE to its CA certificate"
    CaOfSameName "ca-of-same-name" at Tls:
        "the server's CA has the name of a root in the bundle, but another key: it is another CA"
        confirm "`openssl s_client -connect {connect_to:shell} -starttls {starttls} -showcerts \
                 </dev/null`: compare the last certificate with that of the same name in the bundle"
        fix "if the server is a local or a self-managed one, set DB_CA_BUNDLE to its own CA certificate \
             (`cargo xtask local` and local-rds print the file; for the doctor, --ca-bundle); if it \
             should be RDS's, check where DB_CONNECT_TO leads, and that nothing intercepts the \
             connection"
    UnknownIssuer "unknown-issuer" at Tls:
        "the server's certificate was not issued by any root in the bundle"
        confirm "`openssl s_client -connect {connect_to:shell} -starttls {starttls} -showcerts \
                 </dev/null`"
        fix "check that the bundle is {layer_file} (RDS Proxy and Aurora express clusters need \
             the Amazon Trust roots: DB_TRUST=amazon), that DB_CONNECT_TO leads to this database, and \
             that nothing intercepts the connection"
    WrongName "certificate-names-another" at Tls:
        "the server's certificate does not name DB_HOST"
        confirm "compare DB_HOST with the names in the certificate"
        fix "set DB_HOST to the endpoint that RDS shows, and set DB_CONNECT_TO to a CNAME, tunnel or \
             address; check that DB_CONNECT_TO leads to this database"
    CertificateExpired "certificate-expired" at Tls:
        "the server's certificate has expired"
        confirm "`aws rds describe-db-instances --query \
                 \"DBInstances[?Endpoint.Address=='{host}'].CertificateDetails\"`"
        fix "rotate the instance's CA to renew it: `aws rds modify-db-instance \
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
        "client and server could not agree on TLS, or the connection closed during the handshake"
        confirm "`openssl s_client -connect {connect_to:shell} -starttls {starttls} </dev/null`"
        fix "allow TLS 1.2 or 1.3 at the server ({tls_setting}), and check that DB_CONNECT_TO and \
             the port lead to this database"

    UserNotForIam "user-not-for-iam" at Login:
        "the user does not exist, or was not created for IAM authentication"
        confirm "run as the administrator: {show_user}"
        fix "run as the administrator: {create_user}"
    UserCase "user-name-case" at Login:
        "DB_USER differs in case from the user's name in the database"
        confirm "run as the administrator: {show_user}"
        fix "set DB_USER to the name exactly as the database shows it, and use the same name in the \
             policy"
    UserSpelling "user-name-spelling" at Login:
        "DB_USER is spelled differently from the user's name in the database"
        confirm "run as the administrator: {show_user}"
        fix "set DB_USER to the name exactly as the database shows it, and use the same name in the \
             policy"
    PolicyMissing "policy-missing" at Login:
        "IAM does not allow rds-db:connect as this user"
        confirm "`aws iam simulate-principal-policy --policy-source-arn ROLE-ARN --action-names \
                 rds-db:connect --resource-arns {arn:shell}`"
        fix "allow the function's role Action rds-db:connect on Resource {arn}, and check that no Deny \
             statement covers it; the id in the ARN is the one that {show_resource} shows (cluster-… \
             for an Aurora cluster, prx-… for a proxy), not the name of the instance"
    PolicyWrongResource "policy-on-wrong-resource" at Login:
        "the policy names a resource other than this database and user"
        confirm "{show_resource}: the policy must have this id after dbuser:, not the name of the \
                 instance"
        fix "allow Action rds-db:connect on Resource {arn}, with the id that the command shows \
             (cluster-… for an Aurora cluster, prx-… for a proxy)"
    ResourceIdChanged "resource-id-changed" at Login:
        "the endpoint has another resource id than before, as after the switchover of a blue/green \
         deployment, and the policy names the old one alone"
        confirm "{show_resource}, and `aws rds describe-blue-green-deployments --region {region}`: \
                 after a switchover the same name belongs to the green database, whose resource id is \
                 another"
        fix "allow rds-db:connect on the id that the first command shows too, beside the old one until \
             the blue database is deleted: `cargo xtask deploy {target}` does (in the template, the \
             parameter with the resource id takes both, with a comma between them)"
    NetworkCondition "denied-by-network-condition" at Login:
        "a policy has a condition on the caller's network, which a database login never has"
        confirm "look for aws:SourceIp, aws:SourceVpc, aws:SourceVpce, aws:VpcSourceIp, aws:UserAgent \
                 and aws:Referer in the conditions of the role's policies, its permissions boundary and \
                 the organization's service control policies"
        fix "exempt the login from the statement with the effect Deny: give it NotAction rds-db:connect \
             in place of Action \"*\", or name its actions without it; and allow rds-db:connect in a \
             statement without such a condition"
    OtherAccount "other-account" at Login:
        "the function's role belongs to another account than the database, which admits only its own"
        confirm "compare the account in the ARN of the function's role with that in the database's ARN"
        fix "deploy the function into the database's account; or make a role there with rds-db:connect \
             on {arn} that trusts the function's role, and sign the tokens with the credentials of `aws \
             sts assume-role` for it"
    IamOff "iam-authentication-off" at Login:
        "IAM authentication is turned off for the database"
        confirm "{show_iam}"
        fix "{turn_iam_on}"
    SignedForCname "signed-for-cname" at Login:
        "DB_HOST is a CNAME or another alias, but tokens must be signed for the endpoint itself"
        confirm "`dig +short CNAME {host}`"
        fix "set DB_HOST to the endpoint that RDS shows{real_host}, and set DB_CONNECT_TO to the name \
             that you use now, {host}:{port}"
    WrongEndpoint "signed-for-another-endpoint" at Login:
        "DB_HOST is the endpoint of another database"
        confirm "compare DB_HOST with the names in the certificate"
        fix "set DB_HOST to the endpoint of the intended database{real_host}, and check where \
             DB_CONNECT_TO leads"
    WrongPort "signed-for-wrong-port" at Login:
        "DB_PORT is not the endpoint's port, which tokens must be signed for"
        confirm "`aws rds describe-db-instances --query \
                 \"DBInstances[?Endpoint.Address=='{host}'].Endpoint.Port\"`"
        fix "remove DB_PORT, or set it to the port that RDS shows; a tunnel's port goes into \
             DB_CONNECT_TO only"
    WrongRegion "signed-for-wrong-region" at Login:
        "the token is signed for {region}, but the database is in another region"
        confirm "read the region in the name of the server's CA"
        fix "set DB_REGION to the database's region{real_region}, or set DB_HOST to the endpoint that \
             RDS shows, which names it; for a global database, remove DB_REGION, so that tokens are signed \
             for the region of the writer's certificate, and allow the role rds-db:connect in that \
             region, on the resource id of the cluster there"
    ClockOff "clock-off" at Login:
        "this machine's clock differs from the database's, and a token is valid for 15 minutes"
        confirm "compare `date -u` with the correct time"
        fix "synchronize this machine's clock (`timedatectl set-ntp true`); Lambda's clock is correct, \
             so look for a host or container that has its own clock"
    Throttled "throttled" at Login:
        "too many new IAM connections per second: the rate that RDS accepts grows with the instance; AWS \
         has published no number since 2026-06-30 (its guide said 200 before)"
        confirm "check the sums of a minute of the metrics IamDbAuthConnectionFailureThrottling and \
                 IamDbAuthConnectionRequests (AWS/RDS) and of the function's ConcurrentExecutions at \
                 that time"
        fix "keep connections open between events, lower the function's reserved concurrency, use an \
             RDS Proxy or a larger instance class, and log in with one role: AWS advises to make the \
             tokens with the same principal"
    ProxyWithoutIam "proxy-without-iam" at Login:
        "the RDS Proxy does not require IAM authentication"
        confirm "{show_proxy}: either the first is IAM_AUTH, or the item with the secret of {user} has \
                 IAMAuth REQUIRED (it is REQUIRED or DISABLED)"
        fix "{proxy_require_iam}; or, without a secret, {proxy_iam_auth}"
    ProxyDefaultScheme "proxy-default-auth-scheme" at Login:
        "the RDS Proxy's default authentication scheme is not IAM, and it has no secret of the user"
        confirm "{show_proxy}: the first must be IAM_AUTH"
        fix "{proxy_iam_auth}"
    ProxySecretMissing "proxy-secret-missing" at Login:
        "the RDS Proxy has no secret for the user, or cannot read it"
        confirm "{show_proxy}: an item must have the secret whose username is {user}, and the proxy's \
                 role must be allowed secretsmanager:GetSecretValue on it"
        fix "{proxy_require_iam}; or, without a secret, {proxy_iam_auth}"
    ProxySecretDiffers "proxy-secret-differs" at Login:
        "the password in the RDS Proxy's secret is not the user's in the database"
        confirm "{show_proxy}, and compare the secret of {user} (`aws secretsmanager get-secret-value \
                 --secret-id SECRET-OF-USER`) with the user's password in the database"
        fix "set the user's password in the database and in the secret to the same one; or, without a \
             secret, {proxy_iam_auth}"
    ProxyBusy "proxy-busy" at Login:
        "the RDS Proxy has too many clients, or too many new ones a second; this passes"
        confirm "check the proxy's metrics ClientConnections, ClientConnectionsReceived and \
                 ClientConnectionsSetupFailedAuth (AWS/RDS, dimension ProxyName)"
        fix "send the event again; if it happens often, keep connections open between events, and lower \
             the function's reserved concurrency"
    ProxyBorrowTimeout "proxy-borrow-timeout" at Login:
        "the RDS Proxy got no connection to its database in time: all are in use, or the database is \
         away; this passes"
        confirm "`aws rds describe-db-proxy-targets --region {region} --db-proxy-name {identifier}`, \
                 and the metrics DatabaseConnections, DatabaseConnectionsBorrowLatency and \
                 DatabaseConnectionsCurrentlySessionPinned (AWS/RDS, dimension ProxyName)"
        fix "send the event again; if it happens often, mend what pins connections, raise the target \
             group's MaxConnectionsPercent or the database's max_connections, or lower the function's \
             reserved concurrency"
    ProxyDatabaseRefused "proxy-database-refused" at Login:
        "the database behind the RDS Proxy refused the proxy's own login"
        confirm "`aws rds describe-db-proxy-targets --region {region} --db-proxy-name {identifier}`: \
                 State and Reason of each target"
        fix "mend what the database's message names; with DefaultAuthScheme IAM_AUTH, allow the proxy's \
             own role rds-db:connect on {database_arn}, turn on IAM authentication at the database, and \
             run there as the administrator: {create_user}; with a secret, its password must be the \
             user's"
    ProxyOption "proxy-unsupported-option" at Login:
        "the RDS Proxy does not support something that the client asked for at login"
        confirm "read the proxy's message: it names the option"
        fix "take the option away: a proxy accepts user, database, application_name, client_encoding, \
             DateStyle, TimeZone, extra_float_digits and search_path"
    TlsRemoved "tls-removed" at Login:
        "the server, or the RDS Proxy, saw a connection without TLS"
        confirm "`openssl s_client -connect {connect_to:shell} -starttls {starttls} </dev/null`"
        fix "check where DB_CONNECT_TO leads, and remove what ends TLS on the way there"
    AccessKeyUnknown "access-key-not-accepted" at Login:
        "the access key was deleted or has expired"
        confirm "run `aws sts get-caller-identity` with the same credentials"
        fix "in Lambda, deploy the function again to get new credentials, and check that its role still \
             exists; elsewhere, renew the credentials"
    ChangePending "iam-change-pending" at Login:
        "a recent change to a policy, a role or IAM authentication has not taken effect yet"
        confirm "check the time of the change in CloudTrail"
        fix "wait a few minutes and try again"
    IamCheckFails "iam-check-fails" at Login:
        "RDS's own check of the token failed for a moment: IAM answered it with an error, or throttled \
         it, and the server denied what it accepts at other times"
        confirm "check the sums of a minute of the metrics IamDbAuthConnectionFailureServerError and \
                 IamDbAuthConnectionFailureThrottling (AWS/RDS) at that time"
        fix "send the event again: a login is tried again while the event has time, so give the function \
             a longer time-out if it happens often, and keep connections open between events; settings and \
             policy are right"
    LogUnread "read-iam-db-auth-error-log" at Login:
        "the reason is in the database's iam-db-auth-error log"
        confirm "`aws rds describe-db-log-files --db-instance-identifier {identifier} \
                 --filename-contains iam-db-auth-error`"
        fix "export the log to CloudWatch Logs (`aws rds modify-db-instance \
             --db-instance-identifier {identifier} --cloudwatch-logs-export-configuration \
             EnableLogTypes=iam-db-auth-error`), try again, and read the entries for {user}"
    DatabaseUnknown "database-unknown" at Login:
        "the database {database} does not exist"
        confirm "run as the administrator: {show_databases}"
        fix "check DB_NAME: it is the name of a database on the server, not of the instance"
    DatabaseDenied "database-denied" at Login:
        "the user may not use the database {database}, or it does not exist"
        confirm "run as the administrator: {show_databases} must list {database}, and {show_grants} must \
                 show a privilege on it"
        fix "check that DB_NAME names an existing database; if {database} is the right one, run as the \
             administrator: {grant_database}"
    TooManyConnections "too-many-connections" at Login:
        "the server, or the user, has reached its connection limit"
        confirm "run as the administrator: {show_connections}"
        fix "lower the function's reserved concurrency, raise {connections_setting}, or use an RDS Proxy"
    HostBlocked "host-not-allowed" at Login:
        "no rule of the server admits this user, database or address"
        confirm "run as the administrator: {show_hosts}"
        fix "{allow_host}"
    UserLocked "user-locked" at Login:
        "the user is locked or may not log in"
        confirm "run as the administrator: {show_user}"
        fix "run as the administrator: {unlock_user}"
    ServerNotReady "server-not-ready" at Login:
        "the server is starting, stopping or failing over"
        confirm "`aws rds describe-events --source-type db-instance --duration 60`"
        fix "wait for the status `available`, and try again"
    LoginSilent "login-silent" at Login:
        "the server does not answer the login: it is overloaded, or lacks memory or CPU for IAM"
        confirm "check the metrics CPUUtilization, FreeableMemory and DatabaseConnections"
        fix "use a larger instance class, or lower the function's reserved concurrency"
    LoginRefused "login-refused" at Login:
        "the server refused the login"
        confirm "read the server's message and its error log"
        fix "the server's message gives the reason; check that DB_CONNECT_TO leads to a {engine} server"

    MasterUser "master-user" at Database:
        "the function logs in as an administrator of the database"
        confirm "run as the administrator: {show_grants}"
        fix "create a user for the function ({create_user}) and set DB_USER to it; if the \
             master user has a password, disable IAM authentication for it, because the password does \
             not work until then; that of an Aurora express cluster has none, and needs IAM \
             authentication to log in at all"
    ReadOnly "read-only" at Database:
        "the database is read-only, but the catalogue contains statements that write"
        confirm "{show_read_only}"
        fix "set DB_HOST to the cluster's writer endpoint or to the primary instance, not to a reader \
             or replica; during a blue/green switchover wait for its end, and use the name of the \
             production database, not of the blue or green one; {unset_read_only}"
    WriterMoved "writer-moved" at Database:
        "the writer's name leads to a reader: after a failover a name may lead to the old writer for up \
         to a minute"
        confirm "{show_read_only}, and `aws rds describe-events --region {region} --source-type \
                 db-cluster --duration 60`: look for a failover"
        fix "send the event again: the function looks for the new writer while the event has time. If \
             it stays so, DB_HOST is not the writer's endpoint: take the one that RDS shows for the \
             cluster, or for the primary instance"
    ReaderAway "reader-away" at Database:
        "the reader does not answer or refuses the login, and its statements go to the writer"
        confirm "`aws rds describe-db-clusters --region {region} --query \
                 \"DBClusters[?Endpoint=='{host}'].[ReaderEndpoint,DBClusterMembers]\"`: DB_READER_HOST \
                 must be the reader endpoint, and a member that is not the writer must be available"
        fix "let the reader recover, or correct DB_READER_HOST: the user, the database and the security \
             groups are those of the writer, and the policy must name the reader's resource id if it is \
             not the cluster's (a read replica has one of its own); remove DB_READER_HOST to read from the \
             writer"
    ReaderIsWriter "reader-is-writer" at Database:
        "the reader's name leads to a server that accepts writes: a cluster without replicas answers \
         its reader endpoint with the writer"
        confirm "`aws rds describe-db-clusters --region {region} --query \
                 \"DBClusters[?Endpoint=='{host}'].DBClusterMembers[].IsClusterWriter\"`: one that is \
                 false is a reader"
        fix "add a reader to the cluster, or remove DB_READER_HOST, which saves a connection; nothing is \
             wrong: statements of mode read run read-only there, and no write goes there"
    ServerClock "clock-offset" at Database:
        "this machine's clock differs from the database's"
        confirm "compare `date -u` here with {show_time} at the server"
        fix "synchronize this machine's clock (`timedatectl set-ntp true`): tokens from a clock that is \
             minutes off are refused"

    TableMissing "table-missing" at Statements:
        "a statement names a table, column or function that does not exist"
        confirm "connect as the administrator to {database}, and have the server parse the file: \
                 {parse_statement}"
        fix "create what the server's message names, correct the statement, or set DB_NAME to the \
             database that has it"
    RightsMissing "rights-missing" at Statements:
        "the user lacks a privilege that a statement needs"
        confirm "run as the administrator: {show_grants}"
        fix "run as the administrator: {grant_tables}"
    StatementInvalid "statement-invalid" at Statements:
        "a statement is not valid SQL for this server"
        confirm "connect as the administrator to {database}, and have the server parse the file: \
                 {parse_statement}"
        fix "correct the statement where the server's message points, and deploy again"
    StatementMode "statement-mode" at Statements:
        "a statement writes, but its file does not say so"
        confirm "read the first lines of the .sql file"
        fix "add the line \"-- mode: write\" at its top"
    ProxyPins "proxy-pins" at Statements:
        "a statement pins its connection of the RDS Proxy, which then serves this client alone"
        confirm "check the proxy's metric DatabaseConnectionsCurrentlySessionPinned (AWS/RDS, dimension \
                 ProxyName)"
        fix "see docs/RDS_PROXY.md: change the statement as it says, or give it a function of its own \
             that connects to the database directly"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_are_kebab_case_and_unique_and_in_the_order_of_the_steps() {
        let ids: BTreeSet<_> = Cause::ALL.iter().map(|cause| cause.id()).collect();
        assert_eq!(ids.len(), Cause::ALL.len());
        let is_kept = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let kebab =
            |id: &str| id.split('-').all(|word| !word.is_empty() && word.bytes().all(is_kept));
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
