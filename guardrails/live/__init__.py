"""The live database, for `guardrails indexes diff`: the only package that opens a connection.

``connection`` holds the read-only view of one database, ``compare`` says how its indexes and the declared
ones differ, ``explain`` asks the server for its plans. pymongo is optional and imported here alone.
"""
