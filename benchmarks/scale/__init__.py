"""What a cluster can do, measured with few workers and modelled with many."""
