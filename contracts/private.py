"""Identity values that do not print.

A name, a phone number or a place that reaches a log line, a trace or an error message has left the case.
``Private`` holds such a value behind a fixed ``repr``: formatting, logging, pickling and default JSON
refuse it; the edge and the vault, and nobody else, call :meth:`Private.reveal`.
"""

from __future__ import annotations

from typing import Any, Generic, NoReturn, TypeVar, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

T = TypeVar("T")

MASK = "▒▒▒"


class Private(Generic[T]):
    """A value that must be asked for by name.

    ``Private("…")`` compares by value, prints as ``▒▒▒`` and cannot be pickled. Inside a pydantic model it
    validates as ``T`` and is written out only by :func:`revealed`, which sets a serialisation context;
    any other dump yields the mask.
    """

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def reveal(self) -> T:
        """The value itself. Called by the edge and the vault only; import-linter and review hold it."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Private) and bool(self._value == other._value)

    def __hash__(self) -> int:
        return hash(("private", self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private value is not pickled")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        inner = handler.generate_schema((get_args(source) or (str,))[0])

        def write(value: Private[Any], info: core_schema.SerializationInfo) -> Any:
            if isinstance(info.context, dict) and info.context.get("reveal") is True:
                return value._value
            return MASK

        return core_schema.json_or_python_schema(
            json_schema=core_schema.no_info_after_validator_function(cls, inner),
            python_schema=core_schema.union_schema(
                [
                    core_schema.is_instance_schema(cls),
                    core_schema.no_info_after_validator_function(cls, inner),
                ]
            ),
            serialization=core_schema.plain_serializer_function_ser_schema(write, info_arg=True),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        written = handler(schema["json_schema"] if schema["type"] == "json-or-python" else schema)
        written["x-sampan-private"] = True
        return written


REVEAL: dict[str, bool] = {"reveal": True}
"""Serialisation context that writes private values out: ``model.model_dump(context=REVEAL)``."""
