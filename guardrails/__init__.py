"""What judges a stack before it is created: what it declares, costs, violates and needs."""
