// Which logins RDS accepts, which it refuses, and why.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { items, tokens } from "./app.js";
import { start } from "./local-rds.js";

for (const engine of ["mysql", "postgres"]) {
  describe(engine, () => {
    let now, later, server;
    before(async () => {
      // One server, and one whose clock is 1000 seconds ahead.
      [now, later] = await Promise.all([
        start(engine),
        start(engine, "--clock-offset", "1000"),
      ]);
      server = now.servers[engine];
    });
    after(() => Promise.all([now?.stop(), later?.stop()]));

    test("a fresh token is accepted", async () => {
      server.useCredentials();
      assert.deepEqual(await items(server.database), ["first", "second", "third"]);
      assert.match(server.logins().at(-1), new RegExp(`allowed "${server.database.user}"`));
    });

    test("an expired token is refused", async () => {
      const server = later.servers[engine];
      server.useCredentials();
      await assert.rejects(items(server.database), /denied|authentication failed/);
      assert.match(server.logins().at(-1), /for 900 seconds, and it is now/);
    });

    test("a token of another region is refused", async () => {
      server.useCredentials();
      const elsewhere = { ...server.database, region: "us-east-1" };
      await assert.rejects(items(elsewhere), /denied|authentication failed/);
      assert.match(server.logins().at(-1), /"us-east-1", expected "eu-west-1"/);
    });

    test("a token of another user is refused", async () => {
      server.useCredentials();
      const others = tokens({ ...server.database, user: "other" });
      await assert.rejects(items(server.database, others), /denied|authentication failed/);
      assert.match(server.logins().at(-1), /"other"/);
    });

    test("no token is sent to a server of another CA", async () => {
      server.useCredentials();
      const before = server.logins();
      const { caBundle } = later.servers[engine].database;
      const elsewhere = { ...server.database, caBundle };
      await assert.rejects(items(elsewhere), /certificate/);
      assert.deepEqual(server.logins(), before);
    });
  });
}
