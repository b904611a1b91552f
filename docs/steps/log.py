#!/usr/bin/env python3
"""Appends a line to a file for each upload: time, method, URL, status.

The file is upload.log, or what the variable UPLOAD_LOG names. Bodies are left
out, since they hold passwords and keys.
"""

import datetime
import json
import os
import sys


def read():
    """The next line of stdin as JSON, or None at its end.

    json.load would wait for the end of stdin, which comes after the answer.
    """
    line = sys.stdin.buffer.readline()
    return json.loads(line) if line else None


# Opened before anything is sent: an upload that cannot be logged does not happen.
with open(os.environ.get("UPLOAD_LOG", "upload.log"), "a", encoding="utf-8") as log:
    request = read()
    print('{"next":{}}', flush=True)  # go on, nothing is changed
    response = read()  # None: there was no answer
    status = response["status"] if response else "no answer"
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    print(now, request["method"], request["url"], status, file=log)
