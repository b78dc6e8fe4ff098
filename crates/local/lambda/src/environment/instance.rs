//! An environment of Lambda Managed Instances: it serves several events at once and is never frozen.
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

/// The time between SIGTERM and SIGKILL on a Managed Instance: `defaultRuntimeShutdownTimeout` of AWS's Runtime Interface Emulator
/// (`internal/lambda-managed-instances/rapid/shutdown.go`).
const SHUTDOWN_GRACE: Duration = Duration::from_millis(600);

type Answer = Result<Bytes, Fault>;

/// An environment, and the task that delivers its events and receives its answers.
#[derive(Debug)]
pub(crate) struct Instance {
    orders: mpsc::UnboundedSender<Order>,
    process: Arc<Process>,
    log: LogStream,
}

/// A request to the task.
#[derive(Debug)]
enum Order {
    /// Deliver the event, and send back the answer.
    Serve(Event, oneshot::Sender<Answer>),
    /// End the environment, and tell when that is done.
    End(oneshot::Sender<()>),
}

/// The receivers of answers, by the request ids of events that were delivered or wait for it.
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

    /// Whether the process can serve another event.
    pub(crate) fn is_alive(&self) -> bool {
        !self.process.has_exited()
    }

    /// The most memory it has used, in MiB.
    pub(crate) fn max_memory_mb(&self) -> u64 {
        self.process.peak_memory_kib().unwrap_or_default().div_ceil(1024)
    }

    /// Serves the event, at the same time as others. After the deadline its answer is no longer awaited,
    /// and the process continues.
    pub(crate) async fn invoke(&self, event: Event, deadline: Instant) -> Served {
        let started = Instant::now();
        let (reply, answer) = oneshot::channel();
        // The task ends with the process, and drops the reply.
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

/// Delivers events to the runtime's polls until the [`Instance`] is dropped or the process ends.
async fn serve(mut environment: Environment, mut orders: mpsc::UnboundedReceiver<Order>) {
    let mut polls: VecDeque<_> = environment.next.take().into_iter().collect();
    let mut waiting = VecDeque::new();
    let mut running = Running::new();
    environment.process.thaw();
    loop {
        while !waiting.is_empty() && !polls.is_empty() {
            let (event, poll): (Option<Event>, _) = (waiting.pop_front(), polls.pop_front());
            let refused = event.zip(poll).and_then(|(event, poll)| poll.send(event).err());
            waiting.extend(refused); // the runtime dropped that poll, and will poll again
        }
        select! {
            // In this order: reports that the runtime sent before it exited count.
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
                    // Polls stay open, and get no events.
                    shut_down(&mut environment, &mut running).await;
                    let _ = ended.send(()); // the sender may be gone
                    return;
                }
                None => return environment.end().await,
            },
            _ = environment.process.exited() => return environment.end().await,
        }
    }
}

/// Ends the environment: no more events are delivered, and answers to running ones still count.
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

/// Logged when a runtime polls after SIGTERM, which should end it.
const POLLED: &str = "the runtime asked for another event after SIGTERM";

/// Passes an answer to its receiver.
fn pass_on(report: Report, running: &mut Running, environment: &Environment) {
    let (id, answer) = match report {
        Report::Response(id, payload) => (id, Ok(payload)),
        Report::ResponseTooLarge(id) => (id, Err(Fault::ResponseTooLarge)),
        Report::Error(id, reported) => (id, Err(Fault::Reported(reported))),
        Report::Next(_) | Report::InitError(_) => return, // it has initialised
    };
    environment.output.flush();
    if let Some(reply) = running.remove(&id) {
        let _ = reply.send(answer); // its caller may be gone
    }
}
