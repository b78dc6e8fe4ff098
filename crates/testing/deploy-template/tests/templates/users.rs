//! A user's name in the policy matches only itself, with any of the allowed characters.

use local_rds::iam::Refusal;

use crate::login::Gate;
use crate::stack::{MYSQL, bare, render};

/// The verifier's decision on `user` under the policy of a stack for `policy_user`.
fn decide(user: &str, policy_user: &str) -> Result<(), Refusal> {
    let database = Gate { resource_id: MYSQL[1].1, host: MYSQL[0].1, port: 3306 };
    let stack = render(&bare().with(MYSQL).with([("MySqlUser", policy_user)]));
    database.admits(user, &stack.inline_policy("MySqlFunctionRole", "log-in"))
}

#[test]
fn every_allowed_name_lets_in_its_user_and_no_other() {
    let others = [
        ("lambda-user", "lambda_user"),
        ("Lambda_User", "lambda_user"),
        ("app.reader", "appxreader"),
        ("a@example.com", "a@example.org"),
        ("a+b=c", "a b=c"),
        ("_", "-"),
        ("user", "user2"),
        ("user2", "user"),
    ];
    for (user, other) in others {
        assert_eq!(decide(user, user), Ok(()), "{user}");
        let refusal = decide(other, user).unwrap_err();
        assert!(matches!(refusal, Refusal::NotAllowed { .. }), "{user}, {other}: {refusal}");
    }
}
