"""Programs that do ScamSieve's work by other means, each as its framework's documentation would have it written.

They read their task from the environment (see `roster.py`), know nothing of ScamSieve, and run in environments of their own.
"""
