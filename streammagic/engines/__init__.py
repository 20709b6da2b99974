"""The engines, each behind the protocol in `base`, found by the entry point group ``streammagic.engines``."""
