//! Local Lambda as a value.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use hyper::body::Bytes;
use tokio::net::TcpListener;

use crate::{
    error::{Error, Kind},
    function::Function,
    functions::Functions,
    http::{Peer, Server},
    invocation::{Invocation, Request, SYNCHRONOUS_LIMIT},
    invoke_api,
    observer::{Invoked, Observer},
};

/// Functions, and the Invoke API to reach them.
///
/// Dropping it kills and reaps every process that it started, busy or frozen. The processes also end
/// when this process is killed.
#[derive(Debug)]
pub struct Lambda {
    address: SocketAddr,
    functions: Arc<Functions>,
    _server: Server,
}

/// The settings of local Lambda.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    port: u16,
    observer: Option<Observer>,
}

impl Builder {
    /// The port of the Invoke API on 127.0.0.1; 0, the default, takes a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Is called after each invocation through the Invoke API, not of [`Lambda::invoke`]. It must not block.
    pub fn observer(mut self, observe: impl Fn(&Invoked<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Some(Observer::new(observe));
        self
    }

    /// Starts the Invoke API on the current Tokio runtime.
    ///
    /// # Errors
    /// The port is in use.
    pub async fn start(self) -> Result<Lambda, Error> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let cannot_listen = |error| Kind::CannotListen(address, error);
        let listener = TcpListener::bind(address).await.map_err(cannot_listen)?;
        let address = listener.local_addr().map_err(cannot_listen)?;
        let functions = Arc::new(Functions::new(self.observer));
        let server = Server::start(
            listener,
            functions.clone(),
            |_, _| std::future::ready(Peer::Any),
            invoke_api::handle,
        );
        Ok(Lambda { address, functions, _server: server })
    }
}

impl Lambda {
    /// Starts on a free port.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// The settings to start with.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The URL for `aws lambda invoke --endpoint-url`: `http://127.0.0.1:PORT`.
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Creates a function. Its first environment starts with its first event, or with
    /// [`warm`](Self::warm).
    ///
    /// # Errors
    /// A setting that Lambda would refuse, a name that is in use, or no executable `bootstrap`.
    pub async fn create_function(&self, function: Function) -> Result<(), Error> {
        self.functions.create(function)
    }

    /// Creates a function, or replaces the one of its name as an update of its code does: events from now
    /// on meet new environments. Those before run to their end.
    ///
    /// # Errors
    /// A setting that Lambda would refuse, or no executable `bootstrap`.
    pub async fn replace_function(&self, function: Function) -> Result<(), Error> {
        if let Some(replaced) = self.functions.replace(function)? {
            replaced.shut_down().await;
        }
        Ok(())
    }

    /// Starts an environment before its first event, and waits until it has initialised. The first
    /// invocation still reports the initialisation. If that fails, it is logged and runs again within
    /// the invocation.
    ///
    /// # Errors
    /// There is no such function.
    pub async fn warm(&self, function: &str) -> Result<(), Error> {
        self.functions.find(function, None)?.warm().await;
        Ok(())
    }

    /// Invokes a function and waits for its response. A failure of the function is not an error: see
    /// [`Invocation::function_error`].
    ///
    /// # Errors
    /// There is no such function, the payload is not JSON or too large, or every environment is busy.
    pub async fn invoke(
        &self,
        function: &str,
        payload: impl Into<Bytes>,
    ) -> Result<Invocation, Error> {
        let pool = self.functions.find(function, None)?;
        pool.invoke(Request::new(payload.into(), SYNCHRONOUS_LIMIT)?).await
    }

    /// Everything that a function, on stdout and stderr, and Lambda logged so far. Empty if there is no
    /// such function.
    pub fn logs(&self, function: &str) -> String {
        self.functions.find(function, None).map(|pool| pool.log_text()).unwrap_or_default()
    }

    /// Ends every process as Lambda does: one that registered an extension gets SIGTERM and half a second
    /// before SIGKILL. On Managed Instances it gets 0.6 s, may be busy, and its answers still reach
    /// their callers. From the start of this call no function can be invoked, but logs can be read.
    /// Dropping the value kills at once.
    pub async fn shut_down(&self) {
        for pool in self.functions.all() {
            pool.shut_down().await;
        }
        self.functions.close();
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        self.functions.close();
    }
}
