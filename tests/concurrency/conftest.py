from __future__ import annotations

import pytest

from tests.exports.scene import Scene, _scripted_erp, books

__all__ = ["_scripted_erp", "books"]


@pytest.fixture
def scene(transactional_db: None, _scripted_erp: None, books: object) -> Scene:
    """The scene with real transactions, so that threads see each other's commits."""
    return Scene(books)
