"""Every word and picture a person sees in an output cell: plain data in, MIME bundles out.

The rightmost layer: it knows nothing of engines, results or configuration, and importing it costs
nothing (no pandas ever, IPython only where something is displayed).
"""
