"""Requests as bytes on a socket: what a well-behaved HTTP client would mend before it leaves."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class RawAnswer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


async def send(api: str, head: str | bytes, body: bytes = b"", *, patience: float = 20.0) -> RawAnswer:
    """Send exactly these bytes and read one answer. `head`: request line and headers, without the empty line."""
    where = urlsplit(api)
    raw = head.encode("latin-1") if isinstance(head, str) else head
    lines = raw.rstrip(b"\r\n").replace(b"\n", b"\r\n")
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        writer.write(lines + b"\r\nhost: edge\r\nconnection: close\r\n\r\n" + body)
        await writer.drain()
        async with asyncio.timeout(patience):
            return _parsed(await _until_closed(reader))
    finally:
        writer.close()


async def _until_closed(reader: asyncio.StreamReader) -> bytes:
    answer = b""
    try:
        while piece := await reader.read(65536):
            answer += piece
    except ConnectionResetError:
        pass  # the server refused the rest of what was sent; its answer came first
    return answer


def _parsed(answer: bytes) -> RawAnswer:
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return RawAnswer(int(lines[0].split()[1]), headers, body)
