//! Code that was not built here: in the bucket before or during a deployment, or in Lambda afterwards.

use std::fs;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use packaging::Architecture;
use tempfile::TempDir;

use super::{BUCKET, Outcome, STACK, World, zips};

/// Runs a program in a terminal, whose input and output are this process's.
const TERMINAL: &str =
    "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";

#[test]
fn what_runs_is_what_was_built() {
    let _zips = zips();
    let world = World::new();
    world.run(
        "rds modify-db-instance --db-instance-identifier orders \
         --enable-iam-database-authentication --apply-immediately",
    );
    swapped_on_the_way_to_a_new_stack(&world);
    other_bytes_in_the_bucket(&world);
    let function = first_deployment(&world);
    swapped_on_the_way_to_a_stack(&world, &function);
    changed_behind_the_stacks_back(&world, &function);
}

impl World {
    /// Runs one of our commands in a terminal, and confirms its change set after `meanwhile`.
    fn wanted_after(&self, arguments: &[String], meanwhile: impl FnOnce()) -> Outcome {
        let python = pinned_tools::sam(&mut |_| {}).unwrap().python;
        let mut child = Command::new(python)
            .args(["-c", TERMINAL, env!("CARGO_BIN_EXE_deployment")])
            .args(arguments)
            .envs(self.local.environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut said = Vec::new();
        let mut part = [0; 4096];
        while !String::from_utf8_lossy(&said).contains("Execute this change set?") {
            let read = stdout.read(&mut part).unwrap();
            assert_ne!(read, 0, "it asks nothing: {}", String::from_utf8_lossy(&said));
            said.extend_from_slice(&part[..read]);
        }
        meanwhile();
        stdin.write_all(b"y\n").unwrap();
        stdout.read_to_end(&mut said).unwrap();
        let status = child.wait().unwrap();
        let stdout = String::from_utf8(said).unwrap().replace('\r', "");
        Outcome { code: status.code(), stdout, stderr: String::new() }
    }

    /// Overwrites an object of the bucket.
    fn overwrite(&self, key: &str, bytes: &[u8]) {
        let folder = TempDir::new().unwrap();
        let body = folder.path().join("body");
        fs::write(&body, bytes).unwrap();
        let body = body.display();
        self.run(&format!("s3api put-object --bucket {BUCKET} --key {key} --body {body}"));
    }
}

/// Builds the functions with the example statements and one more, `name`. Returns MySQL's zip and its sum.
fn version(name: &str) -> (Vec<u8>, String) {
    let statements = TempDir::new().unwrap();
    for engine in packaging::FUNCTIONS {
        let to = statements.path().join(engine.statements());
        fs::create_dir(&to).unwrap();
        local_stack::copy_examples(engine, &to).unwrap();
        fs::write(to.join(format!("{name}.sql")), "SELECT 1").unwrap();
    }
    let architecture = Architecture::of_this_machine().unwrap();
    let built = packaging::build_with(statements.path(), architecture, &mut |_| {}).unwrap();
    (fs::read(&built[0].zip).unwrap(), built[0].zip_sha256.clone())
}

fn other_bytes_in_the_bucket(world: &World) {
    let (_, sum) = version("one");
    let key = format!("taken/{sum}.zip");
    world.overwrite(&key, b"not what was built");
    let arguments = world.deployment("taken", world.server.user(), &["--no-build", "--yes"]);
    world.command(&arguments).ends(1).says(&format!("s3://{BUCKET}/{key} is not what was built"));
    assert_eq!(world.count("cloudformation describe-stacks", "Stacks"), 0, "no stack is made");
    let there = world.call(&format!("s3api head-object --bucket {BUCKET} --key {key}"));
    assert_eq!(there["ContentLength"], 18, "nothing is overwritten: {there}");
}

/// Builds the layer. Returns its sum.
fn layer() -> String {
    #[allow(clippy::disallowed_methods, reason = "certs/ must hold today")]
    let now = SystemTime::now();
    let certs = pinned_tools::workspace().unwrap().join("certs");
    let files = rds_ca::layer::files(&rds_ca::Certs::read(&certs, now).unwrap(), &[]).unwrap();
    let zip = rds_ca::layer::zip(&files).unwrap();
    fs::write(pinned_tools::target().unwrap().join("lambda/rds-ca-layer.zip"), &zip).unwrap();
    rds_ca::sha256(&zip)
}

/// Deploys to `stack`, and replaces the zip of this sum while the change set is shown.
fn swapped(world: &World, stack: &str, sum: &str, (other, other_sum): (&[u8], &str)) -> Outcome {
    let options = ["--no-build", "--parameter", "MemorySize=512"];
    let arguments = world.deployment(stack, world.server.user(), &options);
    world
        .wanted_after(&arguments, || world.overwrite(&format!("{stack}/{sum}.zip"), other))
        .ends(1)
        .says(&format!(" will have sha256 {sum}"))
        .says("THE DEPLOYED CODE IS NOT WHAT WAS BUILT")
        .says(&format!("\n    built:    sha256 {sum}\n    deployed: sha256 {other_sum}\n"))
}

fn swapped_on_the_way_to_a_new_stack(world: &World) {
    let (other, other_sum) = version("one");
    let layer = layer();
    swapped(world, "swapped", &layer, (&other, &other_sum))
        .says("the new stack swapped is deleted");
    assert_eq!(world.count("cloudformation describe-stacks", "Stacks"), 0);
    assert_eq!(world.count("lambda list-functions", "Functions"), 0);
}

/// Returns the function's name.
fn first_deployment(world: &World) -> String {
    let deployed = world.deploy(world.server.user(), &["--no-build", "--yes", "--json"]).ends(0);
    deployed.document()["outputs"]["MySqlFunctionName"].as_str().unwrap().to_owned()
}

fn swapped_on_the_way_to_a_stack(world: &World, function: &str) {
    let before = world.versions(function).0;
    let (other, other_sum) = version("two");
    let (_, sum) = version("three");
    swapped(world, STACK, &sum, (&other, &other_sum))
        .says("the stack orders-functions is rolled back");
    let now = world.call(&format!("lambda get-function-configuration --function-name {function}"));
    assert_eq!(now["MemorySize"], 256, "{now}");
    assert_eq!(now["CodeSha256"], before, "{now}");
    let answer = world.invoke(function, r#"{"statement":"items"}"#);
    assert_eq!(answer["row_count"], 3, "{answer}");
}

fn changed_behind_the_stacks_back(world: &World, function: &str) {
    let folder = TempDir::new().unwrap();
    let zip = folder.path().join("zip");
    fs::write(&zip, version("two").0).unwrap();
    let update = "lambda update-function-code --zip-file fileb://";
    world.run(&format!("{update}{} --function-name {function}", zip.display()));
    version("one");
    world
        .deploy(world.server.user(), &["--no-build", "--yes"])
        .ends(1)
        .says("nothing to change in the stack")
        .says("THE DEPLOYED CODE IS NOT WHAT WAS BUILT")
        .says("STILL HAS THIS CODE: nothing was deployed");
}
