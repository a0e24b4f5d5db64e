#!/usr/bin/env bash
# celery 5.7.0 (kombu 5.7.0, Python 3.11): whose time limit holds for a task that is sent by its name?
#
# `send_task("name")` is meant for callers that need not have the task's code. `task_soft_time_limit` and
# `task_time_limit` are documented as settings of the worker that runs the task.
#
# Guess:     the message carries no limits unless the caller names some, so the worker's settings hold.
# Behaviour: that is so until the sender has its own tasks registered (its app is finalized). From then on each message
#            carries the *sender's* limits, and a worker prefers those of the message to its own. So the same call in
#            the same process sends other messages before and after something loaded the tasks. Naming both limits as
#            None keeps the message free of them.
# For us:    core/broker.py names them as None. A test that gave its worker a short limit passed alone and fell in
#            a longer run, in which an earlier test had loaded the tasks.
#
# Output seen:
#   before the tasks are loaded: [None, None]
#   after:                       [660, 600]
#   after, with None named:      [None, None]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check celery==5.7.0 kombu==5.7.0 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import sys

from celery import Celery

app = Celery("sender", broker="memory://")
app.conf.update(task_soft_time_limit=600, task_time_limit=660)


@app.task(name="work")
def work(number: int) -> None: ...


def limits_sent(**named: None) -> list[int | None]:
    app.send_task("work", [1], **named)
    with app.connection_for_read() as broker:
        message = app.amqp.queues["celery"](broker.default_channel).get(no_ack=True)
        return message.headers["timelimit"]


before = limits_sent()
app.finalize()
after = limits_sent()
named = limits_sent(time_limit=None, soft_time_limit=None)
print("before the tasks are loaded:", before)
print("after:                      ", after)
print("after, with None named:     ", named)
sys.exit(0 if (before, after, named) == ([None, None], [660, 600], [None, None]) else 1)
PYTHON
