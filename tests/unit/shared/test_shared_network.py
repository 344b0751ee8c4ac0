import asyncio
import contextlib
import os
import socket
from pathlib import Path

import httpx
import pytest

OUTSIDE = "192.0.2.1"  # RFC 5737: documentation only, never routed.


@pytest.mark.parametrize("method", ["connect", "connect_ex"])
@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, OUTSIDE), (socket.AF_INET6, "2001:db8::1")])
def test_sockets_reach_nothing_outside(method, family, host):
    with socket.socket(family, socket.SOCK_STREAM) as plug, pytest.raises(RuntimeError, match="loopback only"):
        getattr(plug, method)((host, 80))


def test_datagrams_reach_nothing_outside():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plug, pytest.raises(RuntimeError, match="loopback only"):
        plug.sendto(b"?", (OUTSIDE, 53))


@pytest.mark.parametrize("host", ["example.org", b"example.org", OUTSIDE])
def test_names_are_not_looked_up(host):
    with pytest.raises(RuntimeError, match="loopback only"):
        socket.getaddrinfo(host, 80)


async def test_httpx_and_asyncio_are_blocked_too():
    async with httpx.AsyncClient() as http:
        with pytest.raises(RuntimeError, match="loopback only"):
            await http.get("http://example.org/")
    with pytest.raises(RuntimeError, match="loopback only"):
        await asyncio.open_connection(OUTSIDE, 80)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_loopback_works(host):
    async def echo(reader, writer):
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(host, server.sockets[0].getsockname()[1])
        writer.write(b"hello\n")
        assert await reader.readline() == b"hello\n"
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def test_unix_sockets_work(tmp_path: Path):
    address = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as plug:
        server.bind(address)
        server.listen()
        plug.connect(address)
        assert plug.getpeername() == address


def test_the_hub_is_switched_off_for_processes_too():
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    assert os.environ["TRANSFORMERS_OFFLINE"] == "1"
