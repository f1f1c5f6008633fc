"""A request whose body is decoded strictly, straight into the shape that its route takes; what is wrong with it is said by field."""

import re
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import Empty

JSON: Final = "application/json"
_PLACE: Final = re.compile(r"^(?P<said>.*?)(?: - at `\$\.?(?P<path>.*)`)?$", re.DOTALL)
_MEMBER: Final = re.compile(r"^Object (?:missing required|contains unknown) field `(?P<name>.*)`$", re.DOTALL)


class UnsupportedMediaType(HTTPException):
    status_code = 415


class StrictRequest(Request[Any, Any, Any]):
    """Decodes a body once: no `"1"` for 1, and the path of the first part that is wrong."""

    async def body(self) -> bytes:
        """The body, whole; only routes that take one ask for it. Raises ValidationException for an empty one."""
        body = await super().body()
        if not body:
            raise ValidationException("a body is missing", extra=[{"key": "body", "message": "missing"}])
        return body

    async def json(self) -> Any:
        """The body in the type that the route handler's `data` is annotated with. Raises UnsupportedMediaType, ValidationException."""
        if self._json is not Empty:
            return self._json
        body = await self.body()
        if self.content_type[0] != JSON:
            raise UnsupportedMediaType(detail=f"expected {JSON}")
        data = self.route_handler.parsed_data_field
        try:
            self._json = msgspec.json.decode(body, type=data.annotation if data else Any)
        except msgspec.ValidationError as error:
            raise ValidationException("the body is not what the route takes", extra=[_located(str(error))]) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            told = {"key": "body", "message": f"not JSON: {error}" if isinstance(error, msgspec.DecodeError) else "not JSON"}
            raise ValidationException("the body is not JSON", extra=[told]) from error
        return self._json


def _located(message: str) -> dict[str, str]:
    """What msgspec says, with the member that it says it of: `themes[0].title`."""
    place = _PLACE.match(message)
    said, path = (place["said"], place["path"] or "") if place else (message, "")
    if member := _MEMBER.match(said):
        path = f"{path}.{member['name']}".removeprefix(".")
    return {"key": path or "body", "message": said}
