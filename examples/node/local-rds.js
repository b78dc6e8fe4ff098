// Real servers that accept IAM tokens: `local-rds` must be on the PATH, or LOCAL_RDS its path.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

/** Starts servers, which `stop` stops. A program dials and verifies `localhost`. */
export async function start(...args) {
  const program = process.env.LOCAL_RDS ?? "local-rds";
  const child = spawn(program, ["--json", "--endpoint", "localhost", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  // One line, when all are ready; none if one cannot be started, which it says why.
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, "exit");
  const ready = await Promise.race([once(lines, "line"), ended.then(() => undefined)]);
  if (!ready) throw new Error("local-rds has ended");
  const document = JSON.parse(ready[0]);
  return {
    stop: () => (child.kill(), ended),
    servers: Object.fromEntries(document.servers.map((it) => [it.engine, server(document, it)])),
  };
}

function server(document, described) {
  const { engine, host, port, region, user } = described;
  return {
    database: {
      ...{ engine, host, port, region, user },
      name: described.database,
      caBundle: described.ca_bundle,
    },
    /** Sets the credentials that the SDK finds. */
    useCredentials() {
      delete process.env.AWS_PROFILE;
      process.env.AWS_ACCESS_KEY_ID = document.access_key_id;
      process.env.AWS_SECRET_ACCESS_KEY = document.secret_access_key;
      process.env.AWS_SESSION_TOKEN = document.session_token;
    },
    /** A line for each login: when, who, and why it was refused, which no client is told. */
    logins: () => readFileSync(described.login_log, "utf8").trimEnd().split("\n"),
  };
}
