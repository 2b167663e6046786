"""A prediction service for the tests: `python service.py secret.npz` prints its URL.

The path of a request says how it behaves: /plain, /busy, /broken, ...
"""

import itertools
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from relu_learn import ReluNetwork

SECRET = ReluNetwork.load(sys.argv[1])
COUNT = itertools.count()

ROWS = {
    "records": lambda body: [[row[name] for name in "abc"] for row in body["instances"]],
    "split": lambda body: body["dataframe_split"]["data"],
    "bare": lambda body: body,
    "nested": lambda body: body["data"]["rows"] if body["version"] == 2 else None,
}
REPLY = {
    "records": lambda y: {"result": [{"scores": row} for row in y]},
    "bare": lambda y: y,
    "zip": lambda y: {"predictions": [{"yes": row[0], "no": row[1]} for row in y]},
    "nan": lambda y: {"predictions": [[float("nan"), 0.0], *y[1:]]},
    "words": lambda y: {"predictions": [["much", "little"]] * len(y)},
    "missing": lambda y: {"outputs": y},
    "list": lambda y: y,
    "short": lambda y: {"predictions": y[1:]},
    "wider": lambda y: {"predictions": [row[: len(y)] for row in y]},
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        way = self.path.strip("/")
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if way == "busy" and next(COUNT) % 3:
            return self.say(503, b"one moment", {"Retry-After": "0"})
        if way == "locked" and self.headers["Authorization"] != "Bearer sesame":
            return self.say(401, b"who are you\nto ask?")
        if way in ("error", "nowhere", "away"):
            words = {"error": b"oh no", "nowhere": b"no such way", "away": b"gone"}[way]
            code = {"error": 500, "nowhere": 404, "away": 302}[way]
            return self.say(code, words, {"Location": "/plain"} if way == "away" else {})
        if way == "slow":
            time.sleep(1)
        rows = ROWS.get(way, lambda body: body["instances"])(body)
        reply = REPLY.get(way, lambda y: {"predictions": y})(SECRET(rows).tolist())
        raw = json.dumps(reply).encode()
        if way == "broken":
            raw = b'{"predictions": [[0.1'
        if way == "cut" and next(COUNT) % 2:  # the connection breaks in the middle
            self.send_response(200)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw[:20])
            self.close_connection = True
            return None
        return self.say(200, raw)

    def say(self, code, raw, headers=()):
        self.send_response(code)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
