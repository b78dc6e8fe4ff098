use super::*;
use crate::read_answer;
use diagnosis::Cause;
use serde_json::json;

fn diagnosis() -> Diagnosis {
    let step = |name: &str, verdict: &str, ms: f64, seen: &str| json!({"step": name, "verdict": verdict, "ms": ms, "seen": seen});
    let answer = json!({"diagnose": {
        "ok": false,
        "steps": [
            step("settings", "ok", 0.0, "db.abc123def456.eu-west-1.rds.amazonaws.com:3306"),
            step("tls", "warning", 1.24, "TLS 1.3; the certificate expires in 12 days"),
            step("login", "failed", 1042.55, "Access denied for user 'lambda-user'@'10.0.1.7' \
                (using password: YES)\nthe server's version is 8.4"),
            step("database", "not_reached", 0.0, ""),
        ],
        "causes": [
            {"cause": Cause::PolicyMissing.id(), "title": "The role may not connect as this user",
             "because": "every step before the login is ok",
             "confirm": "`aws iam simulate-principal-policy --policy-source-arn ROLE-ARN \
                 --action-names rds-db:connect`",
             "fix": "allow rds-db:connect on arn:aws:rds-db:eu-west-1:123456789012:dbuser:\
                 RESOURCE-ID/lambda-user"},
            {"cause": Cause::UserCase.id(), "title": "The user is spelled differently", "because": "",
             "confirm": "compare the letters", "fix": "set DB_USER"},
        ],
    }});
    read_answer(answer.to_string().as_bytes(), None).unwrap()
}

#[test]
fn a_failed_login_on_a_wide_terminal() {
    let expected = "  \
  ✓ settings      0.0 ms  db.abc123def456.eu-west-1.rds.amazonaws.com:3306
  ! tls           1.2 ms  TLS 1.3; the certificate expires in 12 days
  ✗ login      1042.5 ms  Access denied for user 'lambda-user'@'10.0.1.7' (using password: YES)
                          the server's version is 8.4
  · database              not reached

login failed: The role may not connect as this user

1.  The role may not connect as this user (policy-missing)
    because  every step before the login is ok
    confirm  `aws iam simulate-principal-policy --policy-source-arn ROLE-ARN --action-names rds-db:connect`
    fix      allow rds-db:connect on
             arn:aws:rds-db:eu-west-1:123456789012:dbuser:RESOURCE-ID/lambda-user

2.  The user is spelled differently (user-name-case)
    confirm  compare the letters
    fix      set DB_USER";
    assert_eq!(render(&diagnosis(), Terminal::plain(200)), expected);
}

#[test]
fn a_failed_login_on_a_narrow_terminal() {
    let text = render(&diagnosis(), Terminal::plain(50));
    let expected = "  \
  ✓ settings      0.0 ms
    db.abc123def456.eu-west-1.rds.amazonaws.com:3306
  ! tls           1.2 ms
    TLS 1.3; the certificate expires in 12 days
  ✗ login      1042.5 ms
    Access denied for user
    'lambda-user'@'10.0.1.7' (using password: YES)
    the server's version is 8.4
  · database
    not reached
";
    assert!(text.starts_with(expected), "{text}");
    for line in text.lines() {
        let breakable = line.trim().contains(' ') && !line.contains('`') && !line.contains("arn:");
        assert!(line.width() <= 50 || !breakable, "{line:?}");
    }
}

#[test]
fn a_healthy_one_says_so_in_one_line() {
    let answer = br#"{"diagnose":{"ok":true,"steps":[
        {"step":"dns","verdict":"ok","ms":0.04,"seen":"127.0.0.1"},
        {"step":"tcp","verdict":"ok","ms":12.0,"seen":"connected"}],"causes":[]}}"#;
    let diagnosis = read_answer(answer, None).unwrap();
    assert_eq!(
        render(&diagnosis, Terminal::plain(80)),
        "  ✓ dns      0.0 ms  127.0.0.1\n  ✓ tcp     12.0 ms  connected\n\n\
         no problems found: all 2 steps are ok"
    );
}

#[test]
fn colours_change_nothing_but_colour() {
    let coloured = render(&diagnosis(), Terminal::coloured(100));
    assert!(coloured.contains("\u{1b}[1;31m✗\u{1b}[0m \u{1b}[1;31mlogin\u{1b}[0m"), "{coloured}");
    assert!(coloured.contains("\u{1b}[1;31mlogin failed: "), "{coloured}");
    let mut plain = coloured;
    for code in ["32", "1;33", "1;31", "2", "1", "0"] {
        plain = plain.replace(&format!("\u{1b}[{code}m"), "");
    }
    let lines: Vec<_> = plain.lines().map(str::trim_end).collect();
    assert_eq!(lines.join("\n"), render(&diagnosis(), Terminal::plain(100)));
}

#[test]
fn nothing_that_was_read_controls_the_terminal() {
    let hostile = "\u{1b}]0;owned\u{7}\u{9b}2J\u{202e}\r";
    let mut diagnosis = diagnosis();
    for step in &mut diagnosis.steps {
        step.name += hostile;
        step.seen += hostile;
    }
    for cause in &mut diagnosis.causes {
        for text in [
            &mut cause.id,
            &mut cause.title,
            &mut cause.because,
            &mut cause.confirm,
            &mut cause.fix,
        ] {
            text.push_str(hostile);
        }
    }
    let text = render(&diagnosis, Terminal::plain(60));
    assert!(text.contains(r"\u{1b}]0;owned\u{7}\u{9b}2J\u{202e}\r"), "{text}");
    let drives = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    assert!(!text.contains(drives), "{text:?}");
    assert!(!summary(&diagnosis).contains(drives));
}
