"""The base of every table: naming rules for constraints and the column types that all tables share."""

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import BigInteger, DateTime, MetaData, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

Instant = Annotated[datetime, mapped_column(DateTime(timezone=True))]
"""An aware UTC instant of business time; never a default of the database's clock."""
Amount = Annotated[int, mapped_column(BigInteger)]
"""Minor units."""
Name = Annotated[str, mapped_column(String(255))]
Document = Annotated[dict[str, Any], mapped_column(JSONB)]


class Table(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
