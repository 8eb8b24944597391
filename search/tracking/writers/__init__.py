"""Writing a study into a store: directly into SQLite tables, or through MLflow's client."""
