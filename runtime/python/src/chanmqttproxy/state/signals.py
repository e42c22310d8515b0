"""Signals of the last messages."""

from django.dispatch import Signal

# Sent after a commit that stored messages: sender is LastMessage, messages is a list of
# them. They have no primary key. A receiver that raises is logged.
updated = Signal()
