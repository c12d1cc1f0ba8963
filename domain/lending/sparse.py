"""Records that are written without what is not there."""

from typing import Any

from pydantic import BaseModel, GetJsonSchemaHandler, SerializerFunctionWrapHandler, model_serializer
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


class Sparse(BaseModel):
    """A field without a value is left out, and read as its default again."""

    @model_serializer(mode="wrap")
    def _leaves_out_what_is_not_there(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in whole(self).items() if value is not None}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Described by its fields: what the serializer gives is no other thing than they are."""
        by_fields: Any = {name: each for name, each in core_schema.items() if name != "serialization"}
        return handler(by_fields)
