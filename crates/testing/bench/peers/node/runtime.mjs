// A Lambda runtime, as small as it can be: `node runtime.mjs ./MODULE.mjs` answers events with the module's handler.
//
// AWS's own, the package aws-lambda-ric, has a client in C++ that its scripts compile with cmake when it is installed,
// and no script of a package runs here. Like that client, this one keeps its connection to the Runtime API.

import { Agent, request } from "node:http";

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");

function call(method, path, body = "") {
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  const options = { agent, hostname, port, method, path: `/2018-06-01/runtime/${path}`, headers };
  return new Promise((resolve, reject) => {
    const sent = request(options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => (text += chunk));
      response.on("end", () => resolve({ headers: response.headers, text }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

const failed = (path, { name, message }) =>
  call("POST", path, JSON.stringify({ errorType: name, errorMessage: message }));

async function load() {
  try {
    return await import(process.argv[2]);
  } catch (error) {
    await failed("init/error", error);
    process.exit(1);
  }
}

const { handler } = await load();
for (;;) {
  const { headers, text } = await call("GET", "invocation/next");
  const event = `invocation/${headers["lambda-runtime-aws-request-id"]}`;
  try {
    const response = JSON.stringify(await handler(JSON.parse(text)));
    await call("POST", `${event}/response`, response);
  } catch (error) {
    await failed(`${event}/error`, error);
  }
}
