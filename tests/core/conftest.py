from __future__ import annotations

from tests.exports.scene import _scripted_erp as _scripted_erp
from tests.exports.scene import books as books
from tests.exports.scene import scene as scene
