//! A function: its code, its settings, and its environment variables.

use std::{
    collections::BTreeMap, fmt, net::SocketAddr, os::unix::fs::PermissionsExt, path::PathBuf,
    time::Duration,
};

use crate::error::{Error, Kind};

/// The account of local functions: the one in AWS's documentation.
const ACCOUNT: &str = "123456789012";

/// A function to create, with Lambda's settings and their defaults.
///
/// ```
/// use std::time::Duration;
/// use local_lambda::Function;
///
/// let function = Function::new("mysql-function", "target/lambda/mysql-function")
///     .env("DB_USER", "lambda-user")
///     .memory_mb(128)
///     .timeout(Duration::from_secs(10))
///     .region("eu-west-1");
/// ```
#[derive(Clone)]
pub struct Function {
    pub(crate) name: String,
    pub(crate) task_root: PathBuf,
    pub(crate) handler: String,
    variables: BTreeMap<String, String>,
    region: String,
    credentials: Option<Credentials>,
    pub(crate) memory_mb: u32,
    pub(crate) timeout: Duration,
    pub(crate) init_timeout: Duration,
    pub(crate) concurrency: usize,
    pub(crate) freeze: bool,
    pub(crate) max_concurrency: usize,
    pub(crate) silent_extensions: bool,
    pub(crate) active_tracing: bool,
}

#[derive(Clone)]
struct Credentials {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
}

/// The log format: of Lambda's own lines, and the one that functions are asked to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// `START RequestId: …`
    Text,
    /// `{"time":…,"type":"platform.start",…}`
    Json,
}

impl Function {
    /// A function whose code is the folder `task_root` with an executable `bootstrap`.
    pub fn new(name: impl Into<String>, task_root: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            task_root: task_root.into(),
            handler: "bootstrap".to_owned(),
            variables: BTreeMap::new(),
            region: "us-east-1".to_owned(),
            credentials: None,
            memory_mb: 128,
            timeout: Duration::from_secs(3),
            init_timeout: Duration::from_secs(10),
            concurrency: 10,
            freeze: true,
            max_concurrency: 1,
            silent_extensions: false,
            active_tracing: false,
        }
    }

    /// Sets an environment variable. Names that Lambda reserves are refused by
    /// [`create_function`](crate::Lambda::create_function).
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Memory in MiB, 128 to 10,240. A process that grows beyond it is killed.
    pub fn memory_mb(mut self, memory_mb: u32) -> Self {
        self.memory_mb = memory_mb;
        self
    }

    /// How long one invocation may take, up to 15 minutes. Lambda takes whole seconds only; here it can
    /// be shorter.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long an initialisation may take before it runs again within the first invocation: always 10
    /// seconds on Lambda.
    pub fn init_timeout(mut self, init_timeout: Duration) -> Self {
        self.init_timeout = init_timeout;
        self
    }

    /// The value of `_HANDLER`.
    pub fn handler(mut self, handler: impl Into<String>) -> Self {
        self.handler = handler.into();
        self
    }

    /// The credentials of the execution role. None by default.
    pub fn credentials(
        mut self,
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<String>,
        session_token: impl Into<String>,
    ) -> Self {
        self.credentials = Some(Credentials {
            access_key_id: access_key_id.into(),
            secret_access_key: secret_access_key.into(),
            session_token: session_token.into(),
        });
        self
    }

    /// The function's region.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// How many environments may serve events at once; further events are throttled.
    pub fn concurrency(mut self, environments: usize) -> Self {
        self.concurrency = environments;
        self
    }

    /// Whether an environment is stopped between invocations, as Lambda freezes it.
    pub fn freeze(mut self, freeze: bool) -> Self {
        self.freeze = freeze;
        self
    }

    /// Runs on Lambda Managed Instances, in one environment that serves up to `events` at once and is
    /// never frozen.
    pub fn max_concurrency(mut self, events: usize) -> Self {
        self.max_concurrency = events.max(1);
        self.concurrency = self.max_concurrency;
        self.freeze = false;
        self
    }

    /// Does not answer registrations of extensions, as a platform in trouble would not.
    pub fn silent_extensions(mut self) -> Self {
        self.silent_extensions = true;
        self
    }

    /// Traces are active: the tracing header of every event says that it is sampled.
    pub fn active_tracing(mut self) -> Self {
        self.active_tracing = true;
        self
    }

    /// The log format, in `AWS_LAMBDA_LOG_FORMAT`. By default text, without the variable.
    pub fn log_format(self, format: LogFormat) -> Self {
        self.env("AWS_LAMBDA_LOG_FORMAT", if format == LogFormat::Json { "JSON" } else { "Text" })
    }

    /// The application log level, in `AWS_LAMBDA_LOG_LEVEL`: `TRACE` to `FATAL`.
    pub fn log_level(self, level: impl Into<String>) -> Self {
        self.env("AWS_LAMBDA_LOG_LEVEL", level)
    }

    pub(crate) fn bootstrap(&self) -> PathBuf {
        self.task_root.join("bootstrap")
    }

    pub(crate) fn arn(&self) -> String {
        let partition = match self.region.split('-').next() {
            Some("cn") => "aws-cn",
            Some("us") if self.region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        format!("arn:{partition}:lambda:{}:{ACCOUNT}:function:{}", self.region, self.name)
    }

    /// The format that the function's variables ask for.
    pub(crate) fn chosen_log_format(&self) -> LogFormat {
        match self.variables.get("AWS_LAMBDA_LOG_FORMAT") {
            Some(format) if format.eq_ignore_ascii_case("json") => LogFormat::Json,
            _ => LogFormat::Text,
        }
    }

    /// Checks the settings as `CreateFunction` does, and that there is code to run. The path of the code
    /// becomes absolute, because it is the process's working directory.
    pub(crate) fn validated(mut self) -> Result<Self, Error> {
        let is_name_character = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(is_name_character)
        {
            return Err(invalid(format!(
                "function name {:?}: use up to 64 letters, digits, hyphens and underscores",
                self.name
            )));
        }
        if self.region.is_empty() || !self.region.chars().all(is_name_character) {
            return Err(invalid(format!(
                "invalid region {:?}; use one such as eu-west-1",
                self.region
            )));
        }
        if !(128..=10_240).contains(&self.memory_mb) {
            return Err(invalid(format!("memory of {} MB: use 128 to 10240", self.memory_mb)));
        }
        if self.timeout.is_zero() || self.timeout > Duration::from_secs(900) {
            return Err(invalid(format!("timeout of {:?}: use up to 900 s", self.timeout)));
        }
        self.check_variables()?;
        self.task_root = std::path::absolute(&self.task_root)
            .map_err(|_| Kind::NoBootstrap(self.bootstrap()))?;
        let is_executable = self
            .bootstrap()
            .metadata()
            .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
        if !is_executable {
            return Err(Kind::NoBootstrap(self.bootstrap()).into());
        }
        Ok(self)
    }

    fn check_variables(&self) -> Result<(), Error> {
        let names = self.variables.keys().map(String::as_str);
        let reserved: Vec<&str> = names.clone().filter(|name| RESERVED.contains(name)).collect();
        if !reserved.is_empty() {
            return Err(invalid(format!(
                "Lambda was unable to configure your environment variables because the environment \
                 variables you have provided contains reserved keys that are currently not \
                 supported for modification. Reserved keys used in this request: {}",
                reserved.join(", ")
            )));
        }
        // As API_Environment requires.
        let is_valid = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        match names.clone().find(|name| !is_valid(name)) {
            Some(name) => Err(invalid(format!(
                "environment variable {name:?}: use a letter, then letters, digits and underscores"
            ))),
            None => Ok(()),
        }
    }

    /// All environment variables of the function's process.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
    pub(crate) fn environment(
        &self,
        runtime_api: SocketAddr,
        log_stream: &str,
    ) -> BTreeMap<String, String> {
        let root = self.task_root.display();
        let mut variables = BTreeMap::new();
        let mut set = |name: &str, value: String| {
            variables.insert(name.to_owned(), value);
        };
        // A function may override these.
        set("LANG", "en_US.UTF-8".to_owned());
        set("TZ", ":UTC".to_owned());
        set("PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin".to_owned());
        set(
            "LD_LIBRARY_PATH",
            format!("/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:{root}:{root}/lib:/opt/lib"),
        );
        for (name, value) in &self.variables {
            set(name, value.clone());
        }
        // It may not override these.
        set("AWS_LAMBDA_FUNCTION_NAME", self.name.clone());
        set("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned());
        set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", self.memory_mb.to_string());
        if self.max_concurrency > 1 {
            set("AWS_LAMBDA_INITIALIZATION_TYPE", "lambda-managed-instances".to_owned());
            set("AWS_LAMBDA_MAX_CONCURRENCY", self.max_concurrency.to_string());
        } else {
            set("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned());
        }
        set("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", self.name));
        set("AWS_LAMBDA_LOG_STREAM_NAME", log_stream.to_owned());
        set("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string());
        set("AWS_REGION", self.region.clone());
        set("AWS_DEFAULT_REGION", self.region.clone());
        set("LAMBDA_TASK_ROOT", root.to_string());
        set("LAMBDA_RUNTIME_DIR", "/var/runtime".to_owned());
        set("_HANDLER", self.handler.clone());
        if let Some(credentials) = &self.credentials {
            set("AWS_ACCESS_KEY_ID", credentials.access_key_id.clone());
            set("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key.clone());
            set("AWS_SESSION_TOKEN", credentials.session_token.clone());
        }
        variables
    }
}

/// Shows only the names of variables: values may be secrets.
impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function")
            .field("name", &self.name)
            .field("task_root", &self.task_root)
            .field("variables", &self.variables.keys().collect::<Vec<_>>())
            .field("region", &self.region)
            .field("has_credentials", &self.credentials.is_some())
            .field("memory_mb", &self.memory_mb)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The variables that a function's configuration may not set.
const RESERVED: [&str; 19] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

fn invalid(reason: String) -> Error {
    Kind::InvalidParameter(reason).into()
}
