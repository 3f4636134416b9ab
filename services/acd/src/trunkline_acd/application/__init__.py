"""What acd does around its rules: views of agents for their desks, consoles that hold desks."""
