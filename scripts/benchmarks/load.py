"""Connections that ask one route as fast as it answers: ``load URL PATH CONNECTIONS SECONDS``, bodies on stdin.

Written on plain sockets: a client library costs more than the route that is measured. Prints {"rate", "p99"}.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from itertools import count
from urllib.parse import urlsplit


def request(host: str, path: str, body: str | None) -> bytes:
    if body is None:
        return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    data = body.encode()
    lines = (f"POST {path} HTTP/1.1", f"Host: {host}", "Content-Type: application/json", f"Content-Length: {len(data)}")
    return "\r\n".join([*lines, "", ""]).encode() + data


async def ask(host: str, port: int, requests: list[bytes], start: int, end: float, times: list[float]) -> None:
    """Raises RuntimeError for an answer that is not 200: a benchmark of refusals would be a lie."""
    reader, writer = await asyncio.open_connection(host, port)
    for number in count(start):
        began = time.perf_counter()
        if began >= end:
            break
        writer.write(requests[number % len(requests)])
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.split(b"\r\n")[0].decode())
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        times.append(time.perf_counter() - began)
    writer.close()


async def main(url: str, path: str, connections: int, seconds: float, bodies: list[str]) -> dict[str, float]:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    requests = [request(host, path, body) for body in bodies] or [request(host, path, None)]
    times: list[float] = []
    began = time.perf_counter()
    asking = (ask(host, port, requests, 7 * n, began + seconds, times) for n in range(connections))
    await asyncio.gather(*asking)
    spent = time.perf_counter() - began
    return {"rate": len(times) / spent, "p99": sorted(times)[int(len(times) * 0.99)]}


if __name__ == "__main__":
    _, url, path, connections, seconds = sys.argv
    print(json.dumps(asyncio.run(main(url, path, int(connections), float(seconds), json.load(sys.stdin)))))
