"""What a misspelt name of the user's, such as that of a column or a model, may have meant."""

from bpmodel.names.hints import of_name as did_you_mean

__all__ = ["did_you_mean"]
