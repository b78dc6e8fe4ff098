//! Passwordless login to Amazon RDS and Aurora: IAM auth tokens, and the trust anchors that verify the server.
