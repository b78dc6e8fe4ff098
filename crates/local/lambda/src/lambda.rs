//! Local Lambda as a value: it serves while it lives, and leaves nothing behind.

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
};

/// Functions, and the Invoke API to reach them.
///
/// Dropped, it kills and reaps every process it started, busy or frozen. Processes die as well
/// when the process that holds this value is killed itself.
#[derive(Debug)]
pub struct Lambda {
    address: SocketAddr,
    functions: Arc<Functions>,
    _server: Server,
}

/// How local Lambda is to start.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    port: u16,
}

impl Builder {
    /// The port of the Invoke API on 127.0.0.1; 0, the default, takes a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Starts the Invoke API on the current Tokio runtime.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn start(self) -> Result<Lambda, Error> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let unlistenable = |error| Kind::Unlistenable(address, error);
        let listener = TcpListener::bind(address).await.map_err(unlistenable)?;
        let address = listener.local_addr().map_err(unlistenable)?;
        let functions = Arc::new(Functions::default());
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
    /// Starts with a free port.
    ///
    /// # Errors
    /// No port can be listened on.
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// Starts with settings.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// What `aws lambda invoke --endpoint-url` takes: `http://127.0.0.1:PORT`.
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Creates a function. Its first environment starts with its first event, or with
    /// [`warm`](Self::warm).
    ///
    /// # Errors
    /// A setting that Lambda would refuse, a name that is taken, no executable `bootstrap`.
    pub async fn create_function(&self, function: Function) -> Result<(), Error> {
        self.functions.create(function)
    }

    /// Starts an environment ahead of its first event, and waits until it has initialised. That
    /// event's invocation still reports the initialisation. One that fails is logged, and run
    /// again inside the invocation.
    ///
    /// # Errors
    /// There is no such function.
    pub async fn warm(&self, function: &str) -> Result<(), Error> {
        self.functions.find(function, None)?.warm().await;
        Ok(())
    }

    /// Invokes a function and waits for its response. A function that fails is no error here: see
    /// [`Invocation::function_error`].
    ///
    /// # Errors
    /// What the Invoke API refuses: no such function, a payload that is not JSON or too large, or
    /// every environment busy.
    pub async fn invoke(
        &self,
        function: &str,
        payload: impl Into<Bytes>,
    ) -> Result<Invocation, Error> {
        let pool = self.functions.find(function, None)?;
        pool.invoke(Request::new(payload.into(), SYNCHRONOUS_LIMIT)?).await
    }

    /// Everything a function and Lambda logged for it so far, stdout and stderr alike. Empty for
    /// a function that does not exist.
    pub fn logs(&self, function: &str) -> String {
        self.functions.find(function, None).map(|pool| pool.log_text()).unwrap_or_default()
    }

    /// Ends every process as Lambda does: one that registered an extension gets SIGTERM, then half a
    /// second, and 0.6 s on Managed Instances, where it may be busy: what it answers meanwhile reaches
    /// its callers. No function can be invoked from the beginning on, but logs can be read. Dropping
    /// the value instead kills at once.
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
