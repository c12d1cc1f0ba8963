"""Stores and warehouses, the items they sell, and what channels may do."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.metadata import Document, Name, Table


class PlaceRow(Table):
    __tablename__ = "places"

    location_id: Mapped[Name] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    place: Mapped[Document]


class ItemRow(Table):
    __tablename__ = "items"

    sku: Mapped[Name] = mapped_column(primary_key=True)
    item: Mapped[Document]


class ChannelRow(Table):
    __tablename__ = "channels"

    channel: Mapped[Name] = mapped_column(primary_key=True)
    rules: Mapped[Document]
