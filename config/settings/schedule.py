"""What beat sends, and when. Times are UTC."""

from typing import Any

from celery.schedules import crontab

BEAT: dict[str, dict[str, Any]] = {
    "tenants-spares": {
        "task": "tenants.keep_spares",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "tenants-usage": {"task": "tenants.count_usage", "schedule": crontab(hour=1, minute=20)},
    # Past noon in UTC the first day of the month has begun everywhere on earth.
    "tenants-billing": {
        "task": "tenants.bill_month",
        "schedule": crontab(day_of_month=1, hour=12, minute=30),
    },
    "tenants-sign-ups": {"task": "tenants.tidy_sign_ups", "schedule": crontab(minute=7)},
    "tenants-half-made": {"task": "tenants.clean_half_made", "schedule": crontab(minute=25)},
    "events-stranded": {"task": "events.check_stranded", "schedule": crontab(hour=3, minute=10)},
    # For the console. A tenth of the schools each minute (apps/events/services/counting.py).
    "events-counts": {"task": "events.send_counts", "schedule": 60.0, "options": {"expires": 60}},
    # The keeper's: a message that waited behind long work longer than its period is worth nothing.
    "tenants-operations": {
        "task": "tenants.sweep_operations",
        "schedule": 15.0,
        "options": {"expires": 15},
    },
    "tenants-deletions": {
        "task": "tenants.delete_due_schools",
        "schedule": crontab(hour=4, minute=20),
        "options": {"expires": 12 * 3600},
    },
    # What schools have noted down to be done (apps/tenants/services/due.py): payments to ask about,
    # messages of gateways. No task goes from school to school.
    "tenants-due-work": {
        "task": "tenants.send_due_work",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    "tenants-all-work": {"task": "tenants.send_all_work", "schedule": crontab(hour=3, minute=40)},
    # Which schools are due is looked up each time, so a tick that was missed costs nothing.
    "tenants-backups": {
        "task": "tenants.send_backups",
        "schedule": crontab(minute="*/10"),
        "options": {"expires": 600},
    },
    "tenants-backups-tidy": {
        "task": "tenants.tidy_backups",
        "schedule": crontab(hour=6, minute=50),
        "options": {"expires": 12 * 3600},
    },
    "tenants-backups-verify": {
        "task": "tenants.send_verifications",
        "schedule": crontab(day_of_week=0, hour=7, minute=20),
        "options": {"expires": 12 * 3600},
    },
    "tenants-retention": {"task": "tenants.retention", "schedule": crontab(hour=2, minute=40)},
}
