"""How browsers and other services reach console."""
