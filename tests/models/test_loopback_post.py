"""The engine's HTTP: whole answers, broken ones, silence, and who stops reading stops the other side."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from gakju.errors import NetworkError
from gakju.models.loopback import post

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def served(handler: Handler, ask: Callable[[str], Awaitable[object]]) -> object:
    """`ask` of a server on this machine whose connections `handler` has, once the request is read."""

    async def run() -> object:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            heads.append(head)
            length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
            bodies.append(await reader.readexactly(length))
            await handler(reader, writer)
            writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        async with server:
            return await ask(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/x")

    heads: list[bytes] = []
    bodies: list[bytes] = []
    told = asyncio.run(run())
    assert all(h.startswith(b"POST /v1/x HTTP/1.1\r\n") and b"authorization: Bearer k" in h for h in heads), heads
    assert all(b == b"{}" for b in bodies)
    return told


async def read(url: str, silence: float = 60.0) -> tuple[int, list[bytes]]:
    async with post(url, {"authorization": "Bearer k"}, b"{}", silence=silence) as answer:
        return answer.status, [p async for p in answer.pieces()]


def test_pieces_come_as_they_are_sent() -> None:
    async def handler(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        for piece in (b"one", "둘".encode(), b"three"):
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
            await asyncio.sleep(0.05)
        writer.write(b"0\r\n\r\n")

    assert served(handler, read) == (200, [b"one", "둘".encode(), b"three"])


def test_an_error_has_its_status_and_its_body() -> None:
    async def handler(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nwait")

    async def ask(url: str) -> tuple[int, bytes]:
        async with post(url, {"authorization": "Bearer k"}, b"{}", silence=60) as answer:
            return answer.status, await answer.whole()

    assert served(handler, ask) == (503, b"wait")


@pytest.mark.parametrize(
    "said", [b"", HEAD, HEAD + b"5\r\nhel", b"SSH-2.0\r\n\r\n"], ids=["nothing", "head", "half", "not HTTP"]
)
def test_what_breaks_off_is_an_error(said: bytes) -> None:
    async def handler(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)

    with pytest.raises(NetworkError):
        served(handler, read)


def test_silence_and_a_closed_port_are_errors() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        await reader.read()

    with pytest.raises(NetworkError, match="TimeoutError"):
        served(handler, lambda url: read(url, 0.1))
    with pytest.raises(NetworkError, match="ConnectionRefusedError"):
        asyncio.run(read("http://127.0.0.1:9/v1/x"))


def test_who_stops_reading_hangs_up() -> None:
    left = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"3\r\none\r\n")
        with contextlib.suppress(ConnectionError):
            await reader.read()
        left.set()

    async def ask(url: str) -> bytes:
        async with post(url, {"authorization": "Bearer k"}, b"{}", silence=60) as answer:
            piece = await anext(answer.pieces())
        await asyncio.wait_for(left.wait(), 60)
        return piece

    assert served(handler, ask) == b"one"


def test_who_leaves_before_all_is_sent_sends_no_more() -> None:
    content = b" " * (64 << 20)

    async def run() -> int:
        read: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.3)  # busy with another request
            size = 0
            with contextlib.suppress(ConnectionError):
                while piece := await reader.read(1 << 20):
                    size += len(piece)
            writer.close()
            read.set_result(size)

        async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/x"
            with pytest.raises(NetworkError):
                async with post(url, {}, content, silence=0.1):
                    pass
            return await asyncio.wait_for(read, 60)

    assert asyncio.run(run()) < len(content)
