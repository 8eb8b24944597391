"""The documentation as a site: `make site` arranges the pages of `docs/` and lets Sphinx make HTML of them."""
