"""The web application: ``uvicorn shop.main:app``. SHOP_CODE says which code is deployed."""

import os
from datetime import date
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from shop import orders
from shop.database import session

app = FastAPI(title="shop")
AFTER = os.environ.get("SHOP_CODE") == "after"
add_line = orders.add_line_after if AFTER else orders.add_line_before
products = orders.products_after if AFTER else orders.products_before

Session = Annotated[AsyncSession, Depends(session)]


@app.post("/orders/{order_no}/lines", status_code=201)
async def add(order_no: str, customer: str, product: str, open_session: Session) -> None:
    await add_line(open_session, order_no, customer, date(2026, 1, 1), product)


@app.get("/orders/{order_no}/products")
async def read(order_no: str, open_session: Session) -> list[str]:
    return list(await products(open_session, order_no))
