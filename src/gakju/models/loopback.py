"""One POST to a server of ours on this machine, its answer read as it comes.

A token passes here on its way to a client while the engine already computes the next one on the same cores, so every
wake-up counts: httpx on anyio has more of them. h11 speaks the protocol.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import h11

from gakju.errors import NetworkError

PIECE = 1 << 16


class Answer:
    """`status`, and a body to be read once."""

    def __init__(self, connection: h11.Connection, reader: asyncio.StreamReader, silence: float) -> None:
        self.status = 0
        self._connection, self._reader, self._silence = connection, reader, silence

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        while not isinstance(event := await self.event(), h11.EndOfMessage):
            if isinstance(event, h11.Data):
                yield bytes(event.data)

    async def whole(self) -> bytes:
        return b"".join([piece async for piece in self.pieces()])

    async def event(self) -> h11.Event:
        while (event := self._connection.next_event()) is h11.NEED_DATA:
            async with asyncio.timeout(self._silence):
                self._connection.receive_data(await self._reader.read(PIECE))
        assert isinstance(event, h11.Event)
        return event


@asynccontextmanager
async def post(url: str, headers: Mapping[str, str], content: bytes, *, silence: float) -> AsyncIterator[Answer]:
    """`url` begins with `http://` and an address in digits. `silence`: longest time in seconds without a byte.

    The connection is closed however this ends, which is how the other side learns to stop. Raises NetworkError
    where the server cannot be reached, falls silent or breaks off, also out of the block that reads.
    """
    to = urlsplit(url)
    connection = h11.Connection(h11.CLIENT)
    fields = {"host": to.netloc, "content-length": str(len(content)), **headers}
    request = h11.Request(method="POST", target=to.path, headers=list(fields.items()))
    try:
        async with asyncio.timeout(silence):
            reader, writer = await asyncio.open_connection(to.hostname, to.port)
        try:
            head, body, end = (connection.send(e) for e in (request, h11.Data(data=content), h11.EndOfMessage()))
            writer.write(b"".join(filter(None, (head, body, end))))
            answer = Answer(connection, reader, silence)
            while not isinstance(event := await answer.event(), h11.Response):
                if isinstance(event, h11.ConnectionClosed):
                    raise NetworkError("The connection ended before an answer.")
            answer.status = event.status_code
            yield answer
        finally:
            writer.transport.abort()  # what is not sent yet would else be, and worked on
    except (OSError, TimeoutError, h11.RemoteProtocolError) as error:
        raise NetworkError(f"No answer from {to.netloc}: {type(error).__name__}.") from error
