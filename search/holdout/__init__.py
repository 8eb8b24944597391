"""How well a model predicts rows with known targets that its study has not seen."""
