use super::*;

const BLUE: &str = "db-BLUEBLUEBLUEBLUEBLUE";
const GREEN: &str = "db-GREENGREENGREENGREEN";

/// A database named `name` with the id `id`.
pub(crate) fn database(name: &str, id: &str) -> Database {
    Database {
        target: Target::Instance(name.into()),
        arn: format!("arn:aws:rds:eu-west-1:123456789012:db:{name}"),
        engine: engine::Engine::MySql,
        engine_name: "mysql".into(),
        version: None,
        endpoint: String::new(),
        port: 3306,
        resource_id: id.into(),
        cluster: None,
        region: "eu-west-1".into(),
        vpc: None,
        subnets: vec![],
        security_groups: vec![],
        ca: None,
        iam_auth: true,
        proxy: None,
        internet_access_gateway: false,
        instance_classes: vec![],
        master_user: None,
        status: "available".into(),
        publicly_accessible: None,
        exports_auth_errors: None,
        reader: None,
        serverless: None,
        is_dual_stack: false,
    }
}

fn deployment(side: Side, status: &str, other: &str, id: Option<&str>) -> BlueGreen {
    BlueGreen {
        id: "bgd-1".into(),
        status: status.into(),
        side,
        other: Some(Target::Instance(other.into())),
        other_id: id.map(str::to_owned),
    }
}

/// The ids, and the text why, of a database `mydb` with the id `own`.
fn decided(
    own: &str,
    deployment: Result<Option<BlueGreen>, String>,
    kept: &[&str],
    named: Result<Option<&str>, &str>,
) -> (Vec<String>, String) {
    let kept: Vec<_> = kept.iter().map(|&id| id.to_owned()).collect();
    let name_of = |_: &str| named.map(|it| it.map(str::to_owned)).map_err(str::to_owned);
    let decided = decide(&database("mydb", own), deployment, &kept, name_of);
    (decided.ids, decided.why.join("\n"))
}

#[test]
fn the_green_id_is_added_before_the_switchover() {
    for status in ["PROVISIONING", "AVAILABLE", "INVALID_CONFIGURATION", "SWITCHOVER_FAILED"] {
        for kept in [&[][..], &[BLUE], &[BLUE, GREEN], &[GREEN, BLUE]] {
            let green = deployment(Side::Blue, status, "mydb-green-abc123", Some(GREEN));
            let (ids, why) = decided(BLUE, Ok(Some(green)), kept, Ok(None));
            assert_eq!(ids, [BLUE, GREEN], "{status}");
            assert!(why.contains("DB instance mydb-green-abc123 of the Blue/Green"), "{why}");
            assert!(
                why.contains(status) && why.contains(&format!("--resource-id {BLUE}")),
                "{why}"
            );
        }
    }
    let (ids, why) = decided(
        BLUE,
        Ok(Some(deployment(Side::Blue, "PROVISIONING", "mydb-green-abc123", None))),
        &[BLUE],
        Ok(None),
    );
    assert_eq!(ids, [BLUE]);
    assert!(why.contains("has no green database yet"), "{why}");
}

#[test]
fn both_are_named_during_the_switchover() {
    for side in [Side::Blue, Side::Green] {
        let now = deployment(side, "SWITCHOVER_IN_PROGRESS", "other", Some(BLUE));
        assert_eq!(decided(GREEN, Ok(Some(now)), &[BLUE, GREEN], Ok(None)).0, [GREEN, BLUE]);
    }
}

#[test]
fn the_blue_id_is_dropped_when_it_is_safe() {
    let done = |id| Ok(Some(deployment(Side::Green, "SWITCHOVER_COMPLETED", "mydb-old1", id)));
    for (deployment, named, reason) in [
        (done(Some(BLUE)), Err("not asked"), "old blue database of bgd-1"),
        (done(None), Err("not asked"), "the old blue database of bgd-1 is deleted"),
        (Ok(None), Ok(None), "no database has this id"),
        (Ok(None), Ok(Some("mydb-old1")), "it is mydb-old1, an old blue database"),
    ] {
        let (ids, why) = decided(GREEN, deployment, &[BLUE, GREEN], named);
        assert_eq!(ids, [GREEN], "{why}");
        assert!(why.contains(&format!("{BLUE} is dropped: ")) && why.contains(reason), "{why}");
    }
    // Nothing is said of an id that is the stack's only one.
    assert_eq!(decided(GREEN, Ok(None), &[BLUE], Ok(None)), (vec![GREEN.into()], String::new()));
}

/// Of a deployment before, or by hand.
#[test]
fn an_id_of_no_deployment_goes_with_a_word() {
    const THIRD: &str = "db-THIRDTHIRDTHIRDTHIRD";
    let green = |id| Ok(Some(deployment(Side::Blue, "AVAILABLE", "mydb-green-abc123", id)));
    let (ids, why) = decided(BLUE, green(Some(GREEN)), &[BLUE, THIRD], Ok(None));
    assert_eq!(ids, [BLUE, GREEN]);
    assert!(why.contains(&format!("{THIRD} is dropped: the policy has room for two")), "{why}");
    let (ids, why) = decided(BLUE, green(None), &[BLUE, THIRD], Ok(None));
    assert_eq!(ids, [BLUE, THIRD]);
    assert!(why.contains(&format!("{THIRD} is kept: ")), "{why}");
}

#[test]
fn the_other_id_is_kept_while_it_may_be_needed() {
    for (deployment, named, reason) in [
        (Err("AccessDenied".to_owned()), Ok(None), "AccessDenied"),
        (Ok(None), Ok(Some("mydb-next")), "it is mydb-next"),
        (Ok(None), Ok(Some("mydb-older")), "it is mydb-older"),
        (Ok(None), Err("AccessDenied"), "AccessDenied"),
    ] {
        let (ids, why) = decided(GREEN, deployment, &[BLUE, GREEN], named);
        assert_eq!(ids, [GREEN, BLUE], "{why}");
        assert!(why.contains(reason) && why.contains(&format!("--resource-id {GREEN}")), "{why}");
    }
}

#[test]
fn the_database_with_the_passing_name_is_told() {
    let green = deployment(Side::Green, "AVAILABLE", "mydb", Some(BLUE));
    let (ids, why) = decided(GREEN, Ok(Some(green)), &[], Ok(None));
    assert_eq!(ids, [GREEN]);
    assert!(why.contains("its endpoint is gone after the switchover"), "{why}");
    let old = deployment(Side::Blue, "SWITCHOVER_COMPLETED", "mydb", Some(GREEN));
    let (ids, why) = decided(BLUE, Ok(Some(old)), &[], Ok(None));
    assert_eq!(ids, [BLUE]);
    assert!(why.contains("the production database is the DB instance mydb"), "{why}");
}
