"""Real servers that accept IAM tokens: `local-rds` must be on the PATH, or LOCAL_RDS its path."""

import json
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from app import Database


@contextmanager
def local_rds(*arguments):
    """Starts servers, and stops them at the end. A program dials and verifies `localhost`."""
    command = [os.environ.get("LOCAL_RDS", "local-rds"), "--json", "--endpoint", "localhost"]
    with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            # One line, when all are ready; none if one cannot be started, which it says why.
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


class Server:
    """A server, and what the application must know of it."""

    def __init__(self, document, engine):
        described = {server["engine"]: server for server in document["servers"]}[engine]
        self.login_log = Path(described["login_log"])
        self.database = Database(
            engine=engine,
            host=described["host"],
            port=described["port"],
            region=described["region"],
            user=described["user"],
            name=described["database"],
            ca_bundle=described["ca_bundle"],
        )
        self.credentials = {
            "AWS_ACCESS_KEY_ID": document["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": document["secret_access_key"],
            "AWS_SESSION_TOKEN": document["session_token"],
        }

    def logins(self):
        """A line for each login: when, who, and why it was refused, which no client is told."""
        return self.login_log.read_text().splitlines()


@pytest.fixture(scope="session")
def documents():
    """One server of each engine, and one more whose clock is 1000 seconds ahead."""
    with local_rds("mysql", "postgres") as now, local_rds(
        "mysql", "postgres", "--clock-offset", "1000"
    ) as later:
        yield {"now": now, "later": later}


@pytest.fixture(params=["mysql", "postgres"])
def engine(request):
    return request.param


@pytest.fixture
def server(documents, engine, monkeypatch):
    return use(Server(documents["now"], engine), monkeypatch)


@pytest.fixture
def later_server(documents, engine, monkeypatch):
    return use(Server(documents["later"], engine), monkeypatch)


def use(server, monkeypatch):
    """Sets the credentials that boto3 finds."""
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for name, value in server.credentials.items():
        monkeypatch.setenv(name, value)
    return server
