//! One execution environment: a process, its Runtime API, and its life cycle of initialisation,
//! invocations and the freeze between them.
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>

mod instance;

use std::{
    io,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use hyper::body::Bytes;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, interval_at, sleep_until, timeout},
};

use crate::{
    fault::Fault,
    function::Function,
    log::{LogStream, Output},
    process::{Process, Processes},
    runtime_api::{Event, Report, RuntimeApi},
};

pub(crate) use instance::Instance;

/// How often memory is measured while the function runs.
const MEMORY_PERIOD: Duration = Duration::from_millis(20);

/// How long a runtime that reported an init error may take to exit.
const INIT_ERROR_GRACE: Duration = Duration::from_secs(10);

/// The time between SIGTERM and SIGKILL, where an internal extension is registered.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(500);

/// A process that has initialised and serves one event at a time.
#[derive(Debug)]
pub(crate) struct Environment {
    process: Arc<Process>,
    reports: mpsc::UnboundedReceiver<Report>,
    /// Where the runtime waits for its next event.
    next: Option<oneshot::Sender<Event>>,
    init: Option<Duration>,
    memory: Memory,
    freeze: bool,
    output: Arc<Output>,
    log: LogStream,
    reader: JoinHandle<()>,
    api: RuntimeApi,
}

#[derive(Debug)]
struct Memory {
    limit_kib: u64,
    peak_kib: u64,
}

/// Why an environment could not be started.
#[derive(Debug)]
pub(crate) struct InitFailure {
    pub(crate) fault: Fault,
    pub(crate) max_memory_mb: u64,
}

/// How an invocation ended.
#[derive(Debug)]
pub(crate) struct Served {
    /// The runtime's answer, or why there is none.
    pub(crate) answer: Result<Bytes, Fault>,
    /// From the delivery of the event until the runtime asked for the next, or failed.
    pub(crate) duration: Duration,
    /// How the process ended, if it did so after its answer.
    pub(crate) ended: Option<Fault>,
}

impl Environment {
    /// Starts the process and waits until its runtime asks for the first event.
    pub(crate) async fn start(
        function: &Function,
        processes: &Processes,
        log: &LogStream,
        limit: Duration,
    ) -> Result<Self, InitFailure> {
        let started = Instant::now();
        let mut environment = Self::spawn(function, processes, log)
            .await
            .map_err(|error| InitFailure { fault: Fault::CannotStart(error), max_memory_mb: 0 })?;
        let fault = match environment.report(started + limit).await {
            Ok(Report::Next(next)) => {
                environment.next = Some(next);
                environment.init = Some(started.elapsed());
                match environment.pause() {
                    Ok(()) => return Ok(environment),
                    Err(fault) => fault,
                }
            }
            Ok(Report::InitError(reported)) => {
                // The report is the reason, whether it exits or has to be killed.
                let _ = timeout(INIT_ERROR_GRACE, environment.process.exited()).await;
                Fault::Reported(reported)
            }
            // The Runtime API accepts no response before an event was fetched.
            Ok(Report::Response(..) | Report::ResponseTooLarge(_) | Report::Error(..)) => {
                Fault::ResponseTooLarge
            }
            Err(fault) => fault,
        };
        environment.end().await;
        Err(InitFailure { fault, max_memory_mb: environment.max_memory_mb() })
    }

    async fn spawn(
        function: &Function,
        processes: &Processes,
        log: &LogStream,
    ) -> io::Result<Self> {
        let (api, reports) = RuntimeApi::start(function).await?;
        let (pipe, stdout) = io::pipe()?;
        let stderr = stdout.try_clone()?;
        let output = Arc::new(Output::new(pipe, log.clone())?);

        let mut command = Command::new(function.bootstrap());
        command
            .current_dir(&function.task_root)
            .env_clear()
            .envs(function.environment(api.address(), log.name()))
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr);
        let process = processes.spawn(command)?;
        api.answer(&process);
        let reader = tokio::spawn({
            let output = output.clone();
            async move { output.follow().await }
        });
        let memory = Memory { limit_kib: u64::from(function.memory_mb) * 1024, peak_kib: 0 };
        Ok(Self {
            process,
            reports,
            next: None,
            init: None,
            memory,
            freeze: function.freeze,
            output,
            log: log.clone(),
            reader,
            api,
        })
    }

    /// Serves one event, and waits until the runtime asks for the next. An environment that ends
    /// meanwhile cannot be used again.
    pub(crate) async fn invoke(&mut self, event: Event, deadline: Instant) -> Served {
        let started = Instant::now();
        self.process.thaw();
        let mut event = Some(event);
        let mut answer = None;
        loop {
            event = match (event, self.next.take()) {
                // A runtime that gave up its poll will ask again.
                (Some(event), Some(next)) => next.send(event).err(),
                (event, next) => {
                    self.next = next;
                    event
                }
            };
            match self.report(deadline).await {
                Ok(Report::Next(next)) => {
                    self.next = Some(next);
                    if let Some(answer) = answer.take() {
                        let duration = started.elapsed();
                        return match self.pause() {
                            Ok(()) => Served { answer, duration, ended: None },
                            Err(fault) => {
                                self.end().await;
                                Served { answer: Err(fault), duration, ended: None }
                            }
                        };
                    }
                }
                Ok(Report::Response(_, payload)) => answer = Some(Ok(payload)),
                Ok(Report::ResponseTooLarge(_)) => answer = Some(Err(Fault::ResponseTooLarge)),
                Ok(Report::Error(_, reported) | Report::InitError(reported)) => {
                    answer = Some(Err(Fault::Reported(reported)));
                }
                Err(fault) => {
                    let duration = started.elapsed();
                    self.end().await;
                    return match answer {
                        // A response that was sent counts, unless it took too much memory.
                        Some(answer) if !matches!(fault, Fault::OutOfMemory) => {
                            Served { answer, duration, ended: Some(fault) }
                        }
                        _ => Served { answer: Err(fault), duration, ended: None },
                    };
                }
            }
        }
    }

    /// The runtime's next report, unless the process fails first.
    async fn report(&mut self, deadline: Instant) -> Result<Report, Fault> {
        let mut measure = interval_at(Instant::now() + MEMORY_PERIOD, MEMORY_PERIOD);
        loop {
            tokio::select! {
                // In this order: reports that the runtime sent before it exited count.
                biased;
                Some(report) = self.reports.recv() => return Ok(report),
                status = self.process.exited() => return Err(Fault::Exited(status)),
                () = sleep_until(deadline) => return Err(Fault::TimedOut),
                _ = measure.tick() => self.memory.check(&self.process)?,
            }
        }
    }

    /// Freezes the process until the next event, and collects the output and memory of this one.
    fn pause(&mut self) -> Result<(), Fault> {
        if self.freeze {
            self.process.freeze();
        }
        self.output.flush();
        self.memory.check(&self.process)
    }

    /// Kills the process, and collects its remaining output.
    async fn end(&self) {
        self.process.kill();
        self.process.exited().await;
        self.output.flush();
    }

    /// Ends the environment as Lambda does: with SIGTERM and half a second if an extension is
    /// registered, at once if not.
    pub(crate) async fn shut_down(self) {
        if self.api.has_extension() {
            self.process.terminate();
            // It is killed next, whether it has exited or not.
            let _ = timeout(SHUTDOWN_GRACE, self.process.exited()).await;
        }
        self.end().await;
    }

    /// Whether the process can serve another event.
    pub(crate) fn is_alive(&self) -> bool {
        !self.process.has_exited()
    }

    /// How long the initialisation took; only the first call returns it.
    pub(crate) fn take_init(&mut self) -> Option<Duration> {
        self.init.take()
    }

    /// The most memory it has used, in MiB, capped at its limit.
    pub(crate) fn max_memory_mb(&self) -> u64 {
        self.memory.peak_kib.min(self.memory.limit_kib).div_ceil(1024)
    }

    pub(crate) fn log(&self) -> &LogStream {
        &self.log
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Memory {
    /// Measures the process, which may never have exceeded the limit.
    fn check(&mut self, process: &Process) -> Result<(), Fault> {
        let peak_kib = process.peak_memory_kib().unwrap_or_default();
        self.peak_kib = self.peak_kib.max(peak_kib);
        if self.peak_kib > self.limit_kib { Err(Fault::OutOfMemory) } else { Ok(()) }
    }
}
