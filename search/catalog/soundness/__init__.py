"""Whether journal, MLflow and files of each study agree, and what can be done where they do not."""
