//! AWSAuthenticationPlugin for local MySQL and MariaDB servers.
