"""The base of every message on a topic: strict, frozen, UTF-8 JSON, unknown fields ignored."""

from typing import Annotated, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.errors import ContractError

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
MAX_INT = 2**63 - 1

Name = Annotated[str, Field(pattern=NAME_PATTERN)]
"""A site, unit, device or signal: a letter or digit, then up to 63 letters, digits, `_`, `.` or `-`."""

Count = Annotated[int, Field(ge=0, le=MAX_INT)]
"""A number that counts up from 0 and fits a signed 64-bit integer."""

TimeUs = Annotated[int, Field(ge=0, le=MAX_INT)]
"""Microseconds since 1970-01-01T00:00:00Z."""

Finite = Annotated[float, Field(allow_inf_nan=False)]
"""A float that is a number."""


class WireModel(BaseModel):
    """One message, or a part of one."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="ignore",
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )

    def encode(self) -> bytes:
        """UTF-8 JSON, optional fields that are not set left out."""
        return orjson.dumps(self.model_dump(exclude_none=True))

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """The message in `body`.

        Raises:
            ContractError: the body is not such a message; says which field is wrong and why.
        """
        try:
            message = cls.model_validate_json(body)
        except ValidationError as wrong:
            first = wrong.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "the body"
            raise cls._refused(f"{where}: {first['msg']}", complaints(wrong)) from wrong
        if "schema_" in cls.model_fields and "schema_" not in message.model_fields_set:
            raise cls._refused("schema: Field required")
        return message

    @classmethod
    def _refused(cls, cause: str, detail: str = "") -> ContractError:
        return ContractError(
            f"This is not a {cls.__name__}: {cause}. Send what docs/reference describes for this topic.",
            detail=detail,
        )


def complaints(error: ValidationError) -> str:
    """What pydantic found, field by field, in one line and without its addresses of the web."""
    found = error.errors(include_url=False, include_input=False)
    parts = ((".".join(map(str, one["loc"])), one["msg"].removeprefix("Value error, ")) for one in found)
    return "; ".join(f"{where}: {said}" if where else said for where, said in parts)
