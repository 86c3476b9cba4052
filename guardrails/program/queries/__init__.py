"""Queries and indexes, apart from source code: what a query asks, what an index offers, whether they meet.

``model`` holds the records, ``documents`` makes them from filter documents and index options, ``planner``
says which index serves a query, ``suggest`` which index would. Nothing in these modules sees source code;
``reader`` and ``declarations`` translate a program into them.
"""
