"""Plots in scikit-learn's style."""
