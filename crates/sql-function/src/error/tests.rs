//! The two renderings of an error.

use super::*;

#[test]
fn a_report_holds_each_cause_once_and_the_advice() {
    let inner = Error::new(Kind::ConnectTcp, "connection refused");
    let outer = Error::new(Kind::ConnectTls, "no TLS with db:3306")
        .caused_by(inner)
        .advice("check the security group");
    assert_eq!(
        outer.report(),
        "no TLS with db:3306: connection refused. What to do: check the security group"
    );
    assert_eq!(outer.to_string(), "no TLS with db:3306");
}

#[test]
fn a_cause_that_the_message_ends_with_is_not_repeated() {
    let cause = std::io::Error::other("refused");
    let error = Error::new(Kind::ConnectTcp, "cannot dial: refused").caused_by(cause);
    assert_eq!(error.report(), "cannot dial: refused");
}

/// A statement that failed, within a write whose outcome is not known.
fn failed(value: &str) -> Error {
    let said = Said::new(loggable!("ERROR {} (23000)", 1062), format!("Duplicate entry '{value}'"));
    let said = said.apart(loggable!("table {}", "items"));
    let failed = Error::new(Kind::Query, loggable!("statement {:?} failed", "add")).says(said);
    Error::new(Kind::OutcomeUnknown, "it may have been carried out")
        .caused_by(failed)
        .advice("look")
}

#[test]
fn only_the_report_quotes_what_was_said() {
    let error = failed("4111-1111");
    let told = "it may have been carried out: statement \"add\" failed: ERROR 1062 (23000)";
    assert_eq!(error.log(), format!("{told} (table items)"));
    assert_eq!(error.report(), format!("{told}: Duplicate entry '4111-1111'. What to do: look"));
    for shown in [format!("{error:?}"), format!("{error:#?}"), error.to_string()] {
        assert!(!shown.contains("4111"), "{shown}");
    }
    assert!(format!("{error:?}").contains("1062"), "{error:?}");
    assert_eq!(error.clone().report(), error.report());
}

#[test]
fn a_report_has_less_than_8_kb_and_a_log_less() {
    for one in ["x", "\u{1}", "\"", "é"] {
        let long = one.repeat(1 << 20);
        let error = failed(&long).advice(loggable!("{long}"));
        let message = serde_json::to_string(&error.report()).unwrap();
        assert!(message.len() < 8000, "{one:?}: {}", message.len());
        assert!(message.contains("What to do") && message.contains("bytes in all"));
        let error = Error::new(Kind::Event, loggable!("{long}")).advice(loggable!("{long}"));
        assert!(serde_json::to_string(&error.report()).unwrap().len() < 8000);
        assert!(serde_json::to_string(&error.log()).unwrap().len() < 2100);
        assert!(serde_json::to_string(&error.log_advice()).unwrap().len() < 2100);
    }
}
