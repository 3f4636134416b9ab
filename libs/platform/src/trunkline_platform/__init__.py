"""What every service process shares: settings, lifecycle, logs, metrics, gRPC, HTTP, store, keys, Faust."""
