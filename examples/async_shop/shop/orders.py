"""What the shop does with orders: the code before the split, and the code after it."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shop.models import Line, Order, WideLine


async def add_line_before(
    session: AsyncSession, order_no: str, customer: str, ordered_on: date, product: str
) -> None:
    """Deployed until link_children has run: the order's values go into each line."""
    session.add(
        WideLine(
            order_no=order_no,
            customer=customer,
            ordered_on=ordered_on,
            product=product,
            quantity=1,
            price=10,
        )
    )


async def add_line_after(
    session: AsyncSession, order_no: str, customer: str, ordered_on: date, product: str
) -> None:
    """Deployed from link_children on: the order is found or made, the line has its link."""
    order = (
        insert(Order)
        .values(order_no=order_no, customer=customer, ordered_on=ordered_on)
        .on_conflict_do_update(index_elements=["order_no"], set_={"customer": customer})
        .returning(Order.uuid)
    )
    uuid = (await session.execute(order)).scalar_one()
    session.add(Line(product=product, quantity=1, price=10, purchase_uuid=uuid))


async def products_before(session: AsyncSession, order_no: str) -> Sequence[str]:
    found = await session.scalars(
        select(WideLine.product).where(WideLine.order_no == order_no).order_by(WideLine.id)
    )
    return found.all()


async def products_after(session: AsyncSession, order_no: str) -> Sequence[str]:
    found = await session.scalars(
        select(Line.product).join(Line.order).where(Order.order_no == order_no).order_by(Line.id)
    )
    return found.all()
