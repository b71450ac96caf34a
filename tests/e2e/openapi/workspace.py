"""Creates a workspace with the administrator's token, and prints a token of the workspace."""

import json
import os
import sys
import urllib.request


def post(path: str, body: dict[str, str]) -> dict[str, str]:
    """Returns the response to a request of the administrator."""
    headers = {"Authorization": f"Bearer {os.environ['ADMIN_TOKEN']}", "Content-Type": "application/json"}
    request = urllib.request.Request(sys.argv[1] + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as response:
        return json.load(response)


workspace = post("/v1/workspaces", {"name": "schemathesis", "plan": "business"})
print(post(f"/v1/workspaces/{workspace['id']}/tokens", {"name": "schemathesis"})["token"])
