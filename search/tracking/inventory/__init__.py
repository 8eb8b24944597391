"""Everything that a store has of studies, read in few questions, for a comparison with their journals; and its repairs."""
