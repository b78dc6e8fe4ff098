//! Serves the test function until it is killed: the folder with its `bootstrap` is the argument,
//! the ids of the processes it started are the output.
#![allow(clippy::print_stdout, reason = "the test reads the process ids")]

use std::time::Duration;

use local_lambda::{Function, Lambda};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let task_root = std::env::args().nth(1).ok_or("usage: harness TASK_ROOT")?;
    let lambda = Lambda::start().await?;
    let mut pids = Vec::new();
    for name in ["frozen", "busy"] {
        let function = Function::new(name, &task_root).timeout(Duration::from_secs(600));
        lambda.create_function(function).await?;
        let invocation = lambda.invoke(name, r#"{"do":"surroundings"}"#).await?;
        let seen: serde_json::Value = serde_json::from_slice(&invocation.payload)?;
        pids.push(seen["pid"].clone());
    }
    // A busy process does not notice that its Runtime API is gone.
    let busy = lambda.invoke("busy", r#"{"do":"sleep","ms":600000}"#);
    let announce = async {
        while !lambda.logs("busy").contains("going to sleep") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        pids.iter().for_each(|pid| println!("{pid}"));
        std::future::pending::<()>().await;
    };
    tokio::select! {
        invocation = busy => Err(format!("it was to stay busy: {invocation:?}").into()),
        () = announce => Ok(()),
    }
}
