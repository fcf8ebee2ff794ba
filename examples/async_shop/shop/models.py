"""The tables before the split and after it. Both can be read and written while it lasts."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ForeignKey, Identity, Numeric, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Wide(DeclarativeBase):
    """The models of the code that runs today."""


class WideLine(Wide):
    """A line of an order. What belongs to the order is repeated in each of its lines."""

    __tablename__ = "order_line"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    order_no: Mapped[str]
    customer: Mapped[str]
    ordered_on: Mapped[date]
    product: Mapped[str]
    quantity: Mapped[int]
    price: Mapped[Decimal] = mapped_column(Numeric(10, 2))


class Split(DeclarativeBase):
    """The models of the code that comes next."""


class Order(Split):
    """An order, once."""

    __tablename__ = "purchase"
    __table_args__ = (
        UniqueConstraint("order_no", name="uq_purchase_key", postgresql_nulls_not_distinct=True),
    )

    uuid: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    order_no: Mapped[str]
    customer: Mapped[str]
    ordered_on: Mapped[date]
    lines: Mapped[list["Line"]] = relationship(back_populates="order")


class Line(Split):
    """A line of an order, with a link to it."""

    __tablename__ = "order_line"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    product: Mapped[str]
    quantity: Mapped[int]
    price: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    purchase_uuid: Mapped[UUID] = mapped_column(ForeignKey("purchase.uuid"), index=True)
    order: Mapped[Order] = relationship(back_populates="lines")
