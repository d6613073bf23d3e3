"""The cases behind ``tests/vectors``: what each one is given, and with which code a faulty one is refused."""
