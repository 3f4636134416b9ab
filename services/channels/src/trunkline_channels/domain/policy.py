"""Limits of a contact. Later per tenant; now the same for all."""

from datetime import timedelta

DETACHED_LIFE = timedelta(seconds=120)  # a page is reloaded, a phone changes its network
SILENT_LIFE = timedelta(minutes=30)
LATEST_CALLBACK = timedelta(days=7)  # what acd takes
MONITORING_JOIN = timedelta(seconds=10)  # a supervisor picks up by hand, and nobody waits meanwhile
ANSWER_REST = timedelta(minutes=1)  # until a customer of whom crm did not say whether to call is looked up again
HOURS_REST = timedelta(minutes=30)  # until hours that nobody defined, or that an emergency closed, are looked at again
OPENS_WITHIN = timedelta(days=8)  # a call-back lives for 7
CLOSED_LIFE = timedelta(minutes=10)  # late facts and repeated commands still find the row
ANNOUNCEMENTS_APART = timedelta(seconds=30)  # at least, in a chat

MAX_ATTRIBUTES = 32
MAX_ATTRIBUTE_LENGTH = 256
MAX_GATHERED = 32
MAX_GATHERED_BYTES = 128 * 1024  # they are in every view
MAX_MESSAGES = 500
MAX_ANNOUNCEMENTS = 20  # to a chat, of one stay in a queue
MAX_CHOICES = 20  # of a customer who waits; each is an event, and a text or a step
MAX_NOTE_BYTES = 2048  # 500 characters, each of at most four bytes, and the seal
MAX_NOTES = 20  # they are in every view of an agent; older ones stand in the customer's history
MAX_WHISPERS = 100  # each as long as a note at most: they too are in every view of an agent
MAX_CONTACTS_PER_LOSS = 100  # all records of one command lie in one batch (ledger rule 6)

# A text stands twice in its record, in the command and in the event, and the record holds 64 KiB (ledger rule 6).
MAX_TEXT_BYTES = 31 * 1024
LOCALES = frozenset({"zh", "en"})
CALL_OUTCOMES = frozenset({"reached", "no_answer", "busy", "failed", "withdrawn"})
LEG_FAILURES = frozenset({"busy", "unreachable", "failed"})
