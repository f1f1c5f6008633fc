"""An empty route on the service's own server: `python -m tests.bench.echo PORT`. It decodes a deposit, and answers 201."""

import sys

from litestar import Litestar, post
from litestar.params import JSONBody
from msgspec import Struct

from service.children import die_with_parent
from service.http.deposits import DepositBody
from service.processes import http_server


class Echo(Struct, frozen=True):
    theme: str


@post("/echo")
async def echo(data: JSONBody[DepositBody]) -> Echo:
    return Echo(data.theme)


def application() -> Litestar:
    die_with_parent()
    return Litestar([echo], openapi_config=None)


if __name__ == "__main__":
    http_server("tests.bench.echo:application", "127.0.0.1", int(sys.argv[1]), workers=1).serve()
