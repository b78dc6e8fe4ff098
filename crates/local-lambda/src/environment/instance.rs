//! An environment of Lambda Managed Instances: it serves several events side by side, and is not
//! frozen between them.
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html>

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use hyper::body::Bytes;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use super::{Environment, Served};
use crate::{
    fault::Fault, log::LogStream, process::Process, runtime_api::Event, runtime_api::Report,
};

type Answer = Result<Bytes, Fault>;

/// An environment, and the task that brings it events and takes its answers.
#[derive(Debug)]
pub(crate) struct Instance {
    events: mpsc::UnboundedSender<(Event, oneshot::Sender<Answer>)>,
    process: Arc<Process>,
    log: LogStream,
    task: JoinHandle<()>,
}

impl Instance {
    /// Takes over an environment that has initialised.
    pub(crate) fn new(environment: Environment) -> Self {
        let (events, receiver) = mpsc::unbounded_channel();
        let (process, log) = (environment.process.clone(), environment.log.clone());
        Self { events, process, log, task: tokio::spawn(serve(environment, receiver)) }
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
        let _ = self.events.send((event, reply));
        let answer = match timeout_at(deadline, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Fault::Exited(self.process.exited().await)),
            Err(_) => Err(Fault::TimedOut),
        };
        Served { answer, duration: started.elapsed(), ended: None }
    }

    /// Ends the environment as Lambda does.
    pub(crate) async fn shut_down(self) {
        drop(self.events);
        // It has no panic of its own to pass on.
        let _ = self.task.await;
    }
}

/// Brings events to whichever poll of the runtime waits for one, until nobody sends any more or the
/// process ends.
async fn serve(
    mut environment: Environment,
    mut events: mpsc::UnboundedReceiver<(Event, oneshot::Sender<Answer>)>,
) {
    let mut polls: VecDeque<_> = environment.next.take().into_iter().collect();
    let mut waiting = VecDeque::new();
    let mut running = HashMap::new();
    environment.process.thaw();
    loop {
        while !waiting.is_empty() && !polls.is_empty() {
            let (event, poll): (Option<Event>, _) = (waiting.pop_front(), polls.pop_front());
            let refused = event.zip(poll).and_then(|(event, poll)| poll.send(event).err());
            waiting.extend(refused); // the runtime gave up that poll, and will ask again
        }
        tokio::select! {
            event = events.recv() => {
                let Some((event, reply)) = event else { break environment.shut_down().await };
                running.insert(event.request_id.clone(), reply);
                waiting.push_back(event);
            }
            Some(report) = environment.reports.recv() => {
                let (id, answer) = match report {
                    Report::Next(poll) => {
                        polls.push_back(poll);
                        continue;
                    }
                    Report::Response(id, payload) => (id, Ok(payload)),
                    Report::ResponseTooLarge(id) => (id, Err(Fault::ResponseTooLarge)),
                    Report::Error(id, reported) => (id, Err(Fault::Reported(reported))),
                    Report::InitError(_) => continue, // it has initialised
                };
                if let Some(reply) = running.remove(&id) {
                    let _ = reply.send(answer); // its caller may have given up
                }
                environment.output.flush();
            }
            _ = environment.process.exited() => break environment.end().await,
        }
    }
}
