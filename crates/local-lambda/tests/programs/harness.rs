//! Serves the test function until it is killed: the folder with its `bootstrap` is the argument,
//! the ids of the processes it started are the output.
#![allow(clippy::print_stdout, reason = "the test reads the process ids")]

use local_lambda::{Function, Lambda};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let task_root = std::env::args().nth(1).ok_or("usage: harness TASK_ROOT")?;
    let lambda = Lambda::start().await?;
    // One frozen, one that runs.
    lambda.create_function(Function::new("frozen", &task_root)).await?;
    lambda.create_function(Function::new("running", &task_root).freeze(false)).await?;
    for name in ["frozen", "running"] {
        let invocation = lambda.invoke(name, r#"{"do":"surroundings"}"#).await?;
        let seen: serde_json::Value = serde_json::from_slice(&invocation.payload)?;
        println!("{}", seen["pid"]);
    }
    std::future::pending().await
}
