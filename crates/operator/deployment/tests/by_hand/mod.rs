//! The options that describe a database without asking AWS.

/// All but `--engine`.
pub(crate) const DATABASE: [&str; 12] = [
    "--endpoint",
    "orders.abc123def456.eu-west-1.rds.amazonaws.com",
    "--resource-id",
    "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "--subnets",
    "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
    "--security-groups",
    "sg-0123456789abcdef0",
    "--db-user",
    "lambda-user",
    "--db-name",
    "app",
];
