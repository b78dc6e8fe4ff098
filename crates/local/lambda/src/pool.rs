//! The environments of one function: an event takes an idle one, or starts one within the function's
//! concurrency.

use std::{
    panic::resume_unwind,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError},
    time::Instant,
};

use crate::{
    clock::Timestamp,
    environment::{Environment, InitFailure, Instance, Served},
    error::{Error, Kind},
    function::Function,
    identity,
    invocation::{Invocation, Request},
    log::{LogGroup, LogStream},
    platform_log::{InitPhase, Usage},
    process::Processes,
    runtime_api::Event,
};

/// A function and its environments.
#[derive(Debug)]
pub(crate) struct Pool {
    function: Function,
    processes: Arc<Processes>,
    logs: LogGroup,
    capacity: Arc<Semaphore>,
    /// The environment that was used last is at the end, and is used first.
    idle: Mutex<Vec<Environment>>,
    /// The environment of a function that serves several events at once.
    instance: tokio::sync::Mutex<Option<Arc<Instance>>>,
}

/// The result of an event.
struct Outcome {
    served: Served,
    init: Option<Duration>,
    max_memory_mb: u64,
}

impl Pool {
    pub(crate) fn new(function: Function, processes: Arc<Processes>) -> Self {
        let capacity = Arc::new(Semaphore::new(function.concurrency));
        Self {
            function,
            processes,
            logs: LogGroup::default(),
            capacity,
            idle: Mutex::default(),
            instance: tokio::sync::Mutex::default(),
        }
    }

    pub(crate) fn function(&self) -> &Function {
        &self.function
    }

    /// Everything that the function's environments logged.
    pub(crate) fn log_text(&self) -> String {
        self.logs.text()
    }

    /// Serves an event now, or refuses it if every environment is busy.
    pub(crate) async fn invoke(self: &Arc<Self>, request: Request) -> Result<Invocation, Error> {
        let permit = self.capacity.clone().try_acquire_owned().map_err(|error| match error {
            TryAcquireError::NoPermits => Kind::Throttled,
            TryAcquireError::Closed => Kind::Stopped,
        })?;
        self.run(permit, request).await
    }

    /// Serves an event once an environment is free.
    pub(crate) async fn invoke_in_turn(
        self: &Arc<Self>,
        request: Request,
    ) -> Result<Invocation, Error> {
        let permit = self.capacity.clone().acquire_owned().await.map_err(|_| Kind::Stopped)?;
        self.run(permit, request).await
    }

    /// Starts an environment before its first event. A failure is logged, and that event tries again.
    pub(crate) async fn warm(&self) {
        let log = self.new_log();
        if let Ok(environment) = self.initialize(&log, InitPhase::Init).await {
            self.idle().push(environment);
        }
    }

    /// Accepts no more events, and ends the environments as Lambda does: idle ones, and a Managed
    /// Instance, which may be busy.
    pub(crate) async fn shut_down(&self) {
        self.capacity.close();
        let idle = std::mem::take(&mut *self.idle());
        for environment in idle {
            environment.shut_down().await;
        }
        let instance = self.instance.lock().await.take();
        if let Some(instance) = instance {
            instance.shut_down().await;
        }
    }

    /// Runs an invocation to its end, even if its caller is gone.
    async fn run(
        self: &Arc<Self>,
        permit: OwnedSemaphorePermit,
        request: Request,
    ) -> Result<Invocation, Error> {
        let pool = self.clone();
        let invocation = tokio::spawn(async move {
            let invocation = pool.serve(request).await;
            drop(permit);
            invocation
        });
        match invocation.await {
            Ok(invocation) => Ok(invocation),
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            // It was cancelled when its runtime shut down.
            Err(_) => Err(Kind::Stopped.into()),
        }
    }

    async fn serve(&self, request: Request) -> Invocation {
        if self.function.max_concurrency > 1 {
            return self.serve_concurrently(request).await;
        }
        let (log, ready) = match self.take_idle() {
            Some(environment) => (environment.log().clone(), Ok(environment)),
            None => {
                let log = self.new_log();
                let ready = self.initialize(&log, InitPhase::Init).await;
                (log, ready)
            }
        };

        let request_id = identity::request_id();
        let deadline = Instant::now() + self.function.timeout;
        let event = self.event(&request_id, request);
        log.start(&request_id);
        let outcome = match ready {
            Ok(environment) => self.deliver(environment, event, deadline).await,
            Err(_) => self.initialize_and_deliver(&log, event, deadline).await,
        };
        self.conclude(&log, request_id, outcome)
    }

    /// Serves an event in the environment that may serve others at the same time.
    async fn serve_concurrently(&self, request: Request) -> Invocation {
        let request_id = identity::request_id();
        let ready = self.instance().await;
        let deadline = Instant::now() + self.function.timeout;
        let (log, outcome) = match ready {
            Ok((instance, init)) => {
                instance.log().start(&request_id);
                let served = instance.invoke(self.event(&request_id, request), deadline).await;
                let max_memory_mb = instance.max_memory_mb();
                (instance.log().clone(), Outcome { served, init, max_memory_mb })
            }
            Err((log, InitFailure { fault, max_memory_mb })) => {
                let served = Served { answer: Err(fault), duration: Duration::ZERO, ended: None };
                (log, Outcome { served, init: None, max_memory_mb })
            }
        };
        self.conclude(&log, request_id, outcome)
    }

    /// That environment, and the time of its initialisation if it had to be started.
    async fn instance(
        &self,
    ) -> Result<(Arc<Instance>, Option<Duration>), (LogStream, InitFailure)> {
        let mut instance = self.instance.lock().await;
        if let Some(instance) = instance.as_ref().filter(|instance| instance.is_alive()) {
            return Ok((instance.clone(), None));
        }
        let log = self.new_log();
        let started = self.initialize(&log, InitPhase::Init).await;
        let mut environment = started.map_err(|failure| (log, failure))?;
        let init = environment.take_init();
        Ok((instance.insert(Arc::new(Instance::new(environment))).clone(), init))
    }

    /// Initialises again, within the timeout of the invocation, after the init phase failed.
    async fn initialize_and_deliver(
        &self,
        log: &LogStream,
        event: Event,
        deadline: Instant,
    ) -> Outcome {
        let started = Instant::now();
        match self.initialize(log, InitPhase::Invoke).await {
            Ok(environment) => {
                let mut outcome = self.deliver(environment, event, deadline).await;
                outcome.served.duration += outcome.init.take().unwrap_or_default();
                outcome
            }
            Err(InitFailure { fault, max_memory_mb }) => {
                let duration = started.elapsed();
                let served = Served { answer: Err(fault), duration, ended: None };
                Outcome { served, init: None, max_memory_mb }
            }
        }
    }

    /// Serves the event in an environment, and keeps the environment if it survives.
    async fn deliver(
        &self,
        mut environment: Environment,
        event: Event,
        deadline: Instant,
    ) -> Outcome {
        let init = environment.take_init();
        let served = environment.invoke(event, deadline).await;
        let max_memory_mb = environment.max_memory_mb();
        if environment.is_alive() {
            self.idle().push(environment);
        }
        Outcome { served, init, max_memory_mb }
    }

    async fn initialize(
        &self,
        log: &LogStream,
        phase: InitPhase,
    ) -> Result<Environment, InitFailure> {
        let limit = match phase {
            InitPhase::Init => self.function.init_timeout,
            InitPhase::Invoke => self.function.timeout,
        };
        let started = Instant::now();
        let result = Environment::start(&self.function, &self.processes, log, limit).await;
        if let Err(failure) = &result {
            log.init_failed(phase, started.elapsed(), &failure.fault);
        }
        result
    }

    fn conclude(&self, log: &LogStream, request_id: String, outcome: Outcome) -> Invocation {
        let Outcome { served: Served { answer, duration, ended }, init, max_memory_mb } = outcome;
        let usage = Usage {
            duration,
            billed: round_up_to_millisecond(duration + init.unwrap_or_default()),
            memory_mb: self.function.memory_mb,
            max_memory_mb,
            init,
        };
        let fault = answer.as_ref().err().or(ended.as_ref());
        log.end(&request_id, &usage, fault, self.function.timeout);
        let (payload, function_error) = match answer {
            Ok(payload) => (payload, None),
            Err(fault) => {
                let payload = fault.payload(&request_id, self.function.timeout);
                (payload, Some("Unhandled".to_owned()))
            }
        };
        Invocation {
            request_id,
            payload,
            function_error,
            init,
            duration,
            billed: usage.billed,
            max_memory_mb,
            log: log.take_recent(),
        }
    }

    fn event(&self, request_id: &str, request: Request) -> Event {
        let now = Timestamp::now();
        Event {
            request_id: request_id.to_owned(),
            deadline: now.after(self.function.timeout),
            function_arn: self.function.arn(),
            trace_header: identity::trace_header(now, self.function.active_tracing),
            client_context: request.client_context,
            payload: request.payload,
        }
    }

    fn new_log(&self) -> LogStream {
        LogStream::new(&self.logs, self.function.chosen_log_format())
    }

    /// An idle environment whose process still runs.
    fn take_idle(&self) -> Option<Environment> {
        let mut idle = self.idle();
        idle.retain(Environment::is_alive);
        idle.pop()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Environment>> {
        // No code panics while it holds the lock.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn round_up_to_millisecond(duration: Duration) -> Duration {
    Duration::from_millis(duration.as_nanos().div_ceil(1_000_000) as u64)
}
