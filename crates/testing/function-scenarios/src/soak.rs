//! Thousands of invocations in several environments at once, while random faults come and go: no
//! answer is another invocation's, no write is lost or run twice, no connection is left behind, and the
//! function's memory does not grow.

use engine::Engine;
use fault_proxy::{At, Condition, Cut, Direction, Ending, Place, Proxy};
use function_harness::Deployed;
use function_harness::faults::{self, Ledger, Report};
use local_rds::Server;
use std::collections::hash_map::RandomState;
use std::env;
use std::hash::{BuildHasher, Hasher};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The default number of invocations on one engine. The three engines together have over 20,000.
const INVOCATIONS: u32 = 6_700;
/// How many invocations are sent at once, each to its own environment.
const SIDE_BY_SIDE: u32 = 3;
/// The average number of invocations between two faults.
const BETWEEN: u32 = 30;
/// How much memory may be allocated after the first quarter, for what is kept permanently.
const GROWTH_KIB: u64 = 3 << 10;

/// `SOAK_INVOCATIONS` sets their number, and `SOAK_SEED` repeats the faults of an earlier run.
pub async fn random_faults(engine: Engine, bootstrap: &str) {
    let invocations = number("SOAK_INVOCATIONS").unwrap_or(INVOCATIONS.into()) as u32;
    let seed = number("SOAK_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
    println!("{engine}: {invocations} invocations, SOAK_SEED={seed}");
    let harness = faults::start(Server::builder(engine), bootstrap).await;
    let proxy = faults::proxy(&harness).await;
    // Short, because some faults last until then.
    let function = faults::deploy(&harness, proxy.address(), Duration::from_secs(3), &[]).await;
    let soak = Soak {
        function,
        proxy,
        ledger: Ledger::default(),
        report: Mutex::new(Report::new(engine, "soak")),
        sent: AtomicU32::new(0),
        invocations,
    };

    let (memory, .., ()) =
        tokio::join!(soak.watch(), soak.work(1), soak.work(2), soak.work(3), soak.disturb(seed));
    let Soak { function, proxy, ledger, report, .. } = soak;

    // No environment has more than one connection.
    let open = faults::connections(&harness.server);
    let environments = function.resident_kib().len();
    faults::settled(&harness.server, environments).await;
    println!("{engine}: {open} connections, {environments} environments, memory {memory:?}");
    proxy.sever(Ending::Reset);
    faults::settled(&harness.server, 0).await;
    ledger.assert_balanced(&harness.server);
    let [early, late] = memory;
    assert!(late <= early + GROWTH_KIB, "memory grew from {early} to {late} KiB, seed {seed}");
    report.into_inner().unwrap().write(bootstrap);
}

struct Soak<'a> {
    function: Deployed<'a>,
    proxy: Proxy,
    ledger: Ledger,
    report: Mutex<Report>,
    sent: AtomicU32,
    invocations: u32,
}

impl Soak<'_> {
    /// Sends invocations one after another until there are enough.
    async fn work(&self, worker: u32) {
        assert!(worker <= SIDE_BY_SIDE);
        loop {
            let number = self.sent.fetch_add(1, Ordering::Relaxed);
            if number >= self.invocations {
                return;
            }
            let (what, ending) = match number % 4 {
                0 => ("write", self.ledger.write(&self.function).await),
                1 => ("transaction", self.ledger.transaction(&self.function).await),
                _ => ("read", faults::echo(&self.function, number).await),
            };
            let fault = format!("random faults during a {what}");
            self.report.lock().unwrap().count(&fault, &ending);
        }
    }

    /// Causes a random fault now and then, and clears it.
    async fn disturb(&self, seed: u64) {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut next = BETWEEN;
        while self.sent.load(Ordering::Relaxed) < self.invocations {
            if self.sent.load(Ordering::Relaxed) < next {
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            }
            self.fault(&mut random).await;
            self.proxy.set(Condition::Clear);
            next = self.sent.load(Ordering::Relaxed) + random.u32(1..=2 * BETWEEN);
        }
        self.proxy.forget_cuts();
    }

    /// Causes one fault, and waits until it is over.
    async fn fault(&self, random: &mut fastrand::Rng) {
        let endings = [Ending::Reset, Ending::Close, Ending::HalfClose];
        let ending = endings[random.usize(..3)];
        let direction = Direction::BOTH[random.usize(..2)];
        let place = Place::ALL[random.usize(..4)];
        let lasts = Duration::from_millis(random.u64(5..60));
        let condition = match random.u32(..20) {
            0..=3 => return self.proxy.sever([Ending::Reset, Ending::Close][random.usize(..2)]),
            4..=9 => {
                let cut = Cut { direction, at: At::Message(random.usize(..6), place), ending };
                return self.proxy.cut_open(cut);
            }
            10..=13 => {
                let at = At::Message(random.usize(..8), place);
                self.proxy.sever(Ending::Reset);
                return self.proxy.cut_next(Cut { direction, at, ending });
            }
            14 => Condition::Delay(Duration::from_millis(random.u64(1..8))),
            15 => Condition::Bandwidth(random.u32(20_000..200_000)),
            16 => Condition::Freeze,
            17 => Condition::Refuse,
            18 => Condition::BlackHole,
            _ => Condition::Swallow(direction),
        };
        if matches!(condition, Condition::Refuse | Condition::BlackHole) {
            self.proxy.sever(Ending::Reset);
        }
        self.proxy.set(condition);
        tokio::time::sleep(lasts).await;
    }

    /// The largest resident memory of the function's processes, in KiB: after a quarter of the run, and
    /// at its end.
    async fn watch(&self) -> [u64; 2] {
        let most = || self.function.resident_kib().into_iter().max().unwrap_or_default();
        let reached = async |part: u32| {
            let end = Instant::now() + Duration::from_secs(3600);
            while self.sent.load(Ordering::Relaxed) < self.invocations / 4 * part {
                assert!(Instant::now() < end, "the run does not end");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        reached(1).await;
        let early = most();
        reached(4).await;
        [early, most()]
    }
}

/// A number from an environment variable.
fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is {text:?}, which is not a number")))
}
