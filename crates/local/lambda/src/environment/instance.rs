//! An environment of Lambda Managed Instances: it serves several events side by side, and is not
//! frozen between them.
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html>

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use hyper::body::Bytes;
use tokio::{
    select,
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout_at},
};

use super::{Environment, Served};
use crate::{
    fault::Fault, log::LogStream, process::Process, runtime_api::Event, runtime_api::Report,
};

/// How long Lambda leaves a Managed Instance's runtime between SIGTERM and SIGKILL:
/// `defaultRuntimeShutdownTimeout` of AWS's Runtime Interface Emulator
/// (`internal/lambda-managed-instances/rapid/shutdown.go`).
const SHUTDOWN_GRACE: Duration = Duration::from_millis(600);

type Answer = Result<Bytes, Fault>;

/// An environment, and the task that brings it events and takes its answers.
#[derive(Debug)]
pub(crate) struct Instance {
    orders: mpsc::UnboundedSender<Order>,
    process: Arc<Process>,
    log: LogStream,
}

/// What the task is to do.
#[derive(Debug)]
enum Order {
    /// Have the event served, and tell the answer.
    Serve(Event, oneshot::Sender<Answer>),
    /// End the environment, and tell when it has ended.
    End(oneshot::Sender<()>),
}

/// The events that were delivered or wait for it, by request id, and who waits for their answers.
type Running = HashMap<String, oneshot::Sender<Answer>>;

impl Instance {
    /// Takes over an environment that has initialised.
    pub(crate) fn new(environment: Environment) -> Self {
        let (orders, receiver) = mpsc::unbounded_channel();
        let (process, log) = (environment.process.clone(), environment.log.clone());
        tokio::spawn(serve(environment, receiver));
        Self { orders, process, log }
    }

    pub(crate) fn log(&self) -> &LogStream {
        &self.log
    }

    /// Whether the process is still there, to serve another event.
    pub(crate) fn is_alive(&self) -> bool {
        !self.process.has_exited()
    }

    /// The most memory it has used, in MiB.
    pub(crate) fn max_memory_mb(&self) -> u64 {
        self.process.peak_memory_kib().unwrap_or_default().div_ceil(1024)
    }

    /// Has the event served, beside those that are. One that takes too long is given up, and the
    /// process goes on.
    pub(crate) async fn invoke(&self, event: Event, deadline: Instant) -> Served {
        let started = Instant::now();
        let (reply, answer) = oneshot::channel();
        // The task ends with the process: the reply is then dropped as well.
        let _ = self.orders.send(Order::Serve(event, reply));
        let answer = match timeout_at(deadline, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Fault::Exited(self.process.exited().await)),
            Err(_) => Err(Fault::TimedOut),
        };
        Served { answer, duration: started.elapsed(), ended: None }
    }

    /// Ends the environment as Lambda does, busy or not.
    pub(crate) async fn shut_down(&self) {
        let (ended, end) = oneshot::channel();
        let _ = self.orders.send(Order::End(ended));
        let _ = end.await; // a task that is gone has ended the environment
    }
}

/// Brings events to whichever poll of the runtime waits for one, until nobody sends any more or the
/// process ends.
async fn serve(mut environment: Environment, mut orders: mpsc::UnboundedReceiver<Order>) {
    let mut polls: VecDeque<_> = environment.next.take().into_iter().collect();
    let mut waiting = VecDeque::new();
    let mut running = Running::new();
    environment.process.thaw();
    loop {
        while !waiting.is_empty() && !polls.is_empty() {
            let (event, poll): (Option<Event>, _) = (waiting.pop_front(), polls.pop_front());
            let refused = event.zip(poll).and_then(|(event, poll)| poll.send(event).err());
            waiting.extend(refused); // the runtime gave up that poll, and will ask again
        }
        select! {
            // In this order: what the runtime said before it exited counts.
            biased;
            Some(report) = environment.reports.recv() => match report {
                Report::Next(poll) => polls.push_back(poll),
                report => pass_on(report, &mut running, &environment),
            },
            order = orders.recv() => match order {
                Some(Order::Serve(event, reply)) => {
                    running.insert(event.request_id.clone(), reply);
                    waiting.push_back(event);
                }
                Some(Order::End(ended)) => {
                    // Polls stay open, and get nothing any more.
                    shut_down(&mut environment, &mut running).await;
                    let _ = ended.send(()); // whoever asked may have gone
                    return;
                }
                None => return environment.end().await,
            },
            _ = environment.process.exited() => return environment.end().await,
        }
    }
}

/// Ends the environment: no event is delivered any more, and what the runtime answers to those that
/// run still counts.
async fn shut_down(environment: &mut Environment, running: &mut Running) {
    if environment.api.has_extension() {
        environment.process.terminate();
        let kill = Instant::now() + SHUTDOWN_GRACE;
        loop {
            select! {
                biased;
                Some(report) = environment.reports.recv() => match report {
                    Report::Next(_) => environment.log.push(POLLED),
                    report => pass_on(report, running, environment),
                },
                _ = environment.process.exited() => break,
                () = sleep_until(kill) => break,
            }
        }
    }
    environment.end().await;
    while let Ok(report) = environment.reports.try_recv() {
        pass_on(report, running, environment);
    }
}

/// A runtime that has had SIGTERM is expected to end.
const POLLED: &str = "the runtime asked for another event after SIGTERM";

/// Hands an answer to whoever waits for it.
fn pass_on(report: Report, running: &mut Running, environment: &Environment) {
    let (id, answer) = match report {
        Report::Response(id, payload) => (id, Ok(payload)),
        Report::ResponseTooLarge(id) => (id, Err(Fault::ResponseTooLarge)),
        Report::Error(id, reported) => (id, Err(Fault::Reported(reported))),
        Report::Next(_) | Report::InitError(_) => return, // it has initialised
    };
    environment.output.flush();
    if let Some(reply) = running.remove(&id) {
        let _ = reply.send(answer); // its caller may have given up
    }
}
