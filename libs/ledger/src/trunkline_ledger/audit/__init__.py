"""Looking back at whole ledgers: are they sound, and do today's rules decide them again? For the operator's tools.

Must not: be used by a service; what takes effect is judged by the core's own filter, and by the test kit's checker once
more on its own.
"""
