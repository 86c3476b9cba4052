"""Queries and indexes: what the code asks of the database, what it offers, and whether they meet.

Apart from source code: ``model`` holds the records, ``documents`` makes them from filter documents and index options,
``planner`` says which index serves a query, ``suggest`` which index would.

From source code to these: ``expressions`` evaluates expressions to values (``symbolic``), ``odm`` knows what the
mappers make of classes and expressions, ``namespace`` finds an operation's collection, ``reader`` reads its query,
``declarations`` the indexes. ``indexing`` puts both together and is what the checks and commands ask.
"""
