//! Accounts whose keys are in services, which only some builds have. The services themselves are not asked here.

use std::path::Path;

use crate::support::{World, levee, run};

const PLEDGE: &str = "pledge 1 ETH --tier 0 --terms rescue.toml --yes";

/// What a build without the service says of its option.
fn assert_unknown(option: &str) {
    let ran = run(&mut levee(Path::new("/")), &format!("{PLEDGE} {option}"));
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr.starts_with(&format!("error: unexpected argument '{option}' found")),
        "{}",
        ran.stderr
    );
}

/// What a build with the service says when nothing names the key.
async fn assert_asks_for(option: &str, variable: &str) {
    let world = World::with_rescue().await;
    let ran = world.levee(&format!("{PLEDGE} {option}"));
    ran.assert_refused(&format!("the variable {variable} is not set"), "set it, as for `cast`");
}

#[tokio::test]
async fn a_key_in_aws_is_named_by_a_variable() {
    if cfg!(feature = "aws") {
        assert_asks_for("--aws", "AWS_KMS_KEY_ID").await;
    } else {
        assert_unknown("--aws");
    }
}

#[tokio::test]
async fn a_key_in_google_cloud_is_named_by_variables() {
    if cfg!(feature = "gcp") {
        assert_asks_for("--gcp", "GCP_PROJECT_ID").await;
    } else {
        assert_unknown("--gcp");
    }
}
