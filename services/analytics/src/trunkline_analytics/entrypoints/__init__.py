"""How others read from analytics."""
