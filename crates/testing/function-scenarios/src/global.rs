//! The writer of a global database, in a region that its endpoint does not name.

use diagnosis::Cause;
use engine::Engine;
use function_harness::Harness;
use function_harness::event::ITEMS;
use function_harness::layer::files;
use local_rds::iam::Resource;
use local_rds::{Server, ServerCertificate};
use std::fs;

use crate::doctor::certificates::{Authority, Validity};
use crate::doctor::{is_healthy, named};

const HOST: &str = "app.global-abc123def456.global.rds.amazonaws.com";
/// Where the writer goes. It begins where the functions are, in eu-west-1.
const ELSEWHERE: &str = "us-west-2";

/// Tokens are signed for the region of the writer's certificate, also after the writer has moved.
pub async fn follows_the_writer(engine: Engine, bootstrap: &str) {
    let global = global_database(engine, bootstrap).await;
    let harness = &global.harness;
    let iam = harness.server.iam();
    let warm = harness.deploy(&[]).await;
    assert_eq!(warm.ok(ITEMS).await["row_count"], 3);
    assert_eq!(iam.refusals(), [""; 0], "a token for another region was sent");

    global.move_writer();
    let cold = harness.deploy(&[]).await;
    let before = iam.refusals().len();
    assert_eq!(cold.ok(ITEMS).await["row_count"], 3);
    is_healthy(&harness.deploy(&[]).await).await;
    assert_eq!(iam.refusals()[before..], [""; 0], "a token for another region was sent");
    // The address is the one at which eu-west-1 was seen: what is denied there is looked up again.
    assert_eq!(warm.ok(ITEMS).await["row_count"], 3);

    // The policy has to name the cluster there, and the error says so.
    global.allow("eu-west-1");
    let message = harness.deploy(&[]).await.fails(ITEMS, "Login.Denied").await;
    assert!(message.contains("arn:aws:rds-db:us-west-2:"), "{message}");
    let diagnosis = named(harness, &[], "login", Cause::PolicyMissing).await;
    let fix = diagnosis["causes"][0]["fix"].as_str().unwrap();
    assert!(fix.contains("arn:aws:rds-db:us-west-2:"), "{fix}");
}

/// `DB_REGION` is obeyed, and the error after the writer has moved says what has to move with it.
pub async fn region_is_fixed(engine: Engine, bootstrap: &str) {
    let global = global_database(engine, bootstrap).await;
    let harness = &global.harness;
    let fixed = [("DB_REGION", "eu-west-1")];
    harness.deploy(&fixed).await.ok(ITEMS).await;
    global.move_writer();
    let function = harness.deploy(&fixed).await;
    let message = function.fails(ITEMS, "Login.Denied").await;
    for part in
        ["DB_REGION is eu-west-1", "is in us-west-2", "rds-db:us-west-2:", "global-bundle.pem"]
    {
        assert!(message.contains(part), "{part} is not in {message}");
    }
    function.assert_discreet(&message);
    let diagnosis = named(harness, &fixed, "login", Cause::WrongRegion).await;
    let fix = diagnosis["causes"][0]["fix"].as_str().unwrap();
    assert!(fix.contains("(us-west-2)"), "{fix}");
    assert!(fix.contains("rds-db:connect in that region"), "{fix}");

    // A bundle of the old region: the way out is not the same bundle again.
    let old = harness.server.ca_bundle().display().to_string();
    let bundle = [("DB_CA_BUNDLE", &*old)];
    let diagnosis = named(harness, &bundle, "tls", Cause::BundleOfOtherRegion).await;
    let fix = diagnosis["causes"][0]["fix"].as_str().unwrap();
    assert!(fix.contains("/opt/rds-ca/global-bundle.pem"), "{fix}");
    assert!(!fix.contains("eu-west-1"), "{fix}");
}

/// A CA that only has the name of one of RDS does not choose the region.
pub async fn not_by_a_name(engine: Engine, bootstrap: &str) {
    let harness = Harness::with(Server::builder(engine).named(HOST), bootstrap).await;
    let own = Authority::new("Amazon RDS us-west-2 Root CA RSA2048 G1", Validity::YEARS);
    let bundle = harness.folder().join("own.pem");
    fs::write(&bundle, own.pem()).unwrap();
    harness.server.present(&own.issue(HOST, Validity::YEARS)).unwrap();
    let function = harness.deploy(&[("DB_CA_BUNDLE", bundle.to_str().unwrap())]).await;
    assert_eq!(function.ok(ITEMS).await["row_count"], 3);
    assert_eq!(harness.server.iam().refusals(), [""; 0], "a token for us-west-2 was sent");
}

/// A global database.
struct Global {
    /// Its functions trust the roots of both regions.
    harness: Harness,
    /// What the server presents in the other region.
    there: ServerCertificate,
}

async fn global_database(engine: Engine, bootstrap: &str) -> Global {
    let mut harness = Harness::with(Server::builder(engine).named(HOST), bootstrap).await;
    let here = fs::read_to_string(harness.server.ca_bundle()).unwrap();
    let there = Authority::new("Amazon RDS us-west-2 Root CA RSA2048 G1", Validity::YEARS);
    let mut files = files();
    files.insert("global-bundle.pem".to_owned(), here + &there.pem());
    harness.set_layer(&files);
    Global { harness, there: there.issue(HOST, Validity::YEARS) }
}

impl Global {
    /// The writer goes to the other region: connections end, and the policy allows the user there.
    fn move_writer(&self) {
        let Global { harness, there } = self;
        let iam = harness.server.iam();
        harness.server.present(there).unwrap();
        iam.stand_for(Resource { region: ELSEWHERE.into(), ..iam.resource().clone() });
        harness.server.kill().unwrap();
        harness.server.restart().unwrap();
        self.allow(ELSEWHERE);
    }

    /// The policy allows the user in `region` alone.
    fn allow(&self, region: &str) {
        let iam = self.harness.server.iam();
        let resource = Resource { region: region.into(), ..iam.resource().clone() };
        let arn = resource.arn(self.harness.server.user());
        crate::doctor::allow(&self.harness, &arn);
    }
}
