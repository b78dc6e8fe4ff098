"""The settings, which are those of the functions, and a token."""

import os
from pathlib import Path

import boto3

HOST = os.environ["DB_HOST"]
USER = os.environ["DB_USER"]
DATABASE = os.environ["DB_NAME"]
CA_BUNDLE = os.environ["DB_CA_BUNDLE"]

# What to dial: the name that the certificate has is another.
DIALLED_HOST, DIALLED_PORT = os.environ["DB_CONNECT_TO"].split(":")

# By name.
STATEMENTS = {path.stem: path.read_text() for path in Path(os.environ["STATEMENTS_DIR"]).iterdir()}


def token():
    rds = boto3.client("rds", region_name=os.environ["AWS_REGION"])
    return rds.generate_db_auth_token(
        DBHostname=HOST, Port=int(os.environ["DB_PORT"]), DBUsername=USER
    )
