//! What the doctor says of set-ups that are broken in one way each, and of one that is not.

use local_rds::Engine;
use serde_json::Value;

use crate::Rig;

const DIAGNOSE: &str = r#"{"diagnose":true}"#;

/// A healthy set-up: every step is ok, and there is nothing to say.
pub async fn healthy(engine: Engine, bootstrap: &str) {
    let rig = Rig::start(engine, bootstrap).await;
    let function = rig.deploy(&[]).await;
    let diagnosis: Value = function.ok(DIAGNOSE).await["diagnose"].take();
    assert_eq!(diagnosis["ok"], true, "{diagnosis:#}");
    assert_eq!(diagnosis["causes"], serde_json::json!([]), "{diagnosis:#}");
    function.assert_discreet(&diagnosis.to_string());
}
