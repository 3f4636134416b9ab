"""What console counts, declared once."""

from prometheus_client import Counter, Gauge

DESKS = Gauge("trunkline_console_desks_connected", "Agent desks connected to this replica.")
LOGINS = Counter("trunkline_console_logins_total", "Log-in attempts by result.", ["result"])
LIVE_ROWS = Counter("trunkline_console_live_rows_total", "Rows read from the live topics.", ["topic"])
