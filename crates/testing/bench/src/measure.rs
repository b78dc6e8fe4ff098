//! The measurements. Within a round each subject is measured once, so that what else the machine does in that time
//! is spread over all of them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use engine::Engine;
use local_rds::Server;

use crate::Failure;
use crate::distance::Distance;
use crate::environment::Environment;
use crate::statistics::Spread;
use crate::subject::Subject;
use crate::workload::{ITEMS, event, repeated};

/// How many events of each environment are warm.
const WARM: usize = 100;
/// How many measurements of larger results there are in a round.
const REPEATED: usize = 3;
/// How long each way to the database takes where round trips are counted.
const DELAY: Duration = Duration::from_millis(10);
/// How many queries without events there are.
const BARE: usize = 2_000;
/// How long events side by side are counted.
const COUNTED: Duration = Duration::from_millis(500);

/// The servers of all engines, and the statements.
pub(crate) struct Stage<'a> {
    pub(crate) servers: &'a [Server],
    pub(crate) statements: &'a str,
}

/// A first event and more of them, in one environment.
#[derive(Clone, Copy)]
pub(crate) struct Start {
    /// From the start of the process to the first answer.
    pub(crate) cold: Duration,
    /// The processor time until then.
    pub(crate) processor: Duration,
    /// The median of the next events.
    pub(crate) warm: Duration,
    /// The resident memory after them, in bytes.
    pub(crate) resident: u64,
}

impl Stage<'_> {
    fn server(&self, engine: Engine) -> Option<&Server> {
        self.servers.iter().find(|server| server.engine() == engine)
    }

    /// Starts a subject; `through` is dialled in place of its server.
    pub(crate) fn environment(
        &self,
        subject: &Subject,
        through: Option<SocketAddr>,
        more: &[(&str, String)],
    ) -> Result<Environment, Failure> {
        let server = subject.engine.and_then(|engine| self.server(engine));
        let mut settings = subject.settings(server, self.statements);
        let mut set = |name: &str, value: String| {
            settings.retain(|(other, _)| other != name);
            settings.push((name.to_owned(), value));
        };
        if let Some(address) = through {
            set("DB_CONNECT_TO", address.to_string());
        }
        for (name, value) in more {
            set(name, value.clone());
        }
        let arguments = subject.peer.as_ref().map_or(&[][..], |peer| &peer.arguments);
        Environment::start(&subject.program, arguments, &settings)
            .map_err(|error| format!("{}: {error}", subject.name).into())
    }

    /// A cold start and warm events.
    pub(crate) fn start(&self, subject: &Subject) -> Result<Start, Failure> {
        let mut environment = self.environment(subject, None, &[])?;
        let event = event(ITEMS);
        let cold = environment.cold(&event)?;
        let processor = environment.processor_time()?;
        let mut warm =
            (0..WARM).map(|_| environment.warm(&event)).collect::<Result<Vec<_>, _>>()?;
        warm.sort();
        Ok(Start { cold, processor, warm: warm[WARM / 2], resident: environment.resident()? })
    }

    /// How often a cold start and a warm event wait for the database: by how much a delay on the way makes them
    /// longer.
    pub(crate) fn round_trips(
        &self,
        subject: &Subject,
        distances: &Distances,
    ) -> Result<[f64; 2], Failure> {
        let engine = subject.engine.ok_or("it has no database")?;
        let distance = distances.of(engine)?;
        let times = |delay| -> Result<[Duration; 2], Failure> {
            distance.set(delay);
            let mut environment = self.environment(subject, Some(distance.address()), &[])?;
            Ok([environment.cold(&event(ITEMS))?, environment.warm(&event(ITEMS))?])
        };
        let [near, far] = [times(Duration::ZERO)?, times(DELAY)?];
        let trips = |far: Duration, near: Duration| {
            (far.as_secs_f64() - near.as_secs_f64()) / (2.0 * DELAY.as_secs_f64())
        };
        Ok([trips(far[0], near[0]), trips(far[1], near[1])])
    }

    /// The shortest time of a warm event that runs `statement`, in seconds.
    pub(crate) fn statement(&self, subject: &Subject, statement: &str) -> Result<f64, Failure> {
        let mut environment = self.environment(subject, None, &[])?;
        environment.cold(&event(ITEMS))?;
        let event = event(statement);
        environment.warm(&event)?;
        let times = (0..REPEATED).map(|_| Ok(environment.warm(&event)?.as_secs_f64()));
        times
            .collect::<Result<Vec<_>, Failure>>()
            .map(|times| times.into_iter().fold(f64::INFINITY, f64::min))
    }

    /// How long a query takes without an event, and all that a function sends for it: a floor's medians, in
    /// microseconds. The latter are the floor's statements in the folder `flights`.
    pub(crate) fn without_events(
        &self,
        floor: &Subject,
        flights: &Path,
    ) -> Result<[f64; 2], Failure> {
        let engine = floor.engine.ok_or("it has no database")?;
        let flights = [("STATEMENTS_DIR", flights.display().to_string())];
        let query = self.without_event(floor, ITEMS, &[])?;
        Ok([query, self.without_event(floor, &engine.to_string(), &flights)?])
    }

    fn without_event(
        &self,
        floor: &Subject,
        statement: &str,
        more: &[(&str, String)],
    ) -> Result<f64, Failure> {
        let mut environment = self.environment(floor, None, more)?;
        environment.send(&repeated(statement, BARE));
        let answer = environment.receive()?.payload;
        let answer: BTreeMap<String, f64> = serde_json::from_str(&answer)?;
        let nanoseconds = answer.get("nanoseconds").ok_or("the floor told no time")?;
        Ok(nanoseconds / 1e3)
    }

    /// How many events a second an environment answers that gets `count` at once, as on Lambda Managed Instances.
    pub(crate) fn side_by_side(&self, subject: &Subject, count: usize) -> Result<f64, Failure> {
        let more = [("AWS_LAMBDA_MAX_CONCURRENCY", count.to_string())];
        let mut environment = self.environment(subject, None, &more)?;
        let event = event(ITEMS);
        environment.cold(&event)?;
        (0..count).for_each(|_| environment.send(&event));
        // The connections of all are open once each has been used.
        (0..count).try_for_each(|_| environment.receive().map(drop))?;
        (0..count).for_each(|_| environment.send(&event));
        let (start, mut answered) = (Instant::now(), 0_u32);
        while start.elapsed() < COUNTED {
            environment.receive()?;
            answered += 1;
            environment.send(&event);
        }
        Ok(f64::from(answered) / start.elapsed().as_secs_f64())
    }
}

/// The servers, farther away.
pub(crate) struct Distances(Vec<(Engine, Distance)>);

impl Distances {
    pub(crate) fn to(servers: &[Server]) -> Result<Distances, Failure> {
        let distance = |server: &Server| Ok((server.engine(), Distance::to(server.address())?));
        servers.iter().map(distance).collect::<Result<_, Failure>>().map(Distances)
    }

    fn of(&self, engine: Engine) -> Result<&Distance, Failure> {
        let distance = self.0.iter().find(|(other, _)| *other == engine);
        distance
            .map(|(_, distance)| distance)
            .ok_or_else(|| format!("no server of {engine}").into())
    }
}

/// The spread of what `measure` returns for each subject in `rounds` rounds.
pub(crate) fn rounds<const N: usize>(
    subjects: &[&Subject],
    rounds: usize,
    mut measure: impl FnMut(&Subject) -> Result<[f64; N], Failure>,
) -> Result<Vec<[Spread; N]>, Failure> {
    let mut values = vec![vec![[0.0; N]; rounds]; subjects.len()];
    for round in 0..rounds {
        for (subject, values) in subjects.iter().zip(&mut values) {
            values[round] = measure(subject)?;
        }
    }
    let spread = |values: Vec<[f64; N]>| -> Result<[Spread; N], Failure> {
        let mut spreads = vec![];
        for at in 0..N {
            let values = values.iter().map(|value| value[at]).collect();
            spreads.push(Spread::of(values).ok_or("no round")?);
        }
        spreads.try_into().map_err(|_| "no measurement".into())
    };
    values.into_iter().map(spread).collect()
}
