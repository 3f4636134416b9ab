"""Queues, agents and offers: which agent is offered which contact, and why."""
