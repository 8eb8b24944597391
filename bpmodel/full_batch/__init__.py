"""Full-batch solvers, which use all rows in every iteration."""
