"""The engine, and one session for each request."""

import os
from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

URL = os.environ.get("SHOP_URL", "postgresql+asyncpg://localhost/shop")
engine = create_async_engine(URL)
sessions = async_sessionmaker(engine, expire_on_commit=False)


async def session() -> AsyncIterator[AsyncSession]:
    async with sessions() as open_session, open_session.begin():
        yield open_session
