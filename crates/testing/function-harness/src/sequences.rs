//! Random sequences of statements, to find what a statement leaves behind for the next one.

use proptest::collection;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::deployed::Deployed;
use crate::event::ITEMS;

/// Sends random sequences of the statements called `names`. After each sequence, `observe` checks what
/// it left behind, and the write that follows must be `kept`: its id is found once.
pub async fn at_random(
    function: &Deployed<'_>,
    names: &[&str],
    observe: impl AsyncFn(&str),
    kept: impl AsyncFn(u32) -> usize,
) {
    let strategy = collection::vec((0..names.len(), 0..3_usize), 1..=6);
    let mut runner = TestRunner::default();
    for round in 0..40 {
        let sequence = strategy.new_tree(&mut runner).unwrap().current();
        let mut sent = vec![];
        for (name, form) in sequence {
            let call = format!(r#"{{"statement":"{}"}}"#, names[name]);
            let event = match form {
                0 => call,
                1 => format!(r#"{{"transaction":[{call}]}}"#),
                _ => format!(r#"{{"transaction":[{ITEMS},{call},{ITEMS}]}}"#),
            };
            let outcome = function.invoke(&event).await;
            sent.push((event, outcome.err()));
        }
        let sent = format!("{sent:#?}");
        observe(&sent).await;
        let id = 1000 + round;
        let add = format!(r#"{{"statement":"add-item","params":[{id},"kept"]}}"#);
        assert_eq!(function.ok(&add).await["rows_affected"], 1, "after {sent}");
        assert_eq!(kept(id).await, 1, "after {sent}");
    }
}
