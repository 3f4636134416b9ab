"""Event-sourced partitions on Kafka: one fenced writer each, nothing acknowledged is lost."""
