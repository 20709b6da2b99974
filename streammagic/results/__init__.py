"""From pages of changes to a table in a variable: changelog, fold, feed, frame, handle.

Everything here is engine-neutral. An engine delivers `Page`s of raw values and a `Schema` that knows how
to decode them; values stay raw until somebody looks at them.
"""
