"""The gateway's books beside ours: compare.py says what does not agree (pure), books.py reads our
side, running.py does a whole run, schedule.py says when, payouts.py what reached the bank."""
