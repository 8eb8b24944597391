"""The workers of the service: processes of a Dask cluster, of this machine or of others, and the way of trials to them."""
