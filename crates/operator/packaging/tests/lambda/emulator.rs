//! AWS's Lambda runtime interface emulator, the program of the Lambda base images, around a zip:
//! <https://github.com/aws/aws-lambda-runtime-interface-emulator>.

use function_harness::namespace::{self, UNSHARE};
use local_rds::Server;
use serde_json::Value;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use zip::ZipArchive;

/// The longest wait, on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// Mounts the function and the layer where Lambda has them, and executes the emulator. Not every machine has
/// `/var/task`, so `/var` is covered by a mount in this process's namespace.
const SCRIPT: &str = r#"
mount -t tmpfs tmpfs /var
mkdir /var/task
mount --bind "$TASK_ROOT" /var/task
mount --bind "$OPT" /opt
cd /var/task
exec env -u TASK_ROOT -u OPT "$@" /var/task/bootstrap bootstrap
"#;

/// The environment variables of a function that finds the layer, and logs in to `server` with its access key.
pub(crate) fn settings(server: &Server) -> Vec<(&'static str, String)> {
    let key = server.access_key();
    let mut settings = local_stack::settings(server).to_vec();
    // The layer is found without a setting.
    settings.retain(|(name, _)| *name != "DB_CA_BUNDLE");
    settings.extend([
        ("AWS_REGION", server.region().to_owned()),
        ("AWS_ACCESS_KEY_ID", key.id),
        ("AWS_SECRET_ACCESS_KEY", key.secret),
        ("AWS_SESSION_TOKEN", key.session_token.unwrap_or_default()),
    ]);
    settings
}

/// A function in the emulator. Both end when the value is dropped.
pub(crate) struct Emulator {
    process: Child,
    address: SocketAddr,
    log: PathBuf,
}

impl Emulator {
    /// Unpacks `zip` into `folder`, and starts its bootstrap with the folder `opt` at `/opt` and only the
    /// environment variables `settings`.
    pub(crate) fn start(
        zip: &Path,
        opt: &Path,
        settings: &[(&str, String)],
        folder: &Path,
    ) -> Emulator {
        namespace::require(opt);
        // The bootstrap of an earlier emulator may still run.
        let task_root = tempfile::tempdir_in(folder).unwrap().keep();
        ZipArchive::new(File::open(zip).unwrap()).unwrap().extract(&task_root).unwrap();
        let log = folder.join("emulator.log");
        // A free port may be taken by another program in the meantime: then try others.
        for _ in 0..5 {
            let [address, runtime_api] = [free(), free()];
            let mut process = command(&task_root, opt, &[address, runtime_api])
                .envs(settings.iter().map(|(name, value)| (name, value)))
                .stdout(File::create(&log).unwrap())
                .stderr(File::options().append(true).open(&log).unwrap())
                .spawn()
                .expect("setpriv (of util-linux) is installed");
            if listens(&mut process, address) {
                return Emulator { process, address, log };
            }
        }
        panic!("the emulator does not start: {}", fs::read_to_string(&log).unwrap());
    }

    /// Sends an event. Returns the response, or the error's object.
    pub(crate) fn invoke(&self, event: &str) -> Value {
        let url = format!("http://{}/2015-03-31/functions/function/invocations", self.address);
        let agent = ureq::Agent::config_builder().timeout_global(Some(LONG)).build().new_agent();
        let answer = agent.post(url).send(event);
        let mut answer = answer.unwrap_or_else(|error| panic!("{error}: {}", self.log()));
        let text = answer.body_mut().read_to_string().unwrap();
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text:?}: {}", self.log()))
    }

    /// The output of the function and the emulator.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // The first process of a PID namespace: all others end with it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The emulator in its own namespaces, which ends with the thread that starts it.
fn command(task_root: &Path, opt: &Path, [address, runtime_api]: &[SocketAddr; 2]) -> Command {
    let tools = pinned_tools::sam(&mut crate::machine::say).unwrap();
    let mut command = Command::new("setpriv");
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        // Lambda and its base images set this, and the emulator does not.
        .env("LAMBDA_TASK_ROOT", "/var/task")
        .env("LAMBDA_RUNTIME_DIR", "/var/runtime")
        .env("TZ", ":/etc/localtime")
        .env("LANG", "en_US.UTF-8")
        .env("TASK_ROOT", task_root)
        .env("OPT", opt)
        .args(["--pdeathsig", "KILL"])
        .args(UNSHARE)
        .args(["--pid", "--fork", "--kill-child", "/bin/sh", "-ec", SCRIPT, "sh"])
        .arg(tools.runtime_interface_emulator)
        .args(["--runtime-interface-emulator-address", &address.to_string()])
        .args(["--runtime-api-address", &runtime_api.to_string()])
        .stdin(Stdio::null());
    command
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Waits until the process accepts connections. False if it has ended.
fn listens(process: &mut Child, address: SocketAddr) -> bool {
    let deadline = Instant::now() + LONG;
    while TcpStream::connect(address).is_err() {
        if process.try_wait().unwrap().is_some() {
            return false;
        }
        assert!(Instant::now() < deadline, "the emulator does not listen");
        sleep(Duration::from_millis(20));
    }
    true
}
