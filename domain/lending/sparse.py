"""Records that are written without what is not there."""

from typing import Any

from pydantic import BaseModel, SerializerFunctionWrapHandler, model_serializer


class Sparse(BaseModel):
    """A field without a value is left out, and read as its default again."""

    @model_serializer(mode="wrap")
    def _leaves_out_what_is_not_there(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in whole(self).items() if value is not None}
