"""A prediction service that does one thing wrong, which the path of its address names.

Run as a program it prints its address. A fault that is called "late-..." comes after five good
answers at its address.
"""

import http.server
import json
import sys
from collections import Counter

WARM = 5
asked: Counter[str] = Counter()


def answer(fault: str, rows: list[list[float]]) -> tuple[int, bytes]:
    """Status and body."""
    asked[fault] += 1
    if fault.startswith("late-") and asked[fault] <= WARM:
        fault = ""
    fault = fault.removeprefix("late-")
    scores: list = [[max(row[0], 0.0) + row[1], max(row[1], 0.0)] for row in rows]
    if fault.isdecimal():
        return int(fault), b"no, \x1b[31mnever"
    if fault == "width":
        scores = [row[:1] for row in scores]
    if fault == "nan":
        scores[0][0] = float("nan")
    if fault == "text":
        scores[0] = ["a", "b"]
    if fault == "few":
        scores = scores[:-1]
    body = json.dumps({"predictions": scores}).encode()
    if fault == "truncated":
        body = body[: len(body) // 2]
    if fault == "html":
        body = b"<html><script>alert(1)</script></html>"
    if fault == "field":
        body = json.dumps({"outputs": scores}).encode()
    return 200, body


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        fault = self.path.strip("/")
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        status, body = answer(fault, json.loads(raw)["instances"])
        if fault == "cut":  # the connection ends before the body does
            self.send_response(200)
            self.send_header("Content-Length", str(len(body) + 10))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)
