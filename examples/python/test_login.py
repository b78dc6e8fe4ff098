"""Which logins RDS accepts, which it refuses, and why."""

from dataclasses import replace

import psycopg
import pymysql
import pytest

import app

REFUSED = (psycopg.OperationalError, pymysql.err.OperationalError)


def test_a_fresh_token_is_accepted(server):
    assert app.items(server.database) == ["first", "second", "third"]
    assert f'allowed "{server.database.user}"' in server.logins()[-1]


def test_an_expired_token_is_refused(later_server):
    with pytest.raises(REFUSED):
        app.connect(later_server.database)
    assert "for 900 seconds, and it is now" in later_server.logins()[-1]


def test_a_token_of_another_region_is_refused(server):
    with pytest.raises(REFUSED):
        app.connect(replace(server.database, region="us-east-1"))
    assert '"us-east-1", expected "eu-west-1"' in server.logins()[-1]


def test_a_token_of_another_user_is_refused(server, monkeypatch):
    others = app.token(replace(server.database, user="other"))
    monkeypatch.setattr(app, "token", lambda database: others)
    with pytest.raises(REFUSED):
        app.connect(server.database)
    assert '"other"' in server.logins()[-1]


def test_no_token_is_sent_to_a_server_of_another_ca(server, later_server, monkeypatch):
    before = server.logins()
    with pytest.raises(REFUSED, match="(?i)certificate verify failed"):
        app.connect(replace(server.database, ca_bundle=later_server.database.ca_bundle))
    assert server.logins() == before
