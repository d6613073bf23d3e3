"""The HTTP service: a skin over the services of a data folder."""
