"""How the best configuration predicts rows that it was not trained on."""
