//! The connection is cut at every message of a conversation: before it, in its header, in its middle
//! and after it, in each direction, by a reset, a close and a half-close.
//!
//! The positions come from a recorded run. The answer must be right or the error honest, and the
//! [`Ledger`] proves that no write ran twice, none reported as clean ran, and none reported as done is
//! missing.

use engine::Engine;
use fault_proxy::{At, Cut, Direction, Ending, Kind, Message, Place, Proxy};
use function_harness::Deployed;
use function_harness::event::call;
use function_harness::faults::{self, Ledger, Report};
use local_rds::Server;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// What the function is doing when the connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Connect,
    Read,
    Write,
    Transaction,
}

/// Whether the statement has run on the connection before: its first run prepares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    First,
    Later,
}

/// A function with everything around it.
struct Bench<'a> {
    function: Deployed<'a>,
    proxy: Proxy,
    ledger: Ledger,
    echoes: AtomicU32,
}

/// Every stage, at every message.
pub async fn every_message(engine: Engine, bootstrap: &str) {
    let harness = faults::start(Server::builder(engine), bootstrap).await;
    let proxy = faults::proxy(&harness).await;
    let function = faults::deploy(&harness, proxy.address(), Duration::from_secs(20), &[]).await;
    let ledger = Ledger::default();
    let bench = Bench { function, proxy, ledger, echoes: AtomicU32::new(0) };
    let mut report = Report::new(engine, "cuts");

    for (stage, runs) in [
        (Stage::Connect, &[Run::First][..]),
        (Stage::Read, &[Run::First, Run::Later]),
        (Stage::Write, &[Run::First, Run::Later]),
        (Stage::Transaction, &[Run::First, Run::Later]),
    ] {
        let fault = format!("cut during {}", format!("{stage:?}").to_lowercase());
        for &run in runs {
            let messages = bench.record(stage, run).await;
            let cuts = cuts(&messages);
            let mut came = 0;
            for &cut in &cuts {
                if let Some(ending) = bench.cut(stage, run, cut).await {
                    report.count(&fault, &ending);
                    came += 1;
                }
            }
            assert!(came * 10 >= cuts.len() * 6, "only {came} of {} cuts came", cuts.len());
        }
    }

    bench.proxy.sever(Ending::Reset);
    faults::settled(&harness.server, 0).await;
    bench.ledger.assert_balanced(&harness.server);
    report.write(bootstrap);
}

/// Connections are cut one after another as soon as they are logged in: the work goes on with the next one,
/// because nothing of it was sent. It gives up after some, and says that nothing was changed.
pub async fn one_after_another(engine: Engine, bootstrap: &str) {
    let harness = faults::start(Server::builder(engine), bootstrap).await;
    let proxy = faults::proxy(&harness).await;
    let function = faults::deploy(&harness, proxy.address(), Duration::from_secs(20), &[]).await;
    let ledger = Ledger::default();
    // The function has logged in, and done nothing else.
    function.fails(&call("no-such-statement"), "Statement").await;
    let sent = proxy.messages().into_iter().filter(|it| it.direction == Direction::ToServer);
    // A handshake that resumes a session has one message of the client's.
    let sent = 1 + sent.filter(|message| message.kind != Kind::Handshake).count();
    let at = At::Message(sent, Place::Before);
    let cut = Cut { direction: Direction::ToServer, at, ending: Ending::Reset };
    ledger.transaction(&function).await.unwrap();
    for (cuts, expected) in [(4, Ok(())), (9, Err("ConnectionLost".to_owned()))] {
        proxy.sever(Ending::Reset);
        let before = proxy.accepted();
        proxy.cut_each(cut, cuts);
        let outcome = ledger.transaction(&function).await;
        let opened = proxy.accepted() - before;
        assert_eq!(outcome, expected, "{opened} connections: {}", function.logs());
        // It may be the first loss that the open connection is gone.
        assert!((5..=6).contains(&opened), "{opened} connections: {}", function.logs());
        proxy.forget_cuts();
    }
    ledger.transaction(&function).await.unwrap();
    ledger.assert_balanced(&harness.server);
}

/// A cut at every place of every message, with alternating endings.
fn cuts(messages: &[Message]) -> Vec<Cut> {
    let endings = [Ending::Reset, Ending::Close, Ending::HalfClose];
    let mut cuts = Vec::new();
    for direction in Direction::BOTH {
        let count = messages.iter().filter(|message| message.direction == direction).count();
        assert!(count > 0, "nothing passed {direction:?}");
        for index in 0..count {
            for place in Place::ALL {
                // Each message meets every ending, and so does each place.
                let ending = endings[cuts.len() % endings.len()];
                cuts.push(Cut { direction, at: At::Message(index, place), ending });
            }
        }
    }
    cuts
}

impl Bench<'_> {
    /// The messages of an undisturbed stage.
    async fn record(&self, stage: Stage, run: Run) -> Vec<Message> {
        if stage == Stage::Connect {
            faults::at_login(&self.proxy, async || self.act(stage).await).await.unwrap();
            return self.proxy.messages();
        }
        self.begin(stage, run).await;
        let mark = self.proxy.mark();
        self.act(stage).await.unwrap();
        mark.since()
    }

    /// Runs a stage on a connection that is cut. Returns nothing if the cut did not happen: a handshake
    /// that resumes a session is shorter than a full one, and the server may send two records as one.
    async fn cut(&self, stage: Stage, run: Run, cut: Cut) -> Option<faults::Outcome> {
        let ending = if stage == Stage::Connect {
            self.proxy.cut_next(cut);
            faults::at_login(&self.proxy, async || self.act(stage).await).await
        } else {
            self.begin(stage, run).await;
            self.proxy.cut_open(cut);
            self.act(stage).await
        };
        if self.proxy.awaits_cut() {
            assert_eq!(ending, Ok(()), "{stage:?}, {run:?}: {cut:?} did not come");
            self.proxy.forget_cuts();
            return None;
        }
        Some(ending)
    }

    /// Prepares the connection for the stage.
    async fn begin(&self, stage: Stage, run: Run) {
        match run {
            // Prepared statements are lost with the connection.
            Run::First => {
                self.proxy.sever(Ending::Reset);
                self.repeat(async || self.connect(stage).await).await;
            }
            Run::Later => self.repeat(async || self.act(stage).await).await,
        }
    }

    /// Acts until it succeeds. A connection that was cut may cost one invocation.
    async fn repeat(&self, act: impl AsyncFn() -> faults::Outcome) {
        let mut last = Ok(());
        for _ in 0..3 {
            last = act().await;
            if last.is_ok() {
                return;
            }
        }
        panic!("it does not recover: {last:?}");
    }

    /// Makes the function connect without running the stage's statement.
    async fn connect(&self, stage: Stage) -> faults::Outcome {
        if stage == Stage::Read {
            self.function
                .invoke(r#"{"statement":"items"}"#)
                .await
                .map(drop)
                .map_err(|(kind, _)| kind)
        } else {
            self.echo().await
        }
    }

    async fn act(&self, stage: Stage) -> faults::Outcome {
        match stage {
            Stage::Connect | Stage::Read => self.echo().await,
            Stage::Write => self.ledger.write(&self.function).await,
            Stage::Transaction => self.ledger.transaction(&self.function).await,
        }
    }

    async fn echo(&self) -> faults::Outcome {
        let value = self.echoes.fetch_add(1, Ordering::Relaxed);
        faults::echo(&self.function, value).await
    }
}
