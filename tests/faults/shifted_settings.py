"""The settings of a worker or beat whose clock is wrong by CLOCK_OFF_BY_H hours. Its monotonic clock runs on, as when
somebody sets a clock. (libfaketime 0.9.10 with such a clock makes Python's `time.sleep` fail.)
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import time_machine

from tests.exports.scripted_settings import *  # noqa: F403

_right = datetime.now(UTC)  # noqa: TID251 (what is to be wrong)
time_machine.travel(_right + timedelta(hours=float(os.environ["CLOCK_OFF_BY_H"])), tick=True).start()
