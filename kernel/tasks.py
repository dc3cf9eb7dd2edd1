"""What a background task says of itself: for whom it works.

    @task("payments.process_provider_event", runs_in=SCHOOL)

The worker refuses a task that says nothing, and a school's task that comes without its school
(config/celery.py): without a school it would read the platform's tables.
"""

from collections.abc import Callable
from typing import Any, cast

from celery import shared_task

Function = Callable[..., Any]

SCHOOL = "school"  # needs `schema_name`, and opens that school
PLATFORM = "platform"  # works on the platform's own tables, or goes from school to school
EITHER = "either"  # needs `schema_name`, which may be the platform's own ("public")

SCOPES = frozenset({SCHOOL, PLATFORM, EITHER})
# The message header that names the school. It must agree with the argument.
SCHOOL_HEADER = "school"


def task(name: str, *, runs_in: str, queue: str | None = None) -> Callable[[Function], Any]:
    """Make a function a background task. `queue`: another than the default, such as OWNER_QUEUE."""
    options = {"queue": queue} if queue else {}
    declare: Any = shared_task
    return cast(Callable[[Function], Any], declare(name=name, runs_in=runs_in, **options))
