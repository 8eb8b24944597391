"""Compiling numeric code, and caching the machine code on disk."""
