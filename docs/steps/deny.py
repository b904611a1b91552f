#!/usr/bin/env python3
"""Lets an upload pass only if its id is on a list, and answers 403 itself if not.

The variable ALLOWED_IDS names the list: a file with one id on each line. The id
is the last part of the path before the action: …/{id}/microsoft.graph.upload.
"""

import json
import os
import sys
import urllib.parse

allowed = os.environ.get("ALLOWED_IDS")
if not allowed:
    sys.exit("set ALLOWED_IDS to the file that lists the ids")

with open(allowed, encoding="utf-8") as lines:
    ids = {line.strip() for line in lines} - {""}

request = json.loads(sys.stdin.buffer.readline())
parts = urllib.parse.urlsplit(request["url"]).path.split("/")
id = urllib.parse.unquote(parts[-2])

if id in ids:
    answer = {"next": {}}
else:
    error = {"code": "NotOnTheList", "message": f"The id {id} is not listed in {allowed}."}
    answer = {
        "response": {
            "status": 403,
            "headers": {"Content-Type": ["application/json"]},
            "body": json.dumps({"error": error}),
        }
    }
print(json.dumps(answer), flush=True)
