"""The examples of docs/order_books.md come to what they say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from bot4.domain.orders import BUY
from bot4.simulator.book.price_time import MatchStatus

PAGE = Path(__file__).resolve().parents[2] / "docs" / "order_books.md"


def test_the_examples_run_and_come_to_what_their_comments_say() -> None:
    found: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 3
    exec(blocks[0], found)
    assert found["book"].best() == (100, 101)
    assert found["book"].lots_at(-BUY, 101) == 4
    exec(blocks[1], found)
    assert found["done"].status is MatchStatus.FILLED_WHOLE
    assert found["done"].fills.tolist() == [[1, 7, 101, 5, 0, 0], [2, 0, 101, 3, 6, 0], [2, 0, 101, 2, 4, 0]]
    exec(blocks[2], found)
    assert (found["result"].fills["lots"].tolist(), found["result"].position_lots) == ([4, 6], 10)
