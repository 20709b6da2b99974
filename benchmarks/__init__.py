"""Measurements as ratios to the raw limit in the same run. Each module prints one JSON line.

``python -m benchmarks.drain``, ``.fold``, ``.first_row``, ``.start``, ``.imports``, ``.split``,
``.completion``, ``.ksqldb_parse``
"""
